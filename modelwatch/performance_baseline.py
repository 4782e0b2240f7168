"""How well a model did on its baseline, and what is needed to tell how well it does since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from modelwatch import document
from modelwatch.comparisons.design_effect import DesignEffect
from modelwatch.document import Body
from modelwatch.effects_format import effect_from_dict, effect_to_dict
from modelwatch.errors import ConfigurationError, FormatError, ProfileMismatch
from modelwatch.lazy import cached_property
from modelwatch.outliers import OutlierLimits
from modelwatch.performance.calibration import Calibration
from modelwatch.performance.dle import LossModel
from modelwatch.performance.error_cells import (
    MAX_CELLS,
    ErrorCells,
    FeatureCells,
    numeric_cells,
)
from modelwatch.performance.intervals import Estimate
from modelwatch.performance.labelled_summary import LabelledSummary
from modelwatch.performance.quadratic_moments import QuadraticMoments
from modelwatch.performance.regression_summary import RegressionSummary
from modelwatch.performance.score_summary import ScoreSummary
from modelwatch.performance_columns import PerformanceColumns, Task
from modelwatch.sketches import Histogram

if TYPE_CHECKING:
    from modelwatch.baseline import Baseline

__all__ = [
    "MAX_ERROR_FEATURES",
    "PerformanceBaseline",
    "error_features",
    "performance_from_dict",
    "performance_to_dict",
    "with_errors",
]

MAX_ERROR_FEATURES: Final = 100
"""Features by whose cells errors are told, in the baseline's order."""

TASKS: Final[tuple[Task, ...]] = ("classification", "regression")


@dataclass(frozen=True, kw_only=True)
class PerformanceBaseline:
    """The labelled rows of a baseline, summed up. Immutable.

    Memory: some 30 kB for one scored class, 60 kB for a loss model of 20 inputs.

    Attributes:
        reference: labelled rows of the baseline: all of them, or evenly spread ones.
        predicts: whether the column of predictions holds classes that are among the labels', or
            numbers in a regression.
        scores: the column of each scored class; empty where there are none that can be used.
        calibrations: by scored class; empty where performance cannot be estimated from scores.
        loss_model: of a regression; None where its inputs or rows are too few.
        effect: design effect of the share of right predictions, or of large errors.
        errors: where the model errs: errors of the reference rows, or evenly spread ones, by the
            baseline's `error_features`; None in documents of earlier releases.
    """

    reference: LabelledSummary | RegressionSummary
    predicts: bool
    scores: Mapping[str, str] = field(default_factory=dict)
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)
    loss_model: LossModel | None = None
    effect: DesignEffect = field(default_factory=DesignEffect)
    errors: ErrorCells | None = None

    @property
    def task(self) -> Task:
        """Whether classes or numbers are predicted."""
        return "classification" if isinstance(self.reference, LabelledSummary) else "regression"

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that are told apart, most frequent first; none in a regression."""
        return self.reference.classes if isinstance(self.reference, LabelledSummary) else ()

    @property
    def positive(self) -> str | None:
        """The class whose precision, recall, ... is meant; None for macro averages."""
        return self.reference.positive if isinstance(self.reference, LabelledSummary) else None

    @cached_property
    def realized(self) -> dict[str, Estimate]:
        """The metrics of the reference rows, with 95% intervals."""
        # What computes metrics is needed by comparisons, and not by a service.
        from modelwatch.performance.realized import realized

        effect = self.effect.phi_at(max(self.reference.rows, 1))
        return realized(self.reference, design_effect=effect)

    def columns(self, baseline: Baseline) -> PerformanceColumns:
        """Return which columns of the baseline's data are read."""
        limits = OutlierLimits(kind="categorical", categories=frozenset(self.classes), text=False)
        return PerformanceColumns(
            task=self.task,
            prediction=baseline.prediction if self.predicts else None,
            scores=tuple(self.scores.values()),
            inputs=self.loss_model.names if self.loss_model is not None else (),
            aliases=limits.aliases,
        )

    def empty_labelled(self) -> LabelledSummary | RegressionSummary:
        """Return a summary of no labelled rows, on the reference's bins."""
        found = self.reference
        if isinstance(found, RegressionSummary):
            return RegressionSummary(
                quantiles=found.quantiles, shift=found.shift, scale=found.scale
            )
        edges = {name: cells.bin_edges for name, cells in found.cells.items()}
        return LabelledSummary.empty(found.classes, edges or None, positive=found.positive)

    def empty_scores(self) -> ScoreSummary | None:
        """Return a summary of no scores; None where performance cannot be estimated from them."""
        if not isinstance(self.reference, LabelledSummary) or not self.calibrations:
            return None
        cells = self.reference.cells.items()
        return ScoreSummary.empty({name: one.bin_edges for name, one in cells})

    def empty_quadratic(self) -> QuadraticMoments | None:
        """Return moments of no inputs; None where performance cannot be estimated from them."""
        return None if self.loss_model is None else self.loss_model.empty_moments()


