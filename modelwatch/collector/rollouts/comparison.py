"""What two versions of a model come to beside each other. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from modelwatch.baseline import Baseline
from modelwatch.collector.rollouts.options import RolloutTable, margin_of
from modelwatch.collector.windows import TimeWindow
from modelwatch.outcomes.outcome_summary import OutcomeSummary
from modelwatch.performance.labelled_summary import LabelledSummary
from modelwatch.performance.regression_summary import RegressionSummary
from modelwatch.report.harm import DECIDING
from modelwatch.rollout.evidence import Evidence
from modelwatch.rollout.measures import (
    Calls,
    LabelledRows,
    call_evidence,
    measured,
    metric_evidence,
    paired_evidence,
)
from modelwatch.rollout.pair_summary import PairSummary
from modelwatch.rollout.suggestion import Suggestion, suggest_rollout

__all__ = ["Rollout", "Side", "judge"]

CALL_MEASURES: Final = 2
"""Failed calls, and how long calls take."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the two versions, in the time that is compared.

    Attributes:
        version: the version.
        calls: its calls by window, in the windows of the other one.
        predictions: predictions that are kept to be joined with labels.
        labelled: those of them whose label is known.
        outcomes: what the labelled ones come to; None where nothing is known of them.
        baseline: its baseline, or None.
    """

    version: str
    calls: Sequence[Calls]
    predictions: int = 0
    labelled: int = 0
    outcomes: OutcomeSummary | None = None
    baseline: Baseline | None = None

    @property
    def all_calls(self) -> int:
        """How many calls there were."""
        return sum(one.calls for one in self.calls)

    @property
    def rows(self) -> LabelledRows | None:
        """Its labelled rows; None where there are none."""
        known = self.baseline.performance if self.baseline is not None else None
        if self.outcomes is None or known is None or not self.outcomes.labelled.rows:
            return None
        summary = self.outcomes.labelled
        return LabelledRows(summary=summary, design_effect=known.effect.phi_at(summary.rows))


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """Two versions of a model beside each other.

    Attributes:
        model: the model.
        stable: the version that is to be replaced.
        candidate: the version that is to replace it.
        window: the time that is compared.
        deciding: the metric that decides.
        suggestion: what should be done, with the figures of both.
        pairs: what both predicted under the same ids, the stable version first; None without any.
    """

    model: str
    stable: Side
    candidate: Side
    window: TimeWindow
    deciding: str
    suggestion: Suggestion
    pairs: PairSummary | None = None


def judge(
    model: str,
    stable: Side,
    candidate: Side,
    window: TimeWindow,
    pairs: PairSummary | None,
    rules: RolloutTable,
) -> Rollout:
    """Compare two versions.

    Args:
        model: the model.
        stable: the version that is to be replaced.
        candidate: the version that is to replace it.
        window: the time that is compared.
        pairs: what both predicted under the same ids, the stable version first.
        rules: what is configured.
    """
    deciding = rules.metric or _deciding(stable, candidate, pairs)
    names = list(dict.fromkeys([deciding, *DECIDING]))
    # As many as there may be, whichever are known yet: a limit must not widen as labels come.
    alpha = rules.alpha / (len(names) + CALL_MEASURES)
    found = _by_labels(names, deciding, (stable, candidate), pairs, rules, alpha)
    calls = call_evidence(
        stable.calls,
        candidate.calls,
        error_margin=rules.error_margin,
        latency_margin=rules.latency_margin,
        least_seconds=rules.latency_seconds,
        alpha=alpha,
    )
    suggestion = suggest_rollout(
        stable.version,
        candidate.version,
        [*found, *calls],
        deciding=deciding,
        minimum_rows=rules.minimum_rows,
    )
    return Rollout(
        model=model,
        stable=stable,
        candidate=candidate,
        window=window,
        deciding=deciding,
        suggestion=suggestion,
        pairs=pairs if pairs is not None and pairs.rows else None,
    )


def _by_labels(
    names: Sequence[str],
    deciding: str,
    sides: tuple[Side, Side],
    pairs: PairSummary | None,
    rules: RolloutTable,
    alpha: float,
) -> list[Evidence]:
    before, after = sides[0].rows, sides[1].rows
    if before is None or after is None or type(before.summary) is not type(after.summary):
        return _by_pairs(names, deciding, pairs, rules, alpha)
    values = measured(before, after)
    found = [
        metric_evidence(
            name,
            before,
            after,
            pairs,
            margin=margin_of(name, values[name][0].value, rules, is_deciding=name == deciding),
            alpha=alpha,
        )
        for name in names
        if name in values
    ]
    return [one for one in found if one is not None]


def _by_pairs(
    names: Sequence[str],
    deciding: str,
    pairs: PairSummary | None,
    rules: RolloutTable,
    alpha: float,
) -> list[Evidence]:
    """Return what the same rows say of versions of which not both have a baseline with labels."""
    if pairs is None:
        return []
    found = []
    for name in names:
        one = paired_evidence(name, pairs, design_effect=1.0, margin=1.0, alpha=alpha)
        if one is not None:
            margin = margin_of(name, one.stable, rules, is_deciding=name == deciding)
            again = paired_evidence(name, pairs, design_effect=1.0, margin=margin, alpha=alpha)
            found.append(again or replace(one, margin=margin))
    return found


def _deciding(stable: Side, candidate: Side, pairs: PairSummary | None) -> str:
    """Return the metric that decides where none is configured."""
    for side in (candidate, stable):
        summary = side.outcomes.labelled if side.outcomes is not None else None
        if isinstance(summary, RegressionSummary):
            return "mae"
        if isinstance(summary, LabelledSummary) and summary.rows:
            return "accuracy" if summary.confusion.any() else "roc_auc"
    return "mae" if pairs is not None and pairs.task == "regression" else "accuracy"
