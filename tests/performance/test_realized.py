"""Realised performance against scikit-learn on the raw rows."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from sklearn import metrics

from modelwatch.errors import ConfigurationError, DataError
from modelwatch.performance.intervals import Estimate
from modelwatch.performance.labelled_summary import LabelledSummary
from modelwatch.performance.realized import realized
from modelwatch.performance.regression_summary import RegressionSummary
from tests.performance.scored_rows import CLASSES, binary, labelled, names, several

EDGES = np.arange(1, 100) / 100


def values(found: dict[str, Estimate]) -> dict[str, float]:
    """Return the values alone."""
    return {name: one.value for name, one in found.items()}


@pytest.mark.parametrize("seed", range(3))
def test_binary_metrics_are_those_of_the_rows(seed: int) -> None:
    """Counts and losses to rounding, the ROC area to 1e-4, average precision to 1e-3."""
    rows = binary(np.random.default_rng(seed), 5_000)
    found = values(realized(labelled(rows, EDGES)))
    truth, scores = rows.truth, rows.scores
    assert found["precision"] == pytest.approx(metrics.precision_score(truth, rows.guess))
    assert found["log_loss"] == pytest.approx(metrics.log_loss(truth, scores), rel=1e-12)
    assert found["brier"] == pytest.approx(metrics.brier_score_loss(truth, scores), rel=1e-12)
    assert found["roc_auc"] == pytest.approx(metrics.roc_auc_score(truth, scores), abs=1e-4)
    expected = metrics.average_precision_score(truth, scores)
    assert found["average_precision"] == pytest.approx(expected, abs=1e-3)
    assert len(found) == 12


def test_several_classes_are_those_of_the_rows() -> None:
    """Macro averages over one class against the rest, and losses over all classes."""
    probabilities, truth = several(np.random.default_rng(0), 5_000)
    guess = probabilities.argmax(axis=1)
    summary = LabelledSummary.empty(CLASSES, dict.fromkeys(CLASSES, EDGES))
    summary.update(names(truth), names(guess), probabilities)
    found = values(realized(summary))
    area = metrics.roc_auc_score(truth, probabilities, multi_class="ovr", average="macro")
    precision = metrics.average_precision_score(np.eye(3)[truth], probabilities)
    brier = np.square(probabilities - np.eye(3)[truth]).sum(axis=1).mean()
    assert found["roc_auc"] == pytest.approx(area, abs=1e-4)
    assert found["average_precision"] == pytest.approx(precision, abs=1e-3)
    assert found["log_loss"] == pytest.approx(metrics.log_loss(truth, probabilities), rel=1e-9)
    assert found["brier"] == pytest.approx(brier, rel=1e-12)
    top = probabilities.max(axis=1)
    cells = np.minimum((top * 10).astype(int), 9)
    gaps = np.abs(np.bincount(cells, top - (guess == truth), 10)).sum() / top.size
    assert found["expected_calibration_error"] == pytest.approx(gaps, abs=1e-12)


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_regression_metrics_are_those_of_the_rows(offset: float) -> None:
    """Each metric is scikit-learn's, at large labels too."""
    rng = np.random.default_rng(1)
    labels = rng.normal(offset, 4.0, 2_000)
    predicted = labels + rng.standard_t(5, 2_000) + 0.3
    summary = RegressionSummary(quantiles=[0.1, 0.5], shift=offset, scale=4.0)
    summary.update(labels, predicted)
    expected = {
        "mae": metrics.mean_absolute_error(labels, predicted),
        "mse": metrics.mean_squared_error(labels, predicted),
        "rmse": metrics.root_mean_squared_error(labels, predicted),
        "r2": metrics.r2_score(labels, predicted),
        "bias": float((predicted - labels).mean()),
        "pinball_0.1": metrics.mean_pinball_loss(labels, predicted, alpha=0.1),
        "pinball_0.5": metrics.mean_pinball_loss(labels, predicted, alpha=0.5),
    }
    assert values(realized(summary)) == pytest.approx(expected, rel=1e-9)


def test_classification_intervals_cover() -> None:
    """Intervals of 400 rows hold the metric of the population in about 95% of samples."""
    truth = values(realized(labelled(binary(np.random.default_rng(99), 1_000_000), EDGES)))
    inside: Counter[str] = Counter()
    trials = 200
    for seed in range(trials):
        found = realized(labelled(binary(np.random.default_rng(seed), 400), EDGES))
        for name, one in found.items():
            inside[name] += one.lower <= truth[name] <= one.upper
    assert min(inside.values()) >= 0.90 * trials
    assert len(inside) == 12


