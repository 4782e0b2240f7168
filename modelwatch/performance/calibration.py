"""From a model's score to the probability of the class, as learned on the baseline."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from modelwatch import document
from modelwatch.document import Body
from modelwatch.errors import ConfigurationError, DataError, FormatError
from modelwatch.performance.calibration_error import GROUPS
from modelwatch.performance.isotonic import fit_isotonic

__all__ = ["Calibration", "bin_edges_for", "fit_calibration"]

FloatArray = npt.NDArray[np.float64]

PARTS = 10
"""Contiguous parts of the rows that are left out in turn to see how sure the calibration is."""

CELLS = 20
"""Equally many rows each: where calibration errors and the parts' deviations are taken."""

INTERLEAVED_ROWS = 50
"""Rows at a time that go to the one half or the other: halves see the same time and classes."""


@dataclass(frozen=True)
class Calibration:
    """A piecewise linear, non-decreasing function of the score; the score itself where empty.

    Attributes:
        scores: breakpoints in [0, 1], strictly increasing; empty where calibration did not help.
        values: the probability at each; constant before the first and after the last.
        deviation_scores: where the parts' deviations are known, increasing.
        deviations: by how much isotonic fits without one tenth of the rows each differ from the
            one of all, for the jackknife; one tuple a tenth, each as long as `deviation_scores`.

    >>> Calibration((0.25, 0.75), (0.0, 1.0)).apply(np.array([0.0, 0.5, 1.0])).tolist()
    [0.0, 0.5, 1.0]
    """

    scores: tuple[float, ...] = ()
    values: tuple[float, ...] = ()
    deviation_scores: tuple[float, ...] = ()
    deviations: tuple[tuple[float, ...], ...] = ()

    def apply(self, scores: FloatArray) -> FloatArray:
        """Return the probability at each score, any shape, in [0, 1]."""
        if not self.scores:
            return np.asarray(scores, dtype=np.float64)
        return np.asarray(np.interp(scores, self.scores, self.values), dtype=np.float64)

    def replicates(self, scores: FloatArray) -> list[FloatArray]:
        """Return the probabilities as they would be without each tenth of the baseline."""
        chosen = self.apply(scores)
        at = self.deviation_scores
        return [
            np.clip(chosen + np.interp(scores, at, deviation), 0.0, 1.0)
            for deviation in self.deviations
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "scores": list(self.scores),
            "values": list(self.values),
            "deviation_scores": list(self.deviation_scores),
            "deviations": [value for part in self.deviations for value in part],
        }

    @classmethod
    def from_dict(cls, body: Body) -> Calibration:
        """Read what `to_dict` made.

        Raises:
            FormatError: where a field is absent, of a wrong type, or contradicts another.
        """
        scores, values = document.numbers(body, "scores"), document.numbers(body, "values")
        if scores.size != values.size or not (_increases(scores) and _within(values)):
            raise FormatError("its scores do not increase in [0, 1], or its values are not there")
        at, flat = document.numbers(body, "deviation_scores"), document.numbers(body, "deviations")
        if not _increases(at) or (flat.size % at.size if at.size else flat.size):
            raise FormatError("deviations do not belong to its deviation_scores")
        parts = flat.reshape(-1, at.size) if at.size else np.zeros((0, 0))
        return cls(
            tuple(scores.tolist()),
            tuple(values.tolist()),
            tuple(at.tolist()),
            tuple(tuple(part) for part in parts.tolist()),
        )


def fit_calibration(scores: FloatArray, labels: npt.ArrayLike) -> Calibration:
    """Learn the probability of a class from its scores and the truth.

    Isotonic regression (Zadrozny and Elkan, 2002) is used where it lowers the calibration error on
    rows that it was not fitted on: each half of the rows is judged by the fit of the other, over 20
    cells of equally many rows. Else the score is taken as it is. How sure the calibration is, is
    learned from ten fits without a contiguous tenth of the rows each (grouped jackknife), so rows
    should come in time order; rows sorted by label should be shuffled first.

    Args:
        scores: the class' score in [0, 1], shape (n,); rows with NaN are passed over.
        labels: whether the class was true: booleans, or 0 and 1, shape (n,); NaN where unknown.

    Raises:
        ConfigurationError: where the lengths differ.
        DataError: where no row is left, scores are outside [0, 1], labels are neither 0 nor 1, or
            all labels are the same.

    >>> rng = np.random.default_rng(0)
    >>> scores = rng.random(20_000)
    >>> calibration = fit_calibration(scores, rng.random(20_000) < scores**2)
    >>> calibration.apply(np.array([0.5])).round(2).tolist()
    [0.25]
    """
    used, truth = _usable(np.asarray(scores, np.float64), np.asarray(labels, np.float64))
    at, values = fit_isotonic(used, truth)
    grid = _grid(used)
    fitted = np.interp(grid, at, values)
    deviations = [
        np.interp(grid, *fit_isotonic(used[kept], truth[kept])) - fitted
        for kept in _without_each_part(used.size)
    ]
    helps = _isotonic_helps(used, truth)
    return Calibration(
        tuple(at.tolist()) if helps else (),
        tuple(values.tolist()) if helps else (),
        tuple(grid.tolist()),
        tuple(tuple(part.tolist()) for part in deviations),
    )


