"""What was predicted comes back as it was told, whatever it is, and takes few bytes."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch.collector.outcomes.records import (
    Columns,
    Layout,
    decode_plain,
    decode_records,
    encode_records,
)
from modelwatch.telemetry.wire.outcomes import OutcomeValue, PredictionRows

SIZE = 4

columns: st.SearchStrategy[list[Any]] = st.one_of(
    *(
        st.lists(one, min_size=SIZE, max_size=SIZE)
        for one in (
            st.floats(width=32),
            st.floats(),
            st.integers(-128, 127),
            st.integers(-(2**63), 2**63 - 1),
            st.integers(),
            st.booleans(),
            st.booleans() | st.none(),
            st.text(max_size=3) | st.none(),
            st.one_of(st.text(max_size=2), st.booleans(), st.integers(), st.floats(), st.none()),
        )
    )
)


class Codes:
    """Numbers of values, up to some."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.values: list[str] = []

    def of(self, values: Sequence[Any]) -> list[int] | None:
        """Return the numbers of values; None where there are too many."""
        told = [json.dumps(value) for value in values]
        self.values += [one for one in dict.fromkeys(told) if one not in self.values]
        return [self.values.index(one) for one in told] if len(self.values) <= self.most else None


def told(outputs: dict[str, list[OutcomeValue]], segments: list[str] | None) -> PredictionRows:
    """Return predictions."""
    return PredictionRows(
        model="m", version="1", ids=["a"] * SIZE, times_ns=[0] * SIZE, outputs=outputs,
        segments=segments, features={"last": [1.5] * SIZE},
    )  # fmt: skip


def read(layout: Layout | None, records: list[bytes], codes: Codes) -> Columns:
    """Return what records hold."""
    if layout is None:
        return decode_plain(records)
    again = Layout.from_json(layout.to_json())
    assert again == layout
    values = [json.loads(one) for one in codes.values]
    return decode_records(again, b"".join(records), len(records), values)


def same(one: Any, other: Any) -> bool:
    """Tell whether values are the same; a missing number may be NaN."""
    one, other = (None if isinstance(x, float) and math.isnan(x) else x for x in (one, other))
    if isinstance(one, bool) != isinstance(other, bool):
        return False
    return bool(one == other)


@given(
    st.dictionaries(st.sampled_from(["a", "b", "c"]), columns, min_size=1),
    st.none() | st.lists(st.sampled_from(["", "DE", "FR"]), min_size=SIZE, max_size=SIZE),
    st.sampled_from([3, 300, 5_000]),
)
def test_predictions_come_back(
    outputs: dict[str, list[OutcomeValue]], segments: list[str] | None, most: int
) -> None:
    """With numbers for their values, and written out where these are too many."""
    codes = Codes(most)
    layout, records = encode_records(told(outputs, segments), codes.of)
    found = read(layout, records, codes)
    assert list(found.segments) == (segments or [""] * SIZE)
    assert set(found.outputs) == set(outputs)
    for name, column in outputs.items():
        plain = [one.item() if isinstance(one, np.generic) else one for one in found.outputs[name]]
        assert all(same(one, other) for one, other in zip(column, plain, strict=True)), (
            column, plain,
        )  # fmt: skip
    assert [float(one) for one in found.features["last"]] == [1.5] * SIZE


def test_more_values_than_a_byte_names_take_two() -> None:
    """The widths of fields follow from the largest number."""
    codes = Codes(5_000)
    codes.values = [json.dumps(f"v{n}") for n in range(4_000)]
    layout, records = encode_records(told({"class": ["v3999", None, "v0", "v254"]}, None), codes.of)
    assert layout is not None
    assert layout.outputs == (("class", "c2"),)
    assert list(read(layout, records, codes).outputs["class"]) == ["v3999", None, "v0", "v254"]


def test_a_usual_prediction_takes_few_bytes() -> None:
    """A class, a score of single precision and a segment: six bytes."""
    rows = PredictionRows(
        model="m", version="1", ids=["a"], times_ns=[0],
        outputs={"class": ["yes"], "score": [0.25]}, segments=["DE"],
    )  # fmt: skip
    _, records = encode_records(rows, Codes(9).of)
    assert [len(record) for record in records] == [6]


def test_damaged_records_are_refused() -> None:
    """Of another length, or with a number that stands for nothing."""
    layout = Layout("c1", (), ())
    with pytest.raises(ValueError, match="2 records of 1 bytes are 3 bytes long"):
        decode_records(layout, b"abc", 2, [])
    with pytest.raises(ValueError, match="names value 7, of which there are 1"):
        decode_records(layout, b"\x07", 1, ["DE"])
