"""Why performance changed: by inputs that drifted, or by a relation that is another one.

What the scores or inputs promise without labels already holds the drift of the inputs, and knows
nothing of a changed relation between inputs and truth. So a change parts into two: estimated -
reference is the inputs', realised - estimated the relation's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from modelwatch.performance.calibration import Calibration
from modelwatch.performance.cbpe import estimate_classification
from modelwatch.performance.intervals import Z95, Estimate
from modelwatch.performance.labelled_summary import LabelledSummary

__all__ = ["MEASURES", "Part", "PerformanceVerdict", "VerdictKind", "expected_of", "explained"]

VerdictKind = Literal[
    "no change", "data drift", "concept drift", "both", "better than estimated", "not told"
]


class Measure(NamedTuple):
    """How a metric is judged.

    Attributes:
        words: its name in a sentence.
        least: the smallest change that is told, however sure it is.
        higher_is_better: whether a fall is a loss.
        relative: whether `least` is a share of the reference, as of errors.
    """

    words: str
    least: float
    higher_is_better: bool = True
    relative: bool = False


MEASURES: Final[Mapping[str, Measure]] = {
    "accuracy": Measure("accuracy", 0.01),
    "average_precision": Measure("average precision", 0.01),
    "balanced_accuracy": Measure("balanced accuracy", 0.01),
    "brier": Measure("the Brier score", 0.02, higher_is_better=False, relative=True),
    "f1": Measure("F1", 0.01),
    "log_loss": Measure("log loss", 0.02, higher_is_better=False, relative=True),
    "mae": Measure("MAE", 0.02, higher_is_better=False, relative=True),
    "matthews": Measure("Matthews correlation", 0.02),
    "mse": Measure("MSE", 0.04, higher_is_better=False, relative=True),
    "precision": Measure("precision", 0.01),
    "recall": Measure("recall", 0.01),
    "rmse": Measure("RMSE", 0.02, higher_is_better=False, relative=True),
    "roc_auc": Measure("AUC", 0.01),
    "specificity": Measure("specificity", 0.01),
}
"""The metrics that can be estimated without labels."""

Z99: Final = 2.5758293035489004
"""The normal quantile of a two-sided interval of 99%: a change is told where it is beyond it."""


@dataclass(frozen=True)
class Part:
    """What one cause adds to the change of a metric. Signed as the metric is: a fall is below 0.

    Attributes:
        value: the change.
        lower: lower limit of its 95% interval.
        upper: upper limit.
    """

    value: float
    lower: float
    upper: float

    @property
    def standard_error(self) -> float:
        """The width of the interval as that of a normal law."""
        return (self.upper - self.lower) / (2 * Z95)

    def is_sure(self, least: float) -> bool:
        """Tell whether it is at least so large, and beyond chance at 99%."""
        reach = self.value - self.lower if self.value > 0 else self.upper - self.value
        return abs(self.value) >= least and abs(self.value) > reach * Z99 / Z95


@dataclass(frozen=True, kw_only=True)
class PerformanceVerdict:
    """Whether a metric changed by drifted inputs, by a changed relation, or by both.

    Attributes:
        metric: its name, one of `MEASURES`.
        kind: "no change", "data drift", "concept drift" (it is surely worse than what scores or
            inputs promise), "both", "better than estimated", or "not told", where one of the three
            values is not known.
        reference: the metric on the baseline's rows; None where not known.
        estimated: what scores or inputs promise; likewise.
        realized: what labels say; likewise.
        change: realised - reference; None where the verdict is not told.
        by_inputs: estimated - reference; likewise.
        by_relation: realised - estimated; likewise.
    """

    metric: str
    kind: VerdictKind
    reference: float | None = None
    estimated: float | None = None
    realized: float | None = None
    change: Part | None = None
    by_inputs: Part | None = None
    by_relation: Part | None = None

    @property
    def is_concept_drift(self) -> bool:
        """Whether the relation between inputs and truth changed for the worse."""
        return self.kind in ("concept drift", "both")

    @property
    def text(self) -> str:
        """The verdict in words."""
        if self.change is None or self.by_inputs is None or self.by_relation is None:
            absent = [
                words
                for words, value in (
                    ("its value on the baseline", self.reference),
                    ("an estimate without labels", self.estimated),
                    ("a value by labels", self.realized),
                )
                if value is None
            ]
            named = MEASURES[self.metric].words
            return f"why {named} changed is not told: {' and '.join(absent)} is not known"
        return _words(self, self.change.value, self.by_inputs.value)


def expected_of(
    labelled: LabelledSummary,
    calibrations: Mapping[str, Calibration],
    *,
    design_effect: float = 1.0,
) -> dict[str, Estimate]:
    """Return what the scores of labelled rows promise, as if their labels were not known.

    Realised and estimated are then of the same rows: which rows were labelled, and chance in their
    scores, is in both, and their difference is the relation's alone.

    Args:
        labelled: the rows, one or more of them with scores.
        calibrations: of each scored class.
        design_effect: variance of the labels' sums relative to independent rows'; above 0.

    Raises:
        DataError: where there is no row, all scores are missing, or they are no probabilities.
        ConfigurationError: where a class has no calibration, or `design_effect` is no positive
            number.
        ProfileMismatch: where the rows' bins are not those of the calibration.
    """
    scores = labelled.without_labels()
    return estimate_classification(scores, calibrations, design_effect=design_effect)


def explained(
    metric: str,
    *,
    reference: Estimate | None,
    estimated: Estimate | None,
    realized: Estimate | None,
    same_rows: bool,
) -> PerformanceVerdict:
    """Part the change of a metric into what inputs and what the relation add.

    The intervals of the parts follow from those of the three estimates (Zou and Donner, 2008). Of
    the same rows, the band of `estimated` is where their labels should put the metric, so that the
    relation's part has this band alone: the interval of `realized` would count the chance of the
    labels a second time.

    A part is told where it is beyond chance at 99% and at least as large as `MEASURES` says. Of
    2,000 simulated windows of a calibrated model, 200 to 5,000 rows chosen at random having labels,
    .004 were called concept drift of the AUC, the accuracy or the log loss on the same rows,
    and .001 where all rows were estimated. A relation that lost .05 of AUC was told in 99 of 100
    windows of 1,000 labels on the same rows, in 88 on all.

    Args:
        metric: one of `MEASURES`.
        reference: on the baseline's rows; None where not known.
        estimated: what scores or inputs promise; likewise.
        realized: what labels say; likewise.
        same_rows: whether `estimated` is of the very rows that are labelled, as `expected_of` is;
            else it is of all rows, of which those with a label are some.

    >>> found = explained(
    ...     "roc_auc",
    ...     reference=Estimate(0.85, 0.845, 0.855, 20_000),
    ...     estimated=Estimate(0.83, 0.822, 0.838, 9_000),
    ...     realized=Estimate(0.76, 0.75, 0.77, 9_000),
    ...     same_rows=True,
    ... )
    >>> found.kind, found.text
    ('both',
     'input drift explains 0.02 of the 0.09 drop in AUC; the rest is a changed relation')
    """
    measure = MEASURES[metric]
    if reference is None or estimated is None or realized is None:
        return PerformanceVerdict(
            metric=metric,
            kind="not told",
            reference=reference.value if reference else None,
            estimated=estimated.value if estimated else None,
            realized=realized.value if realized else None,
        )
    given = Estimate(realized.value, realized.value, realized.value, realized.rows)
    inputs = _gap(reference, estimated)
    relation = _gap(estimated, given if same_rows else realized)
    least = measure.least * (abs(reference.value) if measure.relative else 1.0)
    return PerformanceVerdict(
        metric=metric,
        kind=_kind(inputs, relation, least, higher_is_better=measure.higher_is_better),
        change=_gap(reference, realized),
        by_inputs=inputs,
        by_relation=relation,
        reference=reference.value,
        estimated=estimated.value,
        realized=realized.value,
    )


def _gap(before: Estimate, after: Estimate) -> Part:
    """Return after - before, with the interval that follows from theirs."""
    value = after.value - before.value
    below = math.hypot(after.value - after.lower, before.upper - before.value)
    above = math.hypot(after.upper - after.value, before.value - before.lower)
    return Part(value, value - below, value + above)


def _kind(inputs: Part, relation: Part, least: float, *, higher_is_better: bool) -> VerdictKind:
    sign = -1 if higher_is_better else 1
    drifted = sign * inputs.value > 0 and inputs.is_sure(least)
    if relation.is_sure(least):
        if sign * relation.value < 0:
            return "better than estimated"
        return "both" if drifted else "concept drift"
    return "data drift" if drifted else "no change"


def _words(verdict: PerformanceVerdict, change: float, by_inputs: float) -> str:
    measure = MEASURES[verdict.metric]
    name, loss = measure.words, -change if measure.higher_is_better else change
    explained_loss = -by_inputs if measure.higher_is_better else by_inputs
    shown = _shown(verdict.realized or 0.0, verdict.estimated or 0.0, verdict.reference or 0.0)
    if verdict.kind == "no change":
        return f"{name} is {shown[0]}, and {shown[1]} was promised: no change beyond chance"
    if verdict.kind == "better than estimated":
        return f"{name} is {shown[0]}, better than the {shown[1]} that was promised"
    way = f"{'drop' if measure.higher_is_better else 'rise'} in {name}"
    whole, part = _shown(max(loss, 0.0), explained_loss)
    if verdict.kind == "data drift":
        if loss <= 0:
            return f"input drift promised a {part} {way}, and labels show none"
        if explained_loss >= loss:
            return f"input drift explains all of the {whole} {way}"
        return f"input drift explains {part} of the {whole} {way}; the rest is within chance"
    if loss <= 0:
        return (
            f"{name} is {shown[0]}, worse than the {shown[1]} that the inputs promised: the "
            "relation has changed"
        )
    if float(part) <= 0:
        return f"input drift explains none of the {whole} {way}: the relation has changed"
    return f"input drift explains {part} of the {whole} {way}; the rest is a changed relation"


def _shown(*values: float) -> list[str]:
    """Return numbers with two decimals, more where the first one is small, fewer where large."""
    size = abs(values[0])
    decimals = 2 if size < 10 else 1 if size < 100 else 0
    if 0 < size < 0.05:
        decimals = min(math.ceil(-math.log10(size)) + 1, 6)
    return [f"{value:.{decimals}f}" for value in values]