def test_regression_intervals_cover() -> None:
    """Likewise for errors, with normal noise."""
    rng = np.random.default_rng(2)
    inside: Counter[str] = Counter()
    trials = 300
    truth = {"mae": 0.79788456, "mse": 1.0, "rmse": 1.0, "bias": 0.0, "r2": 0.8}
    for _ in range(trials):
        labels = rng.normal(0, 5**0.5, 200)
        summary = RegressionSummary()
        summary.update(labels, labels + rng.normal(size=200))
        found = realized(summary)
        for name, value in truth.items():
            inside[name] += found[name].lower <= value <= found[name].upper
    assert min(inside.values()) >= 0.91 * trials


def test_the_area_has_the_error_of_delong() -> None:
    """The width is that of redrawn samples."""
    areas, widths = [], []
    for seed in range(300):
        found = realized(labelled(binary(np.random.default_rng(seed), 1_000), EDGES))["roc_auc"]
        areas.append(found.value)
        widths.append(found.upper - found.lower)
    assert np.mean(widths) == pytest.approx(3.92 * np.std(areas), rel=0.12)


def test_clusters_widen_intervals() -> None:
    """A design effect of 4 about doubles the widths, rows staying what they are."""
    summary = labelled(binary(np.random.default_rng(3), 20_000), EDGES)
    plain, wide = realized(summary), realized(summary, design_effect=4.0)
    for name in ("accuracy", "roc_auc", "average_precision", "log_loss", "brier"):
        ratio = (wide[name].upper - wide[name].lower) / (plain[name].upper - plain[name].lower)
        assert ratio == pytest.approx(2.0, rel=0.02), name
        assert wide[name].rows == plain[name].rows


def test_labels_of_one_class_leave_out_what_needs_two() -> None:
    """Nothing is made up where labels are all alike."""
    summary = LabelledSummary.empty(["no", "yes"], {"yes": EDGES})
    summary.update(["no"] * 20, ["no"] * 15 + ["yes"] * 5, np.linspace(0, 1, 20))
    found = realized(summary)
    kept = {"accuracy", "precision", "f1", "specificity", "log_loss", "brier"}
    assert set(found) == kept | {"expected_calibration_error"}
    every = LabelledSummary.empty(["no", "yes"], {"yes": EDGES})
    every.update(["yes"] * 20, ["yes"] * 20, np.linspace(0, 1, 20))
    assert {"roc_auc", "average_precision", "specificity"} & set(realized(every)) == set()


def test_perfect_predictions_leave_some_doubt() -> None:
    """Twenty rows without an error do not prove that there is none."""
    summary = LabelledSummary.empty(["no", "yes"], {"yes": EDGES})
    summary.update(["no", "yes"] * 10, ["no", "yes"] * 10, np.array([0.1, 0.9] * 10))
    found = realized(summary)
    for name in ("accuracy", "f1", "matthews", "roc_auc", "average_precision"):
        assert found[name].value == pytest.approx(1.0)
        assert found[name].lower < 0.95, name
        assert found[name].upper == pytest.approx(1.0)


def test_few_rows_leave_out_means() -> None:
    """One row has a proportion, but no mean with an error; a constant label has no R2."""
    summary = LabelledSummary.empty(["no", "yes"], {"yes": EDGES})
    summary.update(["yes"], ["yes"], np.array([0.7]))
    assert "log_loss" not in realized(summary)
    assert realized(summary)["accuracy"].rows == 1
    single = RegressionSummary()
    single.update(np.ones(1), np.ones(1))
    assert realized(single) == {}
    constant = RegressionSummary()
    constant.update(np.ones(3), np.array([1.0, 2.0, 3.0]))
    assert set(realized(constant)) == {"mae", "mse", "rmse", "bias"}


def test_labels_without_predictions_or_scores_have_no_metric() -> None:
    """A label alone tells nothing of the model."""
    summary = LabelledSummary.empty(["no", "yes"], {"yes": EDGES})
    summary.update(["yes", "no"])
    assert realized(summary) == {}


def test_what_cannot_be_judged_is_named() -> None:
    """No label and bad options are refused; scores that are none leave what needs predictions."""
    empty = LabelledSummary.empty(["no", "yes"], {"yes": EDGES})
    for summary in (empty, RegressionSummary()):
        with pytest.raises(DataError, match="no row has a label"):
            realized(summary)
    empty.update(["yes", "no"], ["yes", "no"], np.array([17.0, -3.0]))
    assert "no probabilities in 2 of 2" in empty.scores_fault
    scored = {"roc_auc", "average_precision", "brier", "log_loss", "expected_calibration_error"}
    assert scored & set(realized(empty)) == set()
    assert realized(empty)["accuracy"].value == 1.0
    with pytest.raises(ConfigurationError, match="design_effect"):
        realized(empty, design_effect=0.0)


