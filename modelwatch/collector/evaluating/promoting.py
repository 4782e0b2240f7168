"""A baseline made of live traffic: what a model receives now becomes what it is judged by. Pure.

Bins, limits, vocabularies and importances stay those of the current baseline, so that services go
on counting as they do; without one, bins lie at the quantiles of the buckets that were counted in.
Counts, moments, categories, missing and outlier rates are those of the traffic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from modelwatch.baseline import Baseline, BaselineFeature, PromotedFrom
from modelwatch.collector.windows import TimeWindow
from modelwatch.errors import ConfigurationError, ProfileMismatch
from modelwatch.fitting.live import baseline_of_profile, discovered_baseline, features_on_bins
from modelwatch.fitting.window_effects import with_measured_effects
from modelwatch.profile import Profile

__all__ = ["MINIMUM_ROWS", "Promotion", "promote"]

MINIMUM_ROWS = 1_000
"""Fewer rows than that are no reference: their own noise would hide what moves."""


@dataclass(frozen=True, kw_only=True)
class Promotion:
    """A baseline of live traffic, and what is not from that traffic.

    Attributes:
        baseline: the new one.
        measured: features whose design effects the windows showed.
        carried_over: what is the current baseline's, as the traffic cannot tell it.
    """

    baseline: Baseline
    measured: tuple[str, ...]
    carried_over: tuple[str, ...]


def promote(
    observed: Profile,
    windows: Sequence[Profile],
    *,
    window: TimeWindow,
    current: Baseline | None,
) -> Promotion:
    """Return a baseline of what was observed.

    Args:
        observed: all of the traffic, merged.
        windows: its parts in time order, by which it is told how much rows depend on one another.
        window: the time that it came in.
        current: the baseline in force, or None.

    Raises:
        ConfigurationError: where there are too few rows, or they were counted on other bins than
            the current baseline's.
    """
    if observed.rows < MINIMUM_ROWS:
        raise ConfigurationError(
            f"the window holds {observed.rows} rows, and a baseline takes {MINIMUM_ROWS}: choose a "
            "longer window."
        )
    try:
        made = (
            baseline_of_profile(observed, current)
            if current is not None
            else discovered_baseline(observed)
        )
    except ProfileMismatch as error:
        raise ConfigurationError(str(error)) from error
    features = dict(made.features)
    measured = _measured(made, windows)
    features.update(measured)
    carried = _carried_over(current, made, measured)
    return Promotion(
        baseline=replace(
            made,
            features=features,
            performance=current.performance if current else None,
            segment=current.segment if current else None,
            segments=current.segments if current else {},
            promoted_from=PromotedFrom(
                start_ns=window.start_ns,
                end_ns=window.end_ns,
                baseline_id=current.id if current else None,
            ),
        ),
        measured=tuple(measured),
        carried_over=carried,
    )


def _measured(made: Baseline, windows: Sequence[Profile]) -> dict[str, BaselineFeature]:
    parts = [features_on_bins(part, made) for part in windows]
    found = {}
    for name, feature in made.features.items():
        measured = with_measured_effects(feature, [part[name] for part in parts if name in part])
        if measured is not None:
            found[name] = measured
    return found


def _carried_over(
    current: Baseline | None, made: Baseline, measured: dict[str, BaselineFeature]
) -> tuple[str, ...]:
    if current is None:
        return ()
    parts = ["bins", "limits", "importances"]
    if len(measured) < len(made.features):
        parts.append("design effects")
    parts += ["segments"] if current.segments else []
    parts += ["performance"] if current.performance is not None else []
    return tuple(parts)
