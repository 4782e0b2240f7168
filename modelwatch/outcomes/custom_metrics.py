"""Metrics that others define: the mean of one value a row.

A package offers one by an entry point of the group `modelwatch.metrics`, whose name is the
metric's:

    [project.entry-points."modelwatch.metrics"]
    cost = "shop_metrics:cost"
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from modelwatch import document
from modelwatch.document import Body
from modelwatch.errors import ConfigurationError, DataError
from modelwatch.performance.intervals import Estimate, check_design_effect, normal_interval
from modelwatch.performance.moments_format import mean_error, moments_from_dict, moments_to_dict
from modelwatch.sketches import Moments

__all__ = ["MAX_METRICS", "CustomMetric", "CustomMetrics", "MetricMoments"]

FloatArray = npt.NDArray[np.float64]

MAX_METRICS = 20
"""Metrics of one collector: each is called for every batch of labels."""

LARGEST = 1e140
"""Values beyond are taken as infinite: their squares would leave the range of a double."""


class CustomMetric(Protocol):
    """Computes one value of each row, of which the metric is the mean."""

    def __call__(
        self,
        labels: npt.NDArray[Any],
        predictions: npt.NDArray[Any] | None,
        scores: FloatArray | None,
        /,
    ) -> npt.ArrayLike:
        """Return one number a row, shape (n,), that depends on this row alone.

        Args:
            labels: the truth of each row, shape (n,): texts of classes, or numbers of a regression.
            predictions: likewise, None where they are not known; single ones are None or NaN.
            scores: shape (n,) of a single scored class, else (n, classes); None where there are
                none; NaN where missing.

        Returns:
            NaN where the metric is not defined for a row.
        """
        ...


def _say_nothing(name: str, error: Exception) -> None:
    """Take note of no fault."""


@dataclass(frozen=True, kw_only=True)
class CustomMetrics:
    """The metrics that are computed. Immutable; as thread-safe as they are.

    Attributes:
        metrics: by name.
        on_fault: is told the name of a metric that raised or returned something else, and why.

    Raises:
        ConfigurationError: where there are too many, or one cannot be called.

    >>> def cost(labels, predictions, scores):
    ...     return np.where((labels == "yes") & (predictions == "no"), 100.0, 0.0)
    >>> metrics = CustomMetrics(metrics={"cost": cost})
    >>> labels, predictions = np.array(["yes", "no"]), np.array(["no", "no"])
    >>> metrics.values(labels, predictions, None)["cost"].tolist()
    [100.0, 0.0]
    """

    metrics: Mapping[str, CustomMetric] = field(default_factory=dict)
    on_fault: Callable[[str, Exception], None] = _say_nothing

    def __post_init__(self) -> None:
        if len(self.metrics) > MAX_METRICS:
            raise ConfigurationError(
                f"{len(self.metrics)} metrics are registered, {MAX_METRICS} are the most: "
                "uninstall some of the packages that offer them."
            )
        for name, metric in self.metrics.items():
            if not callable(metric):
                raise ConfigurationError(
                    f"metric {name!r} is a {type(metric).__name__}: give a function of labels, "
                    "predictions and scores."
                )

    def values(
        self,
        labels: npt.NDArray[Any],
        predictions: npt.NDArray[Any] | None,
        scores: FloatArray | None,
    ) -> dict[str, FloatArray | None]:
        """Return each metric's values, shape (n,); None where it failed."""
        found: dict[str, FloatArray | None] = {}
        for name, metric in self.metrics.items():
            try:
                found[name] = _checked(metric(labels, predictions, scores), labels.size)
            except Exception as error:  # of foreign code, which must not stop the join
                self.on_fault(name, error)
                found[name] = None
        return found


def _checked(values: npt.ArrayLike, rows: int) -> FloatArray:
    found = np.array(values, dtype=np.float64)
    if found.shape != (rows,):
        raise DataError(f"it returned shape {found.shape}: return one number for each of {rows}.")
    found[np.abs(found) > LARGEST] = np.nan
    return found


@dataclass
class MetricMoments:
    """What one metric's values come to. Not thread-safe.

    Attributes:
        moments: of the values of rows for which it is defined.
        undefined: rows for which it is not.
        failed: rows for which it raised.
    """

    moments: Moments = field(default_factory=Moments)
    undefined: int = 0
    failed: int = 0

    @property
    def rows(self) -> int:
        """Rows that it was asked about."""
        return self.moments.n + self.undefined + self.failed

    def estimate(self, *, design_effect: float = 1.0) -> Estimate | None:
        """Return the metric with its 95% interval, that of a mean; None below two values.

        Args:
            design_effect: variance of the mean relative to independent rows'; above 0.

        Raises:
            ConfigurationError: where `design_effect` is no positive number.
        """
        check_design_effect(design_effect)
        if self.moments.n < 2:
            return None
        interval = normal_interval(self.moments.mean, mean_error(self.moments, design_effect))
        return Estimate.of(self.moments.mean, interval, self.moments.n)

    def update(self, values: FloatArray | None, rows: int) -> None:
        """Fold in the values of some rows; None where the metric failed."""
        if values is None:
            self.failed += rows
            return
        defined = values[np.isfinite(values)]
        self.moments.update(defined)
        self.undefined += rows - defined.size

    def merge(self, other: MetricMoments) -> MetricMoments:
        """Return what both come to."""
        return MetricMoments(
            self.moments.merge(other.moments),
            self.undefined + other.undefined,
            self.failed + other.failed,
        )

    def without(self, part: MetricMoments) -> MetricMoments | None:
        """Return what the rest comes to; None where the part cannot have been in it.

        That is so of a metric that has become another one since.
        """
        undefined, failed = self.undefined - part.undefined, self.failed - part.failed
        if undefined < 0 or failed < 0 or self.moments.n < part.moments.n:
            return None
        return MetricMoments(self.moments.without(part.moments), undefined, failed)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        told = {"undefined": self.undefined, "failed": self.failed}
        return {"moments": moments_to_dict(self.moments), **told}

    @classmethod
    def from_dict(cls, body: Body) -> MetricMoments:
        """Read what `to_dict` made.

        Raises:
            FormatError: where a field is absent or of a wrong type.
        """
        return cls(
            moments_from_dict(document.object_of(body, "moments")),
            document.count(body, "undefined"),
            document.count(body, "failed"),
        )
