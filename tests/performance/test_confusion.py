"""Metrics of confusion counts."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from modelwatch.performance.confusion import binary_estimates, binary_values, macro_estimates


def rows_of(tp: int, fp: int, fn: int, tn: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the truth and the guess of rows with these counts."""
    truth = np.repeat([1, 0, 1, 0], [tp, fp, fn, tn])
    return truth, np.repeat([1, 1, 0, 0], [tp, fp, fn, tn])


@pytest.mark.parametrize("counts", [(30, 10, 5, 55), (1, 2, 3, 4), (0, 5, 5, 90), (50, 0, 0, 50)])
def test_binary_metrics_are_those_of_the_rows(counts: tuple[int, int, int, int]) -> None:
    """Each metric is scikit-learn's, and lies inside its own interval within its range."""
    truth, guess = rows_of(*counts)
    found = binary_estimates(*counts)
    expected = {
        "accuracy": metrics.accuracy_score(truth, guess),
        "precision": metrics.precision_score(truth, guess),
        "recall": metrics.recall_score(truth, guess),
        "f1": metrics.f1_score(truth, guess),
        "specificity": metrics.recall_score(truth, guess, pos_label=0),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, guess),
        "matthews": metrics.matthews_corrcoef(truth, guess),
    }
    assert {name: one.value for name, one in found.items()} == pytest.approx(expected, abs=1e-12)
    for name, one in found.items():
        assert one.lower <= one.value <= one.upper
        assert (-1 if name == "matthews" else 0) <= one.lower < one.upper <= 1


def test_metrics_without_a_meaning_are_left_out() -> None:
    """Labels or predictions of one class leave out what would divide by 0."""
    assert set(binary_values(0, 0, 0, 9)) == {"accuracy", "specificity"}
    assert set(binary_values(4, 0, 5, 0)) == {"accuracy", "precision", "recall", "f1"}
    assert binary_values(0, 0, 0, 0) == {}


def test_macro_metrics_are_those_of_the_rows() -> None:
    """Macro averages are scikit-learn's, with a class that was never predicted among them."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, 400)
    guess = np.where(rng.random(400) < 0.6, np.minimum(truth, 2), rng.integers(0, 3, 400))
    counts = np.zeros((5, 5))
    counts[:4, :4] = metrics.confusion_matrix(truth, guess)
    found = {name: one.value for name, one in macro_estimates(counts, 0).items()}
    specificity = np.mean(
        [metrics.recall_score(truth != c, guess != c, zero_division=0) for c in range(4)]
    )
    expected = {
        "accuracy": metrics.accuracy_score(truth, guess),
        "precision": metrics.precision_score(truth, guess, average="macro", zero_division=0),
        "recall": metrics.recall_score(truth, guess, average="macro"),
        "f1": metrics.f1_score(truth, guess, average="macro"),
        "specificity": specificity,
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, guess),
        "matthews": metrics.matthews_corrcoef(truth, guess),
    }
    assert found == pytest.approx(expected, abs=1e-12)


def test_other_classes_count_for_accuracy_only() -> None:
    """Rows of classes without a name are rows, but no class of the averages."""
    counts = np.array([[8.0, 0.0, 2.0], [0.0, 9.0, 1.0], [0.0, 0.0, 10.0]])
    found = macro_estimates(counts, 5)
    assert found["accuracy"].value == pytest.approx(22 / 30)
    assert found["recall"].value == pytest.approx((0.8 + 0.9) / 2)


def test_only_other_classes_leave_accuracy() -> None:
    """Where no named class occurs, there is nothing to average."""
    counts = np.zeros((3, 3))
    counts[2, 2] = 4
    assert set(macro_estimates(counts, 3)) == {"accuracy"}


def test_macro_errors_are_those_of_repeated_samples() -> None:
    """The widths of delta intervals are those that redrawn rows show."""
    rng = np.random.default_rng(1)
    counts = np.array([[120, 30, 20], [25, 200, 15], [10, 40, 90]])
    padded = np.zeros((4, 4))
    draws = []
    for drawn in rng.multinomial(counts.sum(), counts.ravel() / counts.sum(), 600):
        padded[:3, :3] = drawn.reshape(3, 3)
        found = macro_estimates(padded, 0)
        draws.append([found[name].value for name in ("f1", "specificity", "matthews", "recall")])
    padded[:3, :3] = counts
    found = macro_estimates(padded, 0)
    widths = [
        found[name].upper - found[name].lower
        for name in ("f1", "specificity", "matthews", "recall")
    ]
    assert widths == pytest.approx(3.92 * np.std(draws, axis=0), rel=0.1)


def test_clusters_widen_every_interval() -> None:
    """A design effect of 4 about doubles each width."""
    padded = np.zeros((3, 3))
    padded[:2, :2] = [[4_000, 800], [900, 3_000]]
    for plain, wide in (
        (macro_estimates(padded, 0), macro_estimates(padded, 0, 4.0)),
        (binary_estimates(4e3, 900, 800, 3e3), binary_estimates(4e3, 900, 800, 3e3, 4.0)),
    ):
        for name, one in plain.items():
            ratio = (wide[name].upper - wide[name].lower) / (one.upper - one.lower)
            assert ratio == pytest.approx(2.0, rel=0.01), name
