"""Arrivals to profiles: which reader reads which metric or event, and what comes of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import ExponentialHistogramDataPoint

from modelwatch.errors import ProfileMismatch, UndecodableTelemetry
from modelwatch.profile import Profile
from modelwatch.sketches import Histogram
from modelwatch.telemetry import names
from modelwatch.telemetry.wire import folding, performance_folding
from modelwatch.telemetry.wire.arrivals import (
    Attributes,
    Other,
    Series,
    SeriesSet,
    Window,
)
from modelwatch.telemetry.wire.bounded_cache import BoundedCache
from modelwatch.telemetry.wire.folding import Binned, Fold

__all__ = [
    "EVENTS",
    "EXPONENTIAL_HISTOGRAMS",
    "OURS",
    "check_series",
    "empty_profile",
    "fold_other",
    "fold_series",
    "kinds_of",
    "plain_attributes",
    "read_other",
    "to_profile",
]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Told = Mapping[str, Any]
Reader = Callable[[Any, Told], Fold]

SUMS: Final[Mapping[str, Callable[[Told, int], Fold]]] = {
    names.FEATURE_CATEGORIES: folding.categories,
    names.FEATURE_MISSING: folding.missing,
    names.FEATURE_OUTLIERS: folding.outliers,
    names.PREDICTIONS: folding.predictions,
    names.ROWS_CAPTURED: folding.rows_captured,
    names.ROWS_OUTLYING: folding.rows_outlying,
    names.ROWS_DROPPED: folding.rows_dropped,
    names.EXPORT_FAILURES: folding.nothing,
    names.EVENTS_DROPPED: folding.nothing,
    names.FINGERPRINT_MISMATCHES: folding.mismatches,
}
HISTOGRAMS: Final[Mapping[str, Callable[[Told, Binned], Fold]]] = {
    names.FEATURE_VALUE: folding.histogram,
    names.PREDICTION_DURATION: folding.duration,
}
EXPONENTIAL_HISTOGRAMS: Final[Mapping[str, Reader]] = {
    names.FEATURE_VALUE: folding.exponential_histogram,
}
EVENTS: Final[Mapping[str, Reader]] = {
    names.FEATURE_MOMENTS: folding.moments,
    names.PERFORMANCE_SCORES: performance_folding.scores,
    names.PERFORMANCE_INPUTS: performance_folding.inputs,
}
OURS: Final = frozenset({*SUMS, *HISTOGRAMS})

_BYTES_OF_ITEM: Final = 128
_ARRAYS: Final = BoundedCache[bytes, tuple[Any, ...]](entries=1_024, nbytes=4 * 2**20)

_TABLES: Final[Mapping[str, Collection[str]]] = {
    "sum": SUMS,
    "histogram": HISTOGRAMS,
    "exponential_histogram": EXPONENTIAL_HISTOGRAMS,
}
_KINDS: Final = {
    name: frozenset(kind for kind, table in _TABLES.items() if name in table) for name in OURS
}


def to_profile(
    window: Window,
    series_set: SeriesSet,
    counts: IntArray,
    sums: FloatArray,
    minima: FloatArray,
    maxima: FloatArray,
) -> Profile:
    """Return what series tell of a window.

    Series that contradict those before them, such as a feature's on other bins, are left out;
    `fold_series` tells how many.

    Args:
        window: of whom and of when they tell.
        series_set: which series.
        counts: of all series, one after the other.
        sums: one a histogram; NaN where none is known.
        minima: likewise.
        maxima: likewise.
    """
    profile = empty_profile(window)
    fold_series(profile, series_set, counts, sums, minima, maxima)
    return profile


def empty_profile(window: Window) -> Profile:
    """Return a profile of a window that nothing is known of."""
    return Profile(
        window.model,
        window.version,
        baseline_id=window.baseline_id or None,
        segment=window.segment or None,
        instance=window.instance or None,
        start_ns=window.start_ns,
        end_ns=window.end_ns,
    )


def fold_series(
    profile: Profile,
    series_set: SeriesSet,
    counts: IntArray,
    sums: FloatArray,
    minima: FloatArray,
    maxima: FloatArray,
) -> int:
    """Add what series tell to a profile; see `to_profile`.

    Returns:
        How many series were left out, since they contradict what was there before.
    """
    contradicting = 0
    histograms = iter(zip(sums.tolist(), minima.tolist(), maxima.tolist(), strict=True))
    offsets = series_set.offsets.tolist()
    categories = _categories(series_set, counts)
    for series, start, end in zip(series_set.series, offsets, offsets[1:], strict=False):
        size = 1
        if series.metric == names.FEATURE_CATEGORIES:
            found = categories.pop(_category(series)[0], None)
            if found is None:  # it was folded with the first of its feature
                continue
            attributes, size = dict(series.attributes), len(found)
            fold = folding.all_categories(attributes, found)
        else:
            own = counts[start:end]
            told = (own, *next(histograms)) if series.is_histogram else (own,)
            fold = _fold_of(series, *told)
        try:
            fold(profile)
        except ProfileMismatch:
            contradicting += size
    return contradicting


def _categories(series_set: SeriesSet, counts: IntArray) -> dict[Attributes, dict[str, int]]:
    """Return the counts by category of each feature, by its other attributes."""
    found: dict[Attributes, dict[str, int]] = {}
    for series, start in zip(series_set.series, series_set.offsets.tolist(), strict=False):
        if series.metric == names.FEATURE_CATEGORIES:
            attributes, category = _category(series)
            found.setdefault(attributes, {})[category] = int(counts[start])
    return found


def _category(series: Series) -> tuple[Attributes, str]:
    """Return the attributes of a feature's series but its category, and that."""
    category = ""
    others: list[tuple[str, str]] = []
    for name, value in series.attributes:
        if name == names.FEATURE_CATEGORY:
            category = value
        else:
            others.append((name, value))
    return tuple(others), category


