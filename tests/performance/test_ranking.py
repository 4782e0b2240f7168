"""ROC area and average precision from bins."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sklearn import metrics

from modelwatch.performance.ranking import Ranking, average_precision, roc_auc

Metric = Callable[[np.ndarray, np.ndarray], Ranking | None]


def test_tied_scores_give_the_area_of_the_rows() -> None:
    """With one score a bin the area is scikit-learn's, to rounding."""
    rng = np.random.default_rng(0)
    scores, truth = rng.integers(0, 20, 500), rng.random(500) < 0.3
    positives = np.bincount(scores[truth], minlength=20).astype(float)
    negatives = np.bincount(scores[~truth], minlength=20).astype(float)
    found = roc_auc(positives, negatives)
    assert found is not None
    assert found.value == pytest.approx(metrics.roc_auc_score(truth, scores), abs=1e-12)


def test_average_precision_is_that_of_ties_in_random_order() -> None:
    """Within a bin the precision is what rows in a random order have on average."""
    rng = np.random.default_rng(1)
    positives, negatives = np.array([100.0, 400.0, 600.0]), np.array([1200.0, 600.0, 200.0])
    bins = np.repeat(np.arange(3), (positives + negatives).astype(int))
    sizes = zip(positives, negatives, strict=True)
    truth = np.concatenate([np.arange(p + q) < p for p, q in sizes])
    drawn = [
        metrics.average_precision_score(truth, bins + rng.random(bins.size) / 2) for _ in range(50)
    ]
    found = average_precision(positives, negatives)
    assert found is not None
    assert found.value == pytest.approx(np.mean(drawn), abs=0.001)


@pytest.mark.parametrize("metric", [roc_auc, average_precision])
def test_gradients_are_difference_quotients(metric: Metric) -> None:
    """A small change of one count moves the metric as the gradient says."""
    rng = np.random.default_rng(2)
    counts = rng.integers(20, 60, size=(2, 30)) * 50.0
    counts[0] *= np.arange(30)
    found = metric(counts[0], counts[1])
    assert found is not None
    for which, gradient in enumerate((found.by_positives, found.by_negatives)):
        for at in (1, 7, 29):
            step = np.zeros((2, 30))
            step[which, at] = 1.0
            above, below = metric(*(counts + step)), metric(*(counts - step))
            assert above is not None
            assert below is not None
            quotient = (above.value - below.value) / 2
            assert gradient[at] == pytest.approx(quotient, rel=0.02, abs=2e-8)


@pytest.mark.parametrize("metric", [roc_auc, average_precision])
def test_scaling_all_counts_changes_nothing(metric: Metric) -> None:
    """Gradient times counts sums to 0: the metrics are of degree 0, as their variances need."""
    rng = np.random.default_rng(3)
    positives, negatives = rng.random(40) * 1e4, rng.random(40) * 1e4
    found = metric(positives, negatives)
    assert found is not None
    total = positives @ found.by_positives + negatives @ found.by_negatives
    assert total == pytest.approx(0.0, abs=1e-3)


def test_one_class_has_no_ranking() -> None:
    """Without positives, or for the area without negatives, there is no metric."""
    none, some = np.zeros(3), np.ones(3)
    assert roc_auc(some, none) is None
    assert roc_auc(none, some) is None
    assert average_precision(none, some) is None
