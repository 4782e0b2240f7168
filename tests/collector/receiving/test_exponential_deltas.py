from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.metrics.v1.metrics_pb2 import ExponentialHistogramDataPoint as Point

from modelwatch.collector.receiving.exponential_deltas import (
    counted_between,
    counts_alone,
    has_counts,
)


def bucket(magnitude: float, scale: int) -> int:
    """Return the bucket of a magnitude as OTLP defines it: base**i < magnitude <= base**(i+1)."""
    return math.ceil(math.log2(magnitude) * 2.0**scale) - 1


def counted(values: Iterable[float], scale: int, threshold: float) -> dict[object, int]:
    """Count raw values: 0 for zero, and sign and bucket of all others."""
    return dict(
        Counter(
            0 if abs(v) <= threshold else (math.copysign(1, v), bucket(abs(v), scale))
            for v in values
        )
    )


def point(values: Sequence[float], scale: int, threshold: float = 0.0) -> bytes:
    """Return a point that tells of raw values."""
    made = Point(scale=scale, zero_threshold=threshold, count=len(values), sum=sum(values))
    made.attributes.add(key="a").value.string_value = "b"
    told = counted(values, scale, threshold)
    made.zero_count = told.pop(0, 0)
    for sign, side in ((1, made.positive), (-1, made.negative)):
        own = {key[1]: n for key, n in told.items() if isinstance(key, tuple) and key[0] == sign}
        if own:
            side.offset = min(own)
            side.bucket_counts.extend(own.get(i, 0) for i in range(min(own), max(own) + 1))
    return made.SerializeToString()


def read(payload: bytes) -> dict[object, int]:
    """Return what a point tells, as `counted` does."""
    told = Point.FromString(payload)
    found: dict[object, int] = {0: told.zero_count}
    for sign, side in ((1.0, told.positive), (-1.0, told.negative)):
        found |= {(sign, side.offset + i): n for i, n in enumerate(side.bucket_counts)}
    return {key: n for key, n in found.items() if n}


values_of = st.lists(
    st.one_of(
        st.floats(-1e9, 1e9), st.floats(-2, 2), st.sampled_from([0.0, 1.0, -1.0, 4.0, 1e-12])
    ).filter(lambda v: v == 0 or abs(v) > 1e-300),
    max_size=60,
)


@given(
    before=values_of,
    new=values_of,
    scales=st.tuples(st.integers(-3, 8), st.integers(-3, 8)),
    thresholds=st.tuples(*[st.sampled_from([0.0, 1e-6, 0.3, 0.5, 1.0])] * 2),
)
def test_a_difference_counts_the_rows_in_between(
    before: list[float],
    new: list[float],
    scales: tuple[int, int],
    thresholds: tuple[float, float],
) -> None:
    """Bucket by bucket, at the coarser scale and the greater threshold, it is a count of rows."""
    earlier = counts_alone(point(before, scales[0], min(thresholds)))
    later = point(before + new, scales[1], max(thresholds))
    found = counted_between(earlier, later, is_same_start=True)
    assert found is not None
    told = Point.FromString(found)
    assert told.scale == min(scales)
    assert told.zero_threshold >= max(thresholds)
    assert read(found) == counted(new, told.scale, told.zero_threshold)
    assert (told.count, has_counts(found)) == (len(new), bool(new))
    assert told.attributes == Point.FromString(later).attributes
    assert not any(told.HasField(name) for name in ("sum", "min", "max"))


def test_the_same_threshold_moves_nothing() -> None:
    """Where it does not change, values next to it stay in their buckets."""
    found = counted_between(point([0.6], 0, 0.5), point([0.6, 0.7], 0, 0.5), is_same_start=True)
    assert found is not None
    assert read(found) == {(1.0, -1): 1}
    assert Point.FromString(found).zero_threshold == 0.5


@pytest.mark.parametrize("is_same_start", [True, False])
def test_fewer_values_are_a_new_beginning(*, is_same_start: bool) -> None:
    """Where there are fewer in all, the series began anew."""
    assert counted_between(point([1, 2], 0), point([2], 0), is_same_start=is_same_start) is None


def test_moved_values_are_told_from_a_new_beginning_by_the_start() -> None:
    """Without a start, a bucket that lost values began anew; with it, they moved."""
    before, after = point([1.0, 8.0, 8.0], 0), point([1.0, 64.0, 64.0, 64.0, 1.0], 0)
    assert counted_between(before, after, is_same_start=False) is None
    found = counted_between(before, after, is_same_start=True)
    assert found is not None
    assert read(found) == {(1.0, -1): 1, (1.0, 5): 1}


@given(before=values_of, after=values_of)
def test_moved_values_never_change_how_many_there_are(
    before: list[float], after: list[float]
) -> None:
    """Whatever the buckets say, the difference is that of the totals, and none is negative."""
    found = counted_between(point(before, 2), point(after, 2), is_same_start=True)
    if len(after) < len(before):
        assert found is None
    else:
        assert found is not None
        told = read(found)
        assert sum(told.values()) == len(after) - len(before)
        assert min(told.values(), default=0) >= 0


@pytest.mark.parametrize("threshold", [math.nan, math.inf, -1.0, 1e308, 5e-324])
def test_thresholds_that_cannot_be_are_none(threshold: float) -> None:
    """Whatever a sender says, the difference has as many values."""
    with np.errstate(all="raise"):
        found = counted_between(
            point([1.0, 3.0], 0), _with_threshold([1.0, 3.0, 5.0], threshold), is_same_start=True
        )
    assert found is not None
    assert sum(read(found).values()) == 1


def _with_threshold(values: Sequence[float], threshold: float) -> bytes:
    made = Point.FromString(point(values, 0))
    made.zero_threshold = threshold
    return made.SerializeToString()