def bin_edges_for(
    calibration: Calibration, bins: int = 100, *, scores: FloatArray | None = None
) -> FloatArray:
    """Return interior bin edges on which estimates are exact, shape (k,).

    The calibration's breakpoints, the tenths of [0, 1], and edges that cut [0, 1] into equal bins;
    where scores are given, half of these at their quantiles, so that scores crowded in a corner,
    as those of rare events, are told apart.

    Args:
        calibration: of the same class.
        bins: about how many bins besides the breakpoints, 10 or more.
        scores: of the baseline, in [0, 1]; NaN is passed over.

    Raises:
        ConfigurationError: where `bins` is below 10.

    >>> bin_edges_for(Calibration(), 10).round(3).tolist()
    [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    """
    if bins < GROUPS:
        raise ConfigurationError(f"bins is {bins}: give {GROUPS} or more.")
    known = np.zeros(0) if scores is None else scores[(scores >= 0) & (scores <= 1)]
    uniform = bins // 2 if known.size else bins
    parts = [
        np.asarray(calibration.scores, dtype=np.float64),
        np.arange(1, GROUPS) / GROUPS,
        np.arange(1, uniform) / uniform,
    ]
    if known.size:
        shares = np.arange(1, bins - uniform) / (bins - uniform)
        parts.append(np.quantile(known, shares, method="inverted_cdf"))
    edges = np.unique(np.concatenate(parts))
    return edges[(edges > 0) & (edges < 1)]


def _usable(scores: FloatArray, labels: FloatArray) -> tuple[FloatArray, FloatArray]:
    if scores.shape != labels.shape or scores.ndim != 1:
        raise ConfigurationError(
            f"scores of shape {scores.shape} and labels of {labels.shape}: give (n,) of both."
        )
    known = ~(np.isnan(scores) | np.isnan(labels))
    scores, labels = scores[known], labels[known]
    if not scores.size:
        raise DataError("no row has both a score and a label: there is nothing to calibrate.")
    outside = int(((scores < 0) | (scores > 1)).sum())
    if outside:
        raise DataError(
            f"scores lie outside [0, 1] in {outside} of {scores.size} rows: give probabilities."
        )
    if not np.isin(labels, (0, 1)).all():
        raise DataError("labels are not all 0 or 1: say of each row whether the class was true.")
    if labels.min() == labels.max():
        raise DataError(
            f"labels are {'all' if labels[0] else 'never'} of the class in {labels.size} rows: "
            "a calibration needs both."
        )
    return scores, labels


def _grid(scores: FloatArray) -> FloatArray:
    """Return where deviations are kept: twentieths of [0, 1], and of the rows."""
    shares = np.arange(CELLS + 1) / CELLS
    return np.unique(np.concatenate([shares, np.quantile(scores, shares)]))


def _isotonic_helps(scores: FloatArray, truth: FloatArray) -> bool:
    """Tell whether the calibration error falls, over cells of equally many rows."""
    edges = np.unique(np.quantile(scores, np.arange(1, CELLS) / CELLS))
    cells = np.searchsorted(edges, scores, side="left")
    size = max(min(INTERLEAVED_ROWS, scores.size // 4), 1)
    first = (np.arange(scores.size) // size) % 2 == 0
    raw = fitted = 0.0
    for fit, held in ((first, ~first), (~first, first)):
        if not (fit.any() and held.any()):
            return False
        at, values = fit_isotonic(scores[fit], truth[fit])
        raw += _gap(scores[held] - truth[held], cells[held])
        fitted += _gap(np.interp(scores[held], at, values) - truth[held], cells[held])
    return fitted < raw


def _gap(residuals: FloatArray, cells: npt.NDArray[np.intp]) -> float:
    """Return the calibration error of some rows: the mean absolute gap over their cells."""
    return float(np.abs(np.bincount(cells, weights=residuals)).sum()) / residuals.size


def _without_each_part(rows: int) -> Iterator[npt.NDArray[np.bool_]]:
    """Yield, for each tenth of the rows, which rows are left without it."""
    if rows < PARTS:
        return
    part = np.arange(rows) * PARTS // rows
    for left_out in range(PARTS):
        yield part != left_out


def _increases(values: FloatArray) -> bool:
    return bool(np.all(np.diff(values) > 0)) and bool(np.all((values >= 0) & (values <= 1)))


def _within(values: FloatArray) -> bool:
    return bool(np.all(np.diff(values) >= 0)) and bool(np.all((values >= 0) & (values <= 1)))
