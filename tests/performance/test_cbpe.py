"""Estimated performance of classifiers."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from modelwatch.errors import ConfigurationError, DataError, ProfileMismatch
from modelwatch.performance.calibration import Calibration, bin_edges_for, fit_calibration
from modelwatch.performance.cbpe import estimate_classification
from modelwatch.performance.conditions import CBPE_CONDITIONS
from modelwatch.performance.confusion import binary_values
from modelwatch.performance.labelled_summary import LabelledSummary
from modelwatch.performance.realized import realized
from modelwatch.performance.score_summary import ScoreSummary
from tests.performance.scored_rows import (
    CLASSES,
    Binary,
    binary,
    calibrated,
    labelled,
    names,
    scored,
    several,
)


def row_by_row(rows: Binary, chance: np.ndarray) -> dict[str, float]:
    """Return the metrics by the definitions, from each row's own probability."""
    guess = rows.guess
    found = binary_values(
        chance[guess].sum(),
        (1 - chance)[guess].sum(),
        chance[~guess].sum(),
        (1 - chance)[~guess].sum(),
    )
    order = np.argsort(rows.scores)
    p, q = chance[order], 1 - chance[order]
    found["roc_auc"] = float((p * (np.cumsum(q) - q / 2)).sum() / (p.sum() * q.sum()))
    return found


@pytest.mark.parametrize("a", [2.0, 4.0])
@pytest.mark.parametrize("known", [True, False])
def test_estimates_are_those_of_the_rows(a: float, known: bool) -> None:
    """Confusion-based metrics from bins are the row-wise ones to 1e-12, the ROC area to 1e-4."""
    calibration, edges = calibrated() if known else (Calibration(), bin_edges_for(Calibration()))
    rows = binary(np.random.default_rng(5), 20_000, a=a)
    found = estimate_classification(scored(rows, edges), {"yes": calibration})
    expected = row_by_row(rows, calibration.apply(rows.scores))
    for name, value in expected.items():
        exactness = 1e-4 if name == "roc_auc" else 1e-12
        assert found[name].value == pytest.approx(value, abs=exactness), name


def test_losses_are_near_those_of_the_rows() -> None:
    """Brier score and log loss take a bin's rows at their mean: 1e-3 of the row-wise value."""
    calibration, edges = calibrated()
    rows = binary(np.random.default_rng(6), 20_000)
    chance, s = calibration.apply(rows.scores), rows.scores
    found = estimate_classification(scored(rows, edges), {"yes": calibration})
    brier = (chance * (1 - s) ** 2 + (1 - chance) * s**2).mean()
    loss = -(chance * np.log(s) + (1 - chance) * np.log1p(-s)).mean()
    assert found["brier"].value == pytest.approx(brier, rel=1e-3)
    assert found["log_loss"].value == pytest.approx(loss, rel=1e-3)


def test_bands_hold_what_labels_say() -> None:
    """Under a shift of the scores, about 95% of bands hold the realised metric of their rows."""
    calibration, edges = calibrated(0, 50_000)
    inside: Counter[str] = Counter()
    trials = 150
    for seed in range(trials):
        rows = binary(np.random.default_rng(100 + seed), 1_000, a=2.5)
        found = estimate_classification(scored(rows, edges), {"yes": calibration})
        truth = realized(labelled(rows, edges))
        for name, one in found.items():
            inside[name] += one.lower <= truth[name].value <= one.upper
    assert min(inside.values()) >= 0.89 * trials
    assert len(inside) == 11


def test_bands_know_a_small_baseline() -> None:
    """A calibration of few rows widens the band beyond the chance of the labels."""
    widths = []
    for rows in (1_000, 100_000):
        calibration, edges = calibrated(1, rows)
        window = binary(np.random.default_rng(2), 10_000)
        found = estimate_classification(scored(window, edges), {"yes": calibration})["accuracy"]
        widths.append(found.upper - found.lower)
    assert widths[0] > 1.5 * widths[1]