def error_features(baseline: Baseline) -> tuple[FeatureCells, ...]:
    """Return the cells by which errors are told: of the inputs, and of numbers that are predicted.

    Args:
        baseline: one with performance.
    """
    names = list(baseline.inputs)
    performance = baseline.performance
    if performance is not None and performance.task == "regression" and baseline.prediction:
        names.insert(0, baseline.prediction)
    found = []
    for name in names[:MAX_ERROR_FEATURES]:
        feature, values = baseline.features[name], baseline.profile.features[name].values
        if feature.kind == "categorical":
            kept = (feature.cells or ())[: MAX_CELLS - 2]
            found.append(FeatureCells(name=name, categories=kept))
        elif feature.bin_edges is not None and isinstance(values, Histogram):
            found.append(numeric_cells(name, feature.bin_edges, values.counts))
    return tuple(found)


def performance_to_dict(performance: PerformanceBaseline) -> dict[str, Any]:
    """Return plain values for JSON."""
    calibrations = {name: one.to_dict() for name, one in performance.calibrations.items()}
    loss_model = performance.loss_model
    body: dict[str, Any] = {
        "task": performance.task,
        "reference": performance.reference.to_dict(),
        "predicts": performance.predicts,
        "scores": dict(performance.scores),
        "calibrations": calibrations,
        "loss_model": None if loss_model is None else loss_model.to_dict(),
        "effect": effect_to_dict(performance.effect),
    }
    errors = performance.errors
    return body if errors is None else {**body, "errors": errors.to_dict()}


def performance_from_dict(body: Body) -> PerformanceBaseline:
    """Read what `performance_to_dict` made.

    Raises:
        FormatError: where a field is absent, of a wrong type, or contradicts another.
    """
    kind = LabelledSummary if document.choice(body, "task", TASKS) == "classification" else None
    reference = document.object_of(body, "reference")
    columns = document.object_of(body, "scores")
    calibrations = document.object_of(body, "calibrations")
    loss_model = document.optional_object(body, "loss_model")
    try:
        found = PerformanceBaseline(
            reference=(kind or RegressionSummary).from_dict(reference),
            predicts=document.flag(body, "predicts"),
            scores={name: document.text(columns, name) for name in columns},
            calibrations={
                name: Calibration.from_dict(document.object_of(calibrations, name))
                for name in calibrations
            },
            loss_model=None if loss_model is None else LossModel.from_dict(loss_model),
            effect=effect_from_dict(document.object_of(body, "effect")),
        )
        _check(found)
    except (ConfigurationError, ProfileMismatch) as error:
        raise FormatError(f"its performance: {error}") from error
    return found


def with_errors(baseline: Baseline, body: Body) -> Baseline:
    """Return a baseline that was read with where its model errs, as far as the document tells.

    Args:
        baseline: one with performance, but for that.
        body: of its performance.

    Raises:
        FormatError: where it is damaged.
    """
    if baseline.performance is None or "errors" not in body:
        return baseline
    errors = ErrorCells.from_dict(document.object_of(body, "errors"), baseline.error_features)
    return replace(baseline, performance=replace(baseline.performance, errors=errors))


def _check(performance: PerformanceBaseline) -> None:
    """Refuse parts that do not belong together."""
    reference = performance.reference
    scored = tuple(reference.cells) if isinstance(reference, LabelledSummary) else ()
    if tuple(performance.scores) != scored:
        raise FormatError(f"its scores are of {tuple(performance.scores)}, counted of {scored}")
    if performance.calibrations and tuple(performance.calibrations) != scored:
        raise FormatError("its calibrations are of other classes than its scores")
    if performance.loss_model is not None and performance.task == "classification":
        raise FormatError("it has a loss model and is a classification")
    if not reference.rows:
        raise FormatError("its reference performance is of no rows")
    for name, calibration in performance.calibrations.items():
        edges = reference.cells[name].bin_edges if isinstance(reference, LabelledSummary) else ()
        inside = {score for score in calibration.scores if 0.0 < score < 1.0}
        if not inside <= set(edges):
            raise FormatError(f"scores of class {name!r} are on other bins than its calibration")
