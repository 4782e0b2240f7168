"""Each segment against its own baseline, and the one that explains why the whole drifted.

The population stability index is a sum over segments: with p and q the shares of the cells before
and now, and v_s p_s and w_s q_s what segment s adds to them (its shares of rows and of cells), the
contribution of s is the sum over cells of (w_s q_s - v_s p_s) ln(q / p). So a segment contributes
where its values move, and where it becomes more or less frequent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from modelwatch.baseline import Baseline
from modelwatch.comparing.pairs import on_baseline_bins
from modelwatch.comparing.thresholds import Thresholds
from modelwatch.comparisons.cells import category_counts
from modelwatch.comparisons.smoothing import JEFFREYS
from modelwatch.feature import FeatureProfile
from modelwatch.profile import Profile
from modelwatch.report.drift_report import FeatureDrift
from modelwatch.segments import arranged
from modelwatch.sketches import Categories, Histogram

__all__ = ["Part", "contributions", "explained", "parts_of", "thresholds_of_parts"]

LEAST_CONTRIBUTION = 0.5
"""A segment explains a change where at least half of the index is its own: at most one does, and
what is left is less than what is explained."""

LEAST_EXCESS = 0.25
"""And where that is more than its share of the rows by at least so much. What moves evenly has
contributions near the shares of the rows, however large a segment is; a quarter is more than they
stray by in windows that are large enough for a drift to be proven."""

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """One segment, before and now.

    Attributes:
        name: the segment.
        baseline: what it is compared with.
        profile: its current statistics; of no rows where it is absent now.
        note: where the baseline is not the segment's own, that it is so, in words.
    """

    name: str
    baseline: Baseline
    profile: Profile
    note: str | None = None


def parts_of(baseline: Baseline, current: Mapping[str, Profile]) -> list[Part]:
    """Return the segments to compare: all of the baseline's, then the new ones.

    Args:
        baseline: the whole's.
        current: statistics of segments now.

    Returns:
        At most 42: the baseline's 20 and its others, and as many new ones. A segment that the
        baseline does not know has no statistics of its own to be compared with: the whole's serve.

    Raises:
        ProfileMismatch: where profiles that have to be added are of different origins.
    """
    found = arranged(current, baseline.segments)
    absent = Profile(baseline.model, baseline.version, baseline_id=baseline.id)
    parts = [
        Part(name, baseline.of_segment(name), found.get(name, absent)) for name in baseline.segments
    ]
    note = "the baseline has no such segment: compared with all of the baseline's rows"
    new = [name for name in found if name not in baseline.segments]
    return parts + [Part(name, baseline, found[name], note) for name in new]


def thresholds_of_parts(thresholds: Thresholds, parts: Sequence[Part]) -> Thresholds:
    """Return limits under which all segments together raise as many false alarms as the whole."""
    rate = thresholds.false_discovery_rate / max(len(parts), 1)
    return replace(thresholds, false_discovery_rate=rate)


def contributions(reference: npt.ArrayLike, current: npt.ArrayLike) -> FloatArray:
    """Return how much each segment contributes to the population stability index of them together.

    Args:
        reference: counts, shape (segments, cells); every row is of one segment.
        current: likewise.

    Returns:
        Shape (segments,); they sum to the index without smoothing, where no cell is empty on one
        side only. An empty one counts as half a row in the logarithm. Zeros where a side has no
        rows. A contribution is below zero where a segment moved against the whole.

    >>> contributions([[40, 10], [25, 25]], [[40, 10], [10, 40]]).round(4).tolist()
    [0.0, 0.0929]
    """
    x, y = np.asarray(reference, dtype=np.float64), np.asarray(current, dtype=np.float64)
    rows_before, rows_now = x.sum(), y.sum()
    if not (rows_before and rows_now):
        return np.zeros(x.shape[0])
    p, q = (np.maximum(side.sum(axis=0), JEFFREYS) / side.sum() for side in (x, y))
    return np.asarray((y / rows_now - x / rows_before) @ np.log(q / p))


def explained(
    findings: Mapping[str, FeatureDrift],
    baseline: Baseline,
    current: Profile,
    parts: Sequence[Part],
) -> dict[str, FeatureDrift]:
    """Return the findings; those of severity warning or drift name the segment that explains them.

    What is explained is what changed most: values, missing share or outlier share, each of all the
    baseline's rows.

    Args:
        findings: of the whole.
        baseline: the whole's.
        current: the whole's current statistics.
        parts: its segments; current rows of none of them are taken as one more.
    """
    found = dict(findings)
    for name, finding in findings.items():
        if finding.severity not in ("warning", "drift"):
            continue
        main = _main_segment(name, baseline, current, parts)
        if main is not None:
            segment, share = main
            words = f"{finding.diagnosis}; {share:.0%} of it in segment {segment!r}"
            found[name] = replace(finding, segment=segment, diagnosis=words)
    return found


def _main_segment(
    name: str, baseline: Baseline, current: Profile, parts: Sequence[Part]
) -> tuple[str, float] | None:
    """Return the segment that most of the change of a feature is in, and which share, up to 1."""
    indices = [
        (contributions(before, now), before, now)
        for before, now in _tables(name, baseline, current, parts)
    ]
    of_each, before, now = max(indices, key=lambda item: float(item[0].sum()))
    total = float(of_each.sum())
    if not total > 0:
        return None
    largest = int(np.argmax(of_each[: len(parts)]))
    share = float(of_each[largest]) / total
    of_rows = (before[largest].sum() / before.sum() + now[largest].sum() / now.sum()) / 2
    if share < LEAST_CONTRIBUTION or share < of_rows + LEAST_EXCESS:
        return None
    return parts[largest].name, min(share, 1.0)


def _tables(
    name: str, baseline: Baseline, current: Profile, parts: Sequence[Part]
) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield counts by segment before and now: of values on cells, of missing, of outliers.

    The last row is of current rows that are of no segment.
    """
    none = FeatureProfile.empty(baseline.features[name])
    segments = [baseline.segments.get(part.name) for part in parts]
    before = [none if part is None else part.features.get(name, none) for part in segments]
    now = [part.profile.features.get(name, none) for part in parts]
    whole = current.features.get(name, none)
    measures: list[Callable[[FeatureProfile], IntArray]]
    measures = [partial(_cells, baseline=baseline), _missing, _outlying]
    for measure in measures:
        x, y = (np.array([measure(one) for one in side]) for side in (before, now))
        rest = np.maximum(measure(whole) - y.sum(axis=0), 0)
        yield np.vstack([x, np.zeros_like(rest)]), np.vstack([y, rest])


def _cells(feature: FeatureProfile, baseline: Baseline) -> IntArray:
    spec = baseline.features[feature.name]
    values = on_baseline_bins(feature, baseline.profile.features[feature.name]).values
    if isinstance(values, Categories):
        return category_counts(values.counts, values.total, spec.cells or ())
    counts = values.counts if isinstance(values, Histogram) else np.empty(0, np.int64)
    return np.add.reduceat(counts, baseline.reference.starts[feature.name])


def _missing(feature: FeatureProfile) -> IntArray:
    return np.array([feature.observed, feature.missing_count])


def _outlying(feature: FeatureProfile) -> IntArray:
    return np.array([feature.total - feature.outlier_count, feature.outlier_count])
