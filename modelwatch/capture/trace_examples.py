"""Which traces show a finding: of each feature a few rows with an outlier, or where values gather.

What is told of a trace are names: of features, of rules that are broken, of the type of an error.
No value leaves, and so these are events and no exemplars of the metrics' points: OTLP counts an
exemplar without a value as invalid, and the point's own category or bin would tell the value.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np

from modelwatch.baseline import Baseline, BaselineFeature
from modelwatch.capture.outputs import Failure
from modelwatch.capture.packed_rows import Kept
from modelwatch.capture.traced_rows import MOST_EACH, TracedRow
from modelwatch.comparisons.cells import decile_starts
from modelwatch.feature import FeatureProfile
from modelwatch.profile import Profile
from modelwatch.sketches import Categories, Histogram
from modelwatch.tables.columns import ABSENT, RawColumn, categorical_column, numeric_column
from modelwatch.telemetry import names
from modelwatch.telemetry.wire.attributes import AttributeValue
from modelwatch.telemetry.wire.events import Event

__all__ = ["example_events", "rows_where_values_gathered"]

_LEAST_SCORE: Final = 3.0
"""Standard errors by which a cell's share must exceed the baseline's: one of 700 does by chance."""

_LEAST_RATIO: Final = 1.25
"""And as many times the baseline's share it must be."""

_LEAST_ROWS: Final = 3
"""Fewer say nothing of where values gather."""

_MOST_EVENTS: Final = 256


def example_events(
    telling: Sequence[TracedRow],
    sampled: Sequence[TracedRow],
    profiles: Sequence[Profile],
    *,
    model: str,
    version: str,
    tells: Callable[[str], bool],
) -> list[Event]:
    """Return an event for each trace that shows something.

    Args:
        telling: rows with an outlier, or whose call failed.
        sampled: rows of the interval.
        profiles: what all rows of the interval came to.
        model: the model's name.
        version: its version.
        tells: whether a feature may be named.
    """
    rows = {id(row): row for row in telling}
    features: defaultdict[int, list[str]] = defaultdict(list)
    for profile in profiles:
        own = [row for row in sampled if row.plan.baseline_id == profile.baseline_id]
        baseline = own[0].plan.baseline if own else None
        if baseline is None:
            continue
        for name, chosen in rows_where_values_gathered(own, profile, baseline).items():
            if tells(name):
                for row in chosen:
                    rows[id(row)] = row
                    features[id(row)].append(name)
    return [
        _event(row, features[key], model=model, version=version, tells=tells)
        for key, row in list(rows.items())[:_MOST_EVENTS]
    ]


def rows_where_values_gathered(
    rows: Sequence[TracedRow], profile: Profile, baseline: Baseline
) -> dict[str, list[TracedRow]]:
    """Return, of each feature that has moved, the rows in what has grown most: two at most.

    Rows that were chosen for another feature go first, so that few traces show much.

    Args:
        rows: of one baseline, with their values.
        profile: of all rows.
        baseline: what the values are compared with.
    """
    found: dict[str, list[TracedRow]] = {}
    used: set[int] = set()
    for name, column, owners in _columns(rows):
        feature, current = baseline.features.get(name), profile.features.get(name)
        reference = baseline.profile.features.get(name)
        if feature is None or current is None or reference is None:
            continue
        gains = _gains(feature, reference, current, column)
        if gains is None:
            continue
        grown = [(gain, row) for gain, row in zip(gains, owners, strict=True) if gain > 0.0]
        ranked = sorted(grown, key=lambda one: (-one[0], id(one[1]) not in used))
        if ranked:
            found[name] = [row for _, row in ranked[:MOST_EACH]]
            used.update(id(row) for row in found[name])
    return found