def test_several_classes_are_averaged() -> None:
    """Each class is taken against the rest, row by row; the mean is what bins give."""
    probabilities, _ = several(np.random.default_rng(0), 3_000)
    guess = probabilities.argmax(axis=1)
    summary = ScoreSummary.empty(dict.fromkeys(CLASSES, bin_edges_for(Calibration())))
    summary.update(probabilities, names(guess))
    found = estimate_classification(summary, dict.fromkeys(CLASSES, Calibration()))
    parts = []
    for code in range(3):
        p, mine = probabilities[:, code], guess == code
        counts = p[mine].sum(), (1 - p)[mine].sum(), p[~mine].sum(), (1 - p)[~mine].sum()
        parts.append(binary_values(*counts))
    for name in ("precision", "recall", "f1", "specificity"):
        assert found[name].value == pytest.approx(np.mean([one[name] for one in parts]), abs=1e-12)
    chosen = probabilities.max(axis=1)
    assert found["accuracy"].value == pytest.approx(chosen.mean(), abs=1e-12)
    assert found["balanced_accuracy"] == found["recall"]
    assert "share of truths" not in found


def test_several_classes_agree_with_labels() -> None:
    """Every estimate of several classes is near the realised metric of the same name."""
    rng = np.random.default_rng(1)
    reference, truth = several(rng, 20_000)
    columns = {name: reference[:, code] for code, name in enumerate(CLASSES)}
    calibrations = {
        name: fit_calibration(column, truth == code)
        for code, (name, column) in enumerate(columns.items())
    }
    edges = {name: bin_edges_for(one) for name, one in calibrations.items()}
    probabilities, truth = several(rng, 20_000)
    summary = ScoreSummary.empty(edges)
    predicted = names(probabilities.argmax(axis=1))
    summary.update(probabilities, predicted)
    known = LabelledSummary.empty(CLASSES, edges)
    known.update(names(truth), predicted, probabilities)
    realised = realized(known)
    found = estimate_classification(summary, calibrations)
    assert set(found) == set(realised) - {"expected_calibration_error"}
    for name, one in found.items():
        assert one.value == pytest.approx(realised[name].value, abs=0.015), name


def test_without_predictions_rankings_are_left() -> None:
    """What needs no predicted class is estimated all the same."""
    summary = ScoreSummary.empty({"yes": bin_edges_for(Calibration())})
    summary.update(np.random.default_rng(0).random(500))
    found = estimate_classification(summary, {"yes": Calibration()})
    assert set(found) == {"roc_auc", "average_precision", "brier", "log_loss"}


def test_certain_scores_leave_out_what_has_no_meaning() -> None:
    """Where every row is sure to be of one class, there is no ranking and no specificity."""
    summary = ScoreSummary.empty({"yes": np.array([0.5])})
    summary.update(np.ones(10), ["yes"] * 10)
    found = estimate_classification(summary, {"yes": Calibration()})
    assert "roc_auc" not in found
    assert "specificity" not in found
    assert found["precision"].value == found["precision"].lower == 1.0


def test_clusters_widen_the_band() -> None:
    """With the calibration known, a design effect of 4 doubles it."""
    rows = binary(np.random.default_rng(0), 5_000)
    summary = scored(rows, bin_edges_for(Calibration()))
    plain = estimate_classification(summary, {"yes": Calibration()})["f1"]
    wide = estimate_classification(summary, {"yes": Calibration()}, design_effect=4.0)["f1"]
    assert wide.upper - wide.lower == pytest.approx(2 * (plain.upper - plain.lower))


def test_what_cannot_be_estimated_is_named() -> None:
    """Empty, missing and impossible scores, and bins or classes that do not fit, are refused."""
    edges = np.array([0.5])
    summary = ScoreSummary.empty({"yes": edges})
    with pytest.raises(DataError, match="no rows"):
        estimate_classification(summary, {"yes": Calibration()})
    summary.update(np.array([np.nan, np.nan]))
    with pytest.raises(DataError, match="all 2 are missing"):
        estimate_classification(summary, {"yes": Calibration()})
    summary.update(np.array([-3.0, 0.5]))
    with pytest.raises(DataError, match="outside"):
        estimate_classification(summary, {"yes": Calibration()})
    fine = ScoreSummary.empty({"yes": edges})
    fine.update(np.array([0.2, 0.7]))
    with pytest.raises(ConfigurationError, match="lack the classes"):
        estimate_classification(fine, {"no": Calibration()})
    with pytest.raises(ProfileMismatch, match="bin_edges_for"):
        estimate_classification(fine, {"yes": Calibration((0.3,), (0.2,))})


def test_the_conditions_are_said() -> None:
    """The text beside the number names both conditions."""
    assert "concept drift" in CBPE_CONDITIONS
    assert "calibrated" in CBPE_CONDITIONS
