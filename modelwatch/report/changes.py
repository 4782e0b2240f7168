"""Plain statistics of each feature of a report, before and now."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from modelwatch.comparisons.moment_changes import (
    Change,
    Numbers,
    extreme_changes,
    mean_change,
    quantile_change,
    quantile_effect,
    rate_change,
    spread_effect,
    standard_deviation_change,
)
from modelwatch.errors import ConfigurationError
from modelwatch.feature import FeatureProfile
from modelwatch.report.binning import countable, holds_distinct_values
from modelwatch.report.expected import expected_reference
from modelwatch.sketches import Histogram, Moments

if TYPE_CHECKING:
    from modelwatch.baseline import BaselineFeature
    from modelwatch.report.drift_report import DriftReport

__all__ = ["QUANTILES", "changes_in", "changes_of"]

QUANTILES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}


def changes_in(report: DriftReport, name: str) -> dict[str, Change]:
    """Return what `changes_of` does of one feature of a report.

    Raises:
        ConfigurationError: where the report has no such feature, or no statistics.
    """
    if name not in report.features:
        raise ConfigurationError(
            f"the report has no feature {name!r}: give one of {sorted(report.features)}."
        )
    if report.baseline is None or report.current is None:
        raise ConfigurationError(
            f"the changes of {name!r} are not known: this report was read from a document, which "
            "holds findings only. Ask the report that compare() returned."
        )
    reference = expected_reference(report.baseline, report.current, name)
    current = report.current.features.get(name)
    if reference is None or current is None:
        return {}
    return changes_of(report.baseline.features[name], reference, current)


def changes_of(
    feature: BaselineFeature, reference: FeatureProfile, current: FeatureProfile
) -> dict[str, Change]:
    """Return mean, spread, extremes, missing share and quantiles of one feature.

    The intervals are of the current values. Their rows count as so many independent ones as the
    baseline's blocks tell, for each statistic by its own design effect; see `quantile_effect` and
    `spread_effect`.

    Args:
        feature: its description, with its design effects.
        reference: its statistics in the baseline, or in the same seasons of it.
        current: its statistics now.

    Returns:
        missing_rate, and for numbers mean, standard_deviation, minimum, maximum, q05, q25, median,
        q75 and q95, as far as either side has values; nothing that is not finite.
    """
    found = dict(_changes(feature, reference, current))
    return {name: change for name, change in found.items() if _is_finite(change)}


def _changes(
    feature: BaselineFeature, reference: FeatureProfile, current: FeatureProfile
) -> Iterator[tuple[str, Change]]:
    if reference.total and current.total:
        noise = feature.missing_effect.phi_at(current.total) / current.total
        yield "missing_rate", rate_change(reference.missing_rate, current.missing_rate, noise)
    sides = _sides(reference, current)
    if sides is None:
        return
    before, now = sides
    rows = now.moments.n
    location, cells = (
        effect.phi_at(rows) for effect in (feature.location_effect, feature.values_effect)
    )
    yield "mean", mean_change(before.moments, now.moments, location / rows)
    noise = spread_effect(location, cells) / rows
    yield (
        "standard_deviation",
        standard_deviation_change(before.moments, now.moments, feature.kurtosis, noise),
    )
    lowest, highest = extreme_changes(before.moments, now.moments)
    yield "minimum", lowest
    for name, share in QUANTILES.items():
        noise = quantile_effect(share, location, cells) / rows
        yield name, quantile_change(share, before, now, noise)
    yield "maximum", highest


def _sides(reference: FeatureProfile, current: FeatureProfile) -> tuple[Numbers, Numbers] | None:
    """Return the numbers of both sides, or None where one has none."""
    if not isinstance(reference.values, Histogram):
        return None
    found = countable(current, reference.values)
    before = _numbers(reference)
    now = _numbers(found) if found is not None else None
    if before is None or now is None:
        return None
    is_whole = reference.kind == "numeric" and holds_distinct_values(reference.values)
    same_bins = now.histogram.bin_edges.size == before.histogram.bin_edges.size
    if is_whole and same_bins:
        before = Numbers(before.moments, before.histogram, distinct=True)
        now = Numbers(now.moments, now.histogram, distinct=True)
    return before, now


def _numbers(feature: FeatureProfile) -> Numbers | None:
    moments, values = feature.moments, feature.values
    if not isinstance(moments, Moments) or not moments.n or not isinstance(values, Histogram):
        return None
    return Numbers(moments, values) if values.total else None


def _is_finite(change: Change) -> bool:
    bounds = (change.reference, change.current, change.lower, change.upper)
    return all(math.isfinite(bound) for bound in bounds if bound is not None)