UNKNOWN = {
    "some labels": (0.2, 0.0),
    "all labels": (1.0, 0.0),
    "some predictions": (0.0, 0.2),
    "both": (0.3, 0.3),
    "everything": (1.0, 1.0),
}


@pytest.mark.parametrize("shares", UNKNOWN.values(), ids=UNKNOWN)
@pytest.mark.parametrize("other", [["z"], ["y", "z"]], ids=["one", "two"])
def test_unknown_classes_are_never_the_negative_one(
    shares: tuple[float, float], other: list[str]
) -> None:
    """Accuracy is scikit-learn's on the raw rows; the positive class is judged against the rest."""
    rng = np.random.default_rng(0)
    rows = binary(rng, 2_000)
    sides = [
        np.where(rng.random(2_000) < share, rng.choice(other, 2_000), np.array(known))
        for known, share in zip((rows.labels, rows.predicted), shares, strict=True)
    ]
    truth, guess = (side.tolist() for side in sides)
    summary = LabelledSummary.empty(["no", "yes"], {"yes": EDGES})
    summary.update(truth, guess, rows.scores)
    found = realized(summary)
    assert found["accuracy"].value == pytest.approx(metrics.accuracy_score(truth, guess), abs=1e-12)
    assert found["accuracy"].lower <= found["accuracy"].value <= found["accuracy"].upper
    are, said = sides[0] == "yes", sides[1] == "yes"
    expected = {
        "precision": metrics.precision_score(are, said, zero_division=np.nan),
        "recall": metrics.recall_score(are, said, zero_division=np.nan),
        "f1": metrics.f1_score(are, said, zero_division=np.nan),
        "specificity": metrics.recall_score(~are, ~said),
    }
    for name, value in expected.items():
        assert (name in found) is not np.isnan(value)
        assert np.isnan(value) or found[name].value == pytest.approx(value, abs=1e-12)
    assert summary.unknown_labels == np.isin(truth, other).sum()
    assert summary.unknown_predictions == np.isin(guess, other).sum()


def test_unknown_labels_are_counted_without_predictions() -> None:
    """Where scores alone are judged, what labels are unknown is known all the same."""
    summary = LabelledSummary.empty(["no", "yes"], {"yes": EDGES})
    summary.update(["no", "z", "yes", "z"], None, np.array([0.1, 0.2, 0.9, 0.3]))
    assert (summary.unknown_labels, summary.unknown_predictions) == (2, 0)


def test_classes_without_room_for_a_name_are_known() -> None:
    """Where classes are too many to be named, what is not named is no mistake by itself."""
    classes = [f"c{at}" for at in range(60)]
    summary = LabelledSummary.empty(classes, positive="c0")
    summary.update(classes, classes)
    assert not summary.names_all
    assert realized(summary)["accuracy"].value == 1.0


def test_unknown_classes_of_several() -> None:
    """Accuracy and the correlation are scikit-learn's on the raw rows; averages are of the known.

    The correlation takes the unknown as one class, within which what differs is wrong.
    """
    rng = np.random.default_rng(1)
    truth = rng.choice([*CLASSES, "z"], 2_000)
    guess = np.where(rng.random(2_000) < 0.6, truth, rng.choice([*CLASSES, "z"], 2_000))
    summary = LabelledSummary.empty(CLASSES)
    summary.update(truth.tolist(), guess.tolist())
    found = values(realized(summary))
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(truth, guess), abs=1e-12)
    assert found["matthews"] == pytest.approx(metrics.matthews_corrcoef(truth, guess), abs=1e-12)
    for name, score in (("precision", metrics.precision_score), ("f1", metrics.f1_score)):
        expected = score(truth, guess, average="macro", labels=CLASSES)
        assert found[name] == pytest.approx(expected, abs=1e-12)
    wrong = LabelledSummary.empty(CLASSES)
    wrong.update([*CLASSES, "y"], [*CLASSES, "z"])
    assert values(realized(wrong))["matthews"] < 1
    assert values(realized(wrong))["accuracy"] == 0.75


def test_sums_beyond_floats_have_no_metric() -> None:
    """What a document makes infinite is left out, not shown."""
    summary = RegressionSummary(scale=1e200)
    summary.update(np.array([0.0, 1e200, 2e200]), np.array([1e200, 1e200, 1e200]))
    found = realized(summary)
    assert "mse" not in found
    assert found["r2"].value == pytest.approx(0.0)
