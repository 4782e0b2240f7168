"""Rows of a regression whose truth is known, summed up for realised performance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from modelwatch import document
from modelwatch.document import Body
from modelwatch.errors import ConfigurationError, FormatError, ProfileMismatch
from modelwatch.performance.moments_format import joint_from_dict, joint_to_dict
from modelwatch.performance.score_rows import check_lengths
from modelwatch.sketches import JointMoments

__all__ = ["RegressionSummary"]

FloatArray = npt.NDArray[np.float64]

MAX_QUANTILES = 20

TERMS = ("error", "absolute_error", "squared_error", "label", "squared_label")


class RegressionSummary:
    """Joint moments of error, its absolute value and square, the label and its square.

    The co-moments give every metric its standard error, as the metrics are functions of the means.
    Errors are prediction - label; labels are kept about `shift` in units of `scale`, for which the
    baseline's mean and standard deviation serve. Memory: under 1 kB. Not thread-safe.

    Args:
        quantiles: levels in (0, 1) whose pinball loss is kept, increasing, `MAX_QUANTILES` at most.
        shift: about which labels are kept; finite.
        scale: unit of errors and labels; finite and above 0.
        joint: moments of the terms; none where None.
        missing: rows that lack a label or a prediction.

    Raises:
        ConfigurationError: where an argument is out of its range.

    >>> summary = RegressionSummary()
    >>> summary.update(np.array([1.0, 2.0, np.nan]), np.array([1.5, 1.0, 3.0]))
    >>> summary.rows, summary.missing, summary.means["absolute_error"]
    (2, 1, 0.75)
    """

    __slots__ = ("joint", "missing", "quantiles", "scale", "shift")

    def __init__(
        self,
        *,
        quantiles: Sequence[float] = (),
        shift: float = 0.0,
        scale: float = 1.0,
        joint: JointMoments | None = None,
        missing: int = 0,
    ) -> None:
        self.quantiles = tuple(float(level) for level in quantiles)
        within = [0.0, *self.quantiles, 1.0]
        if not np.all(np.diff(within) > 0) or len(self.quantiles) > MAX_QUANTILES:
            raise ConfigurationError(
                f"quantiles are {self.quantiles[:MAX_QUANTILES]}: give increasing levels inside "
                f"(0, 1), {MAX_QUANTILES} at most."
            )
        if not (np.isfinite(shift) and np.isfinite(scale) and scale > 0):
            raise ConfigurationError(
                f"shift is {shift} and scale {scale}: give finite numbers, the scale above 0."
            )
        self.shift, self.scale = float(shift), float(scale)
        names = [*TERMS, *(f"pinball_{level:g}" for level in self.quantiles)]
        self.joint = JointMoments(names, np.zeros(len(names))) if joint is None else joint
        self.missing = missing
        if self.joint.names != tuple(names):
            raise ProfileMismatch(f"moments of {self.joint.names} are not those of {names}.")

    @property
    def rows(self) -> int:
        """Rows with both a label and a prediction."""
        return self.joint.n

    @property
    def means(self) -> dict[str, float]:
        """Mean of each term by name, in units of `scale`."""
        return dict(zip(self.joint.names, self.joint.mean_offset.tolist(), strict=True))

    def update(self, labels: FloatArray, predicted: FloatArray) -> None:
        """Fold in a batch; rows where either is NaN or infinite count as missing.

        Args:
            labels: the truth, shape (n,).
            predicted: the prediction, shape (n,).

        Raises:
            ConfigurationError: where the lengths differ.
        """
        truth, found = np.asarray(labels, np.float64), np.asarray(predicted, np.float64)
        check_lengths(truth.size, predicted=found)
        known = np.isfinite(truth) & np.isfinite(found)
        self.missing += int((~known).sum())
        error = (found[known] - truth[known]) / self.scale
        label = (truth[known] - self.shift) / self.scale
        pinball = [np.maximum(-level * error, (1 - level) * error) for level in self.quantiles]
        terms = [error, np.abs(error), np.square(error), label, np.square(label), *pinball]
        self.joint.update(np.column_stack(terms))

    def merge(self, other: RegressionSummary) -> RegressionSummary:
        """Return the moments of both.

        Raises:
            ProfileMismatch: where shift, scale or quantiles differ.
        """
        mine = (self.shift, self.scale, self.quantiles)
        theirs = (other.shift, other.scale, other.quantiles)
        if mine != theirs:
            raise ProfileMismatch(f"regression rows with {mine} and {theirs} cannot be merged.")
        return RegressionSummary(
            quantiles=self.quantiles,
            shift=self.shift,
            scale=self.scale,
            joint=self.joint.merge(other.joint),
            missing=self.missing + other.missing,
        )

    def without(self, part: RegressionSummary) -> RegressionSummary:
        """Return the moments of the rest, of which `merge` with the part would give these.

        Raises:
            ProfileMismatch: where shift, scale or quantiles differ, or the part has more rows.
        """
        mine = (self.shift, self.scale, self.quantiles)
        theirs = (part.shift, part.scale, part.quantiles)
        if mine != theirs or part.missing > self.missing:
            raise ProfileMismatch(
                f"regression rows with {theirs}, {part.missing} of them missing, cannot be taken "
                f"from those with {mine}, {self.missing} missing."
            )
        return RegressionSummary(
            quantiles=self.quantiles,
            shift=self.shift,
            scale=self.scale,
            joint=self.joint.without(part.joint),
            missing=self.missing - part.missing,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "quantiles": list(self.quantiles),
            "shift": self.shift,
            "scale": self.scale,
            "moments": joint_to_dict(self.joint),
            "missing": self.missing,
        }

    @classmethod
    def from_dict(cls, body: Body) -> RegressionSummary:
        """Read what `to_dict` made.

        Raises:
            FormatError: where a field is absent, of a wrong type, or contradicts another.
        """
        try:
            result = cls(
                quantiles=document.numbers(body, "quantiles").tolist(),
                shift=document.number(body, "shift"),
                scale=document.number(body, "scale"),
                missing=document.count(body, "missing"),
            )
        except ConfigurationError as error:
            raise FormatError(str(error)) from error
        moments = document.object_of(body, "moments")
        result.joint = joint_from_dict(moments, result.joint.names)
        return result
