"""Verdicts of a comparison with labels: changed inputs are told from a changed relation."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, roc_auc_score

import modelwatch as mw
from modelwatch.comparing import Thresholds, compare
from modelwatch.comparing.performance import realised_anew
from modelwatch.comparing.performance_verdicts import with_verdicts
from modelwatch.profile import Profile
from modelwatch.report.findings import PerformanceMetric
from tests.labelled_tables import Table, binary_table, fitted, is_yes, regression_table, without

ROWS = 3_000


@pytest.fixture(scope="module")
def baseline() -> mw.Baseline:
    """A classifier's baseline."""
    return fitted(binary_table(0, 20_000), score="score")


def turned(table: Table, share: float) -> Table:
    """Return a table in which a share of the labels is turned round."""
    chosen = np.random.default_rng(1).random(len(table["label"])) < share
    other = {"yes": "no", "no": "yes"}
    labels = zip(table["label"], chosen, strict=True)
    return {**table, "label": [other[one] if turn else one for one, turn in labels]}


def verdicts(baseline: mw.Baseline, table: Table) -> dict[str, str | None]:
    """Return the verdicts on the measures that have one."""
    found = compare(baseline, table).performance
    return {name: one.verdict for name, one in found.items() if one.verdict is not None}


def test_another_relation_is_concept_drift(baseline: mw.Baseline) -> None:
    """The same inputs with other answers are called so, by every measure that sees it."""
    found = verdicts(baseline, turned(binary_table(7, ROWS), 0.15))
    assert {found[name] for name in ("accuracy", "roc_auc", "log_loss")} == {"concept drift"}


def test_other_inputs_are_not(baseline: mw.Baseline) -> None:
    """Scores that promise what labels then say are no concept drift, however far inputs moved."""
    for seed, shift in ((101, 0.0), (103, 0.7), (102, -0.7)):
        found = verdicts(baseline, binary_table(seed, ROWS, shift=shift))
        assert not {"concept drift", "both"} & set(found.values())


def test_words_tell_how_much_inputs_explain(baseline: mw.Baseline) -> None:
    """Inputs on which the model is worse, with another relation besides, are told as two parts."""
    table = binary_table(4, ROWS)
    near = np.abs(table["x"]) < 0.8
    kept = {name: [one for one, is_near in zip(values, near, strict=True) if is_near]
            for name, values in table.items()}  # fmt: skip
    metric = compare(baseline, turned(kept, 0.15)).performance["accuracy"]
    assert metric.verdict == "both"
    assert "of the" in (metric.explained or "")
    assert (metric.explained or "").endswith("the rest is a changed relation")


def test_without_labels_there_is_no_verdict(baseline: mw.Baseline) -> None:
    """An estimate alone explains nothing."""
    assert verdicts(baseline, without(binary_table(7, ROWS), "label")) == {}


def test_a_doubted_estimate_explains_nothing(baseline: mw.Baseline) -> None:
    """Where an input means something else now, what the scores promise is no measure."""
    metrics = compare(baseline, binary_table(7, ROWS)).performance
    broken = {
        name: dataclasses.replace(one, estimated_lower=None, estimated_upper=None, verdict=None)
        for name, one in metrics.items()
    }
    labelled = Profile.from_data(binary_table(7, ROWS), baseline=baseline).labelled
    found = with_verdicts(broken, baseline.performance, labelled)
    assert {one.verdict for one in found.values()} == {None}
    assert with_verdicts(metrics, None, labelled) == metrics


def test_a_regression_is_explained_by_its_losses() -> None:
    """Larger errors that the loss model foresees are the inputs'; others are not."""
    baseline = fitted(regression_table(0, 20_000))
    calm = verdicts(baseline, regression_table(1, ROWS))
    assert calm["mae"] == "no change"
    table = regression_table(2, ROWS)
    spread = np.asarray(table["label"]) - np.asarray(table["predicted"])
    worse = {**table, "label": np.asarray(table["predicted"]) + 1.6 * spread}
    assert verdicts(baseline, worse)["mae"] == "concept drift"


def test_labels_that_came_later_are_told_of_what_was_estimated(baseline: mw.Baseline) -> None:
    """Estimates stay; what is realised is scikit-learn's of all rows that have a label now."""
    table = binary_table(5, ROWS)
    before = compare(baseline, without(table, "label")).performance
    labelled = Profile.from_data(table, baseline=baseline).labelled
    assert labelled is not None
    found = realised_anew(baseline, before, labelled, Thresholds())
    assert found["accuracy"].estimated == before["accuracy"].estimated
    truth, score = is_yes(table, "label"), np.asarray(table["score"])
    assert found["accuracy"].realized == accuracy_score(truth, is_yes(table, "predicted"))
    assert found["roc_auc"].realized == pytest.approx(roc_auc_score(truth, score), abs=1e-3)
    whole = compare(baseline, table).performance
    assert with_verdicts(found, baseline.performance, labelled) == dict(whole)


def test_few_labels_take_back_what_was_realised(baseline: mw.Baseline) -> None:
    """Where labels were taken back below what is judged, the estimate stands alone again."""
    table = binary_table(5, ROWS)
    whole = compare(baseline, table).performance
    few = Profile.from_data(binary_table(5, 20), baseline=baseline).labelled
    assert few is not None
    found = realised_anew(baseline, whole, few, Thresholds())
    assert found["accuracy"].realized is None
    assert found["accuracy"].verdict is None
    lower, upper = whole["accuracy"].estimated_lower, whole["accuracy"].estimated_upper
    assert (found["accuracy"].lower, found["accuracy"].upper) == (lower, upper)
    assert realised_anew(fitted(without(table, "label")), {}, few, Thresholds()) == {}
    only = {"x": PerformanceMetric(name="x")}
    assert with_verdicts(only, baseline.performance, few) == only
