"""Seeded rows of classifiers and regressions whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modelwatch.performance.calibration import Calibration, bin_edges_for, fit_calibration
from modelwatch.performance.labelled_summary import LabelledSummary
from modelwatch.performance.score_summary import ScoreSummary

FloatArray = npt.NDArray[np.float64]

CLASSES = ["ant", "bee", "cat"]
THRESHOLD = 0.4


@dataclass(frozen=True)
class Binary:
    """Scores of the class "yes", what was predicted, and whether it was true."""

    scores: FloatArray
    truth: npt.NDArray[np.bool_]

    @property
    def guess(self) -> npt.NDArray[np.bool_]:
        """Whether "yes" was predicted."""
        return self.scores > THRESHOLD

    @property
    def predicted(self) -> list[str | None]:
        """The predicted classes."""
        return ["yes" if one else "no" for one in self.guess.tolist()]

    @property
    def labels(self) -> list[str | None]:
        """The true classes."""
        return ["yes" if one else "no" for one in self.truth.tolist()]


def binary(
    rng: np.random.Generator, rows: int, *, a: float = 2.0, b: float = 5.0, power: float = 1.3
) -> Binary:
    """Return rows whose scores follow Beta(a, b) and whose truth has chance score**power."""
    scores = rng.beta(a, b, rows)
    return Binary(scores, rng.random(rows) < scores**power)


def calibrated(seed: int = 0, rows: int = 20_000) -> tuple[Calibration, FloatArray]:
    """Return the calibration of some rows, and bin edges for it."""
    reference = binary(np.random.default_rng(seed), rows)
    calibration = fit_calibration(reference.scores, reference.truth)
    return calibration, bin_edges_for(calibration, scores=reference.scores)


def scored(rows: Binary, edges: FloatArray) -> ScoreSummary:
    """Sum up scores without labels."""
    summary = ScoreSummary.empty({"yes": edges})
    summary.update(rows.scores, rows.predicted)
    return summary


def labelled(rows: Binary, edges: FloatArray) -> LabelledSummary:
    """Sum up scores with labels."""
    summary = LabelledSummary.empty(["no", "yes"], {"yes": edges})
    summary.update(rows.labels, rows.predicted, rows.scores)
    return summary


def several(rng: np.random.Generator, rows: int) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """Return probabilities of three classes, and the true one, drawn from them."""
    logits = rng.normal(size=(rows, 3))
    truth = (logits + rng.gumbel(size=(rows, 3))).argmax(axis=1)
    weights = np.exp(logits)
    return weights / weights.sum(axis=1, keepdims=True), truth


def names(codes: npt.NDArray[np.intp]) -> list[str | None]:
    """Return the classes' names."""
    return [CLASSES[code] for code in codes.tolist()]