def _columns(
    rows: Sequence[TracedRow],
) -> Iterator[tuple[str, RawColumn, Sequence[TracedRow]]]:
    """Yield the inputs and the outputs, each with the rows that its values are of."""
    values = _values(rows)
    for place, name in enumerate(rows[0].plan.reader.names):
        yield name, [own[place] if own else ABSENT for own in values], rows
    answered = [row for row in rows if type(row.output) is not Failure]
    if answered:
        columns = rows[0].plan.outputs.columns([row.output for row in answered])
        for name, column in columns.items():
            yield name, column, answered


def _values(rows: Sequence[TracedRow]) -> list[Kept | None]:
    """Return the values of each row one by one."""
    found = [row.values for row in rows]
    packed = [place for place, row in enumerate(rows) if row.is_packed]
    layout = rows[0].plan.layout
    if packed and layout is not None:
        unpacked = layout.values([found[place] for place in packed])
        for place, values in zip(packed, unpacked, strict=True):
            found[place] = values
    return found


def _gains(
    feature: BaselineFeature,
    reference: FeatureProfile,
    current: FeatureProfile,
    column: RawColumn,
) -> list[float] | None:
    """Return of each value by how much the share of what it lies in has grown; 0 where not surely.

    A number lies in a decile of the baseline, a category is for itself, and what is missing too.
    """
    before, now = reference.total, current.total
    if not before or not now:
        return None

    def gain(count_before: int, count_now: int) -> float:
        if count_now < _LEAST_ROWS:
            return 0.0
        return _growth(count_before / before, count_now / now, before, now)

    missing = gain(reference.missing_count, current.missing_count)
    if isinstance(reference.values, Histogram) and isinstance(current.values, Histogram):
        if reference.values.counts.shape != current.values.counts.shape:
            return None
        starts = decile_starts(reference.values.counts)
        cells = zip(
            np.add.reduceat(reference.values.counts, starts).tolist(),
            np.add.reduceat(current.values.counts, starts).tolist(),
            strict=True,
        )
        grown = np.array([gain(*pair) for pair in cells])
        if not missing and not grown.any():
            return None
        values = numeric_column(column).values
        bins = np.searchsorted(reference.values.bin_edges, values)
        places = np.searchsorted(starts, bins, side="right") - 1
        found: list[float] = np.where(np.isnan(values), missing, grown[places]).tolist()
        return found
    if isinstance(reference.values, Categories) and isinstance(current.values, Categories):
        counts = reference.values.counts
        shares = {name: gain(counts[name], n) for name, n in current.values.counts.items()}
        if not missing and not any(shares.values()):
            return None
        limits = feature.limits
        keys: Any = categorical_column(column, text=limits.text, aliases=limits.aliases).keys
        return [missing if key is None else shares.get(key, 0.0) for key in keys]
    return None


def _growth(before: float, now: float, rows_before: int, rows_now: int) -> float:
    pooled = (before * rows_before + now * rows_now) / (rows_before + rows_now)
    error = np.sqrt(pooled * (1.0 - pooled) * (1.0 / rows_before + 1.0 / rows_now))
    is_sure = now - before > _LEAST_SCORE * error and now > _LEAST_RATIO * before
    return float(now - before) if is_sure else 0.0


def _event(
    row: TracedRow,
    features: Sequence[str],
    *,
    model: str,
    version: str,
    tells: Callable[[str], bool],
) -> Event:
    told: dict[str, AttributeValue] = {names.MODEL_NAME: model, names.MODEL_VERSION: version}
    outliers = {name: rule for name, rule in row.outliers.items() if tells(name)}
    if features:
        told[names.EXAMPLE_FEATURES] = list(features)
    if outliers:
        told[names.OUTLIER_FEATURES] = list(outliers)
        told[names.OUTLIER_RULES] = list(outliers.values())
    if row.error_type:
        told[names.ERROR_TYPE] = row.error_type
    trace_id, span_id, trace_flags = row.span
    return Event(
        name=names.EXAMPLE,
        time_ns=row.time_ns,
        attributes=told,
        trace_id=trace_id,
        span_id=span_id,
        trace_flags=trace_flags,
    )