def fold_other(profile: Profile, other: Other) -> None:
    """Add what does not add up to a profile.

    Raises:
        UndecodableTelemetry: where its payload is damaged.
        ProfileMismatch: where it contradicts what was there before.
    """
    is_event = other.name in EVENTS
    message = LogRecord() if is_event else ExponentialHistogramDataPoint()
    try:
        message.ParseFromString(other.payload)
    except DecodeError as error:
        raise UndecodableTelemetry(f"{other.name}: its payload is damaged: {error}.") from error
    read_other(other.name, message, plain_attributes(message.attributes))(profile)


def read_other(name: str, message: Message, attributes: Told) -> Fold:
    """Return what a point or record that does not add up adds to a profile.

    Raises:
        ModelwatchError, KeyError, TypeError, ValueError: where it cannot be used.
    """
    return (EVENTS.get(name) or EXPONENTIAL_HISTOGRAMS[name])(message, attributes)


def kinds_of(name: str) -> frozenset[str]:
    """Return as what kinds of OTLP data a metric of ours may come."""
    return _KINDS.get(name, frozenset())


def check_series(series: Series) -> None:
    """Do nothing where a series can be folded into a profile, whatever its counts.

    Raises:
        ModelwatchError, KeyError: where it cannot be used.
    """
    nan = float("nan")
    told = (nan, nan, nan) if series.is_histogram else ()
    _fold_of(series, np.zeros(series.width, np.int64), *told)


def plain_attributes(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    """Return attributes by name, arrays as tuples."""
    return {pair.key: _value(pair.value) for pair in pairs}


def _fold_of(series: Series, counts: IntArray, *floats: float) -> Fold:
    attributes = dict(series.attributes)
    if series.kind == "sum":
        return SUMS[series.metric](attributes, int(counts[0]))
    values = Histogram(series.bin_edges, counts)
    total, minimum, maximum = floats
    told = Binned(values=values, total=total, minimum=minimum, maximum=maximum)
    return HISTOGRAMS[series.metric](attributes, told)


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return _array(value)
    if kind == "kvlist_value":
        return tuple((pair.key, _value(pair.value)) for pair in value.kvlist_value.values)
    return getattr(value, kind)


def _array(value: AnyValue) -> tuple[Any, ...]:
    """Return an array, the same object as before where it is still known: it names features."""
    content = value.SerializeToString()
    found = _ARRAYS.get(content)
    if found is None:
        found = tuple(_value(item) for item in value.array_value.values)
        _ARRAYS.put(content, found, nbytes=_BYTES_OF_ITEM * len(found) + 4 * len(content))
    return found
