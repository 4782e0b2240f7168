"""What is measured of two versions: performance by labels, failed calls and how long calls take."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from modelwatch.performance.intervals import Z95, Estimate
from modelwatch.performance.labelled_summary import LabelledSummary
from modelwatch.performance.realized import realized
from modelwatch.performance.regression_summary import RegressionSummary
from modelwatch.rollout.evidence import ERRORS, LATENCY, Evidence
from modelwatch.rollout.pair_summary import PairSummary
from modelwatch.rollout.sequential import (
    FEWEST_ROWS,
    MeanOfRows,
    SequentialDifference,
    confidence_sequence,
    difference_of_means,
    difference_of_pairs,
)
from modelwatch.rollout.split_counts import split_p_value
from modelwatch.sketches import Moments

__all__ = [
    "Calls",
    "LabelledRows",
    "call_evidence",
    "measured",
    "metric_evidence",
    "paired_evidence",
]

Labelled = LabelledSummary | RegressionSummary

PAIRED_LOSSES: Final = {"brier": "brier", "log_loss": "log_loss", "mae": "absolute_error"}
"""Metrics that are means of a loss a row, with the name of the loss in a `PairSummary`."""

FEWEST_PAIRED: Final = 0.5
"""Pairs are compared where they are this share of the labelled rows of either version, or more:
those of a version in the shadow. Of others, the few that came by twice are no fair choice."""

FEWEST_WINDOWS: Final = 8
"""Windows from which it is told how much more calls vary than independent ones."""


@dataclass(frozen=True, kw_only=True)
class LabelledRows:
    """Labelled rows of one version.

    Attributes:
        summary: what they come to.
        design_effect: variance of their means, over that of as many independent rows'.
    """

    summary: Labelled
    design_effect: float = 1.0


class Calls(NamedTuple):
    """Calls of one version in some time.

    Attributes:
        calls: how many there were.
        failed: those that failed.
        seconds: moments of how long a call took.
    """

    calls: int
    failed: int
    seconds: Moments


def measured(stable: LabelledRows, candidate: LabelledRows) -> dict[str, tuple[Estimate, Estimate]]:
    """Return the metrics that both versions have, the stable version's first.

    Versions with no labelled row have none.
    """
    if not (stable.summary.rows and candidate.summary.rows):
        return {}
    before = realized(stable.summary, design_effect=stable.design_effect)
    after = realized(candidate.summary, design_effect=candidate.design_effect)
    return {name: (before[name], after[name]) for name in before if name in after}


def metric_evidence(
    name: str,
    stable: LabelledRows,
    candidate: LabelledRows,
    pairs: PairSummary | None,
    *,
    margin: float,
    alpha: float,
) -> Evidence | None:
    """Return what labels say of a metric of the candidate.

    On the same rows where there are pairs enough and the metric is a mean over rows; else of the
    two groups of rows.

    Args:
        name: of the metric, as `realized` has it.
        stable: labelled rows of the stable version.
        candidate: of the candidate.
        pairs: of the stable version and the candidate, in this order.
        margin: by how much the candidate may be worse, in units of the metric, above 0.
        alpha: chance of an error at any look.

    Returns:
        None where either version has no such metric.
    """
    both = measured(stable, candidate).get(name)
    if both is None:
        return None
    before, after = both
    least = FEWEST_PAIRED * min(stable.summary.rows, candidate.summary.rows)
    effect = max(stable.design_effect, candidate.design_effect)
    if pairs is not None:
        found = paired_evidence(name, pairs, design_effect=effect, margin=margin, alpha=alpha)
        if found is not None and found.stable_rows >= least:
            return found
    told = _of_groups(name, (stable, candidate), (before, after), margin=margin, alpha=alpha)
    return Evidence(
        name=name,
        stable=before.value,
        candidate=after.value,
        told=told,
        margin=margin,
        stable_rows=before.rows,
        candidate_rows=after.rows,
    )


def paired_evidence(
    name: str, pairs: PairSummary, *, design_effect: float, margin: float, alpha: float
) -> Evidence | None:
    """Return what labels say of a metric on the same rows.

    Args:
        name: of the metric, as `realized` has it.
        pairs: of the stable version and the candidate, in this order.
        design_effect: variance of a mean, over that of as many independent rows'.
        margin: by how much the candidate may be worse, in units of the metric, above 0.
        alpha: chance of an error at any look.

    Returns:
        None where there are too few, or the metric is no mean over rows.
    """
    if name == "accuracy":
        rows = pairs.labelled
        only_first, only_second = int(pairs.correct[1, 0]), int(pairs.correct[0, 1])
        mean = MeanOfRows.of_pairs(rows, only_first, only_second, design_effect)
        right = int(pairs.correct[1, 1])
        values = [(right + only) / max(rows, 1) for only in (only_first, only_second)]
        p_value = split_p_value(only_first, only_second, design_effect=design_effect)
    else:
        loss = PAIRED_LOSSES.get(name, "")
        if loss not in pairs.loss_names:
            return None
        mean = MeanOfRows(*pairs.loss_difference(loss), design_effect)
        values, rows, p_value = list(pairs.mean_losses(loss)), mean.rows, None
    if rows < FEWEST_ROWS:
        return None
    told = difference_of_pairs(mean, effect=margin, alpha=alpha)
    return Evidence(
        name=name,
        stable=values[0],
        candidate=values[1],
        told=told if p_value is None else replace(told, p_value=p_value),
        margin=margin,
        stable_rows=rows,
        candidate_rows=rows,
        is_paired=True,
    )


def _of_groups(
    name: str,
    rows: tuple[LabelledRows, LabelledRows],
    values: tuple[Estimate, Estimate],
    *,
    margin: float,
    alpha: float,
) -> SequentialDifference:
    means = [_mean(name, one, value) for one, value in zip(rows, values, strict=True)]
    stable, candidate = means
    if stable is not None and candidate is not None:
        return difference_of_means(stable, candidate, effect=margin, alpha=alpha)
    variances = [((one.upper - one.lower) / (2 * Z95)) ** 2 for one in values]
    few = min(one.rows for one in values) < FEWEST_ROWS
    return confidence_sequence(
        values[1].value - values[0].value,
        math.inf if few else sum(variances),
        effect=margin,
        alpha=alpha,
    )


def _mean(name: str, rows: LabelledRows, value: Estimate) -> MeanOfRows | None:
    """Return a metric that is a mean over rows as such; None of others."""
    summary, effect = rows.summary, rows.design_effect
    if name == "accuracy":
        return MeanOfRows.of_share(value.value * value.rows, value.rows, effect)
    if isinstance(summary, RegressionSummary):
        if name != "mae":
            return None
        at = summary.joint.names.index("absolute_error")
        variance = float(summary.joint.m2[at, at]) / max(summary.rows - 1, 1) * summary.scale**2
        return MeanOfRows(value.rows, value.value, variance, effect)
    losses = {"log_loss": summary.log_loss, "brier": summary.brier}
    if name not in losses:
        return None
    return MeanOfRows(value.rows, value.value, losses[name].variance, effect)


def call_evidence(
    stable: Sequence[Calls],
    candidate: Sequence[Calls],
    *,
    error_margin: float,
    latency_margin: float,
    least_seconds: float,
    alpha: float,
) -> list[Evidence]:
    """Return what calls say of the candidate: how many fail, and how long they take.

    Calls come in clusters, and outages too: how much more the difference varies from window to
    window than that of independent calls would is the design effect. What befalls both versions at
    a time does not count.

    Args:
        stable: calls of the stable version by window.
        candidate: of the candidate in the same windows.
        error_margin: by how much the share of failed calls may be higher, above 0.
        latency_margin: by which share calls may take longer on average, above 0.
        least_seconds: by how many seconds they may take longer in any case, above 0.
        alpha: chance of an error at any look.

    Returns:
        Nothing where either had no call; no latency where that is not known of some.
    """
    before, after = _together(stable), _together(candidate)
    if not (before.calls and after.calls):
        return []
    effect = _design_effect(
        [_failures(one) for one in stable], [_failures(one) for one in candidate]
    )
    told = difference_of_means(
        _failures(before, effect), _failures(after, effect), effect=error_margin, alpha=alpha
    )
    share = after.calls / (before.calls + after.calls)
    p_value = split_p_value(before.failed, after.failed, share=share, design_effect=effect)
    errors = Evidence(
        name=ERRORS,
        stable=before.failed / before.calls,
        candidate=after.failed / after.calls,
        told=replace(told, p_value=p_value),
        margin=error_margin,
        stable_rows=before.calls,
        candidate_rows=after.calls,
    )
    if not (before.seconds.n and after.seconds.n and before.seconds.mean > 0):
        return [errors]
    margin = max(latency_margin * before.seconds.mean, least_seconds)
    return [errors, _latency(stable, candidate, margin, alpha)]


def _latency(
    stable: Sequence[Calls], candidate: Sequence[Calls], margin: float, alpha: float
) -> Evidence:
    before, after = _together(stable).seconds, _together(candidate).seconds
    effect = _design_effect([_seconds(one.seconds) for one in stable],
                            [_seconds(one.seconds) for one in candidate])  # fmt: skip
    told = difference_of_means(
        _seconds(before, effect), _seconds(after, effect), effect=margin, alpha=alpha
    )
    return Evidence(
        name=LATENCY,
        stable=before.mean,
        candidate=after.mean,
        told=told,
        margin=margin,
        stable_rows=before.n,
        candidate_rows=after.n,
    )


def _together(windows: Sequence[Calls]) -> Calls:
    seconds = Moments()
    for window in windows:
        seconds = seconds.merge(window.seconds)
    return Calls(sum(one.calls for one in windows), sum(one.failed for one in windows), seconds)


def _failures(calls: Calls, design_effect: float = 1.0) -> MeanOfRows:
    return MeanOfRows.of_share(calls.failed, calls.calls, design_effect)


def _seconds(moments: Moments, design_effect: float = 1.0) -> MeanOfRows:
    return MeanOfRows(moments.n, moments.mean, moments.variance, design_effect)


def _design_effect(stable: Sequence[MeanOfRows], candidate: Sequence[MeanOfRows]) -> float:
    """Return how much more windows' differences vary than those of independent calls, 1 or more.

    The ratio of Birge (1932): the mean of the squared deviations from the weighted mean, each in
    units of its variance.
    """
    known = [
        (after.mean - before.mean, after.squared_error() + before.squared_error())
        for before, after in zip(stable, candidate, strict=True)
    ]
    usable = [(gap, variance) for gap, variance in known if 0 < variance < math.inf]
    if len(usable) < FEWEST_WINDOWS:
        return 1.0
    weight = sum(1 / variance for _, variance in usable)
    mean = sum(gap / variance for gap, variance in usable) / weight
    squares = sum((gap - mean) ** 2 / variance for gap, variance in usable)
    return max(1.0, squares / (len(usable) - 1))
