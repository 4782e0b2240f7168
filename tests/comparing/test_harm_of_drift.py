"""Whether drift does harm, told by the performance of a model of scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import modelwatch as mw
from modelwatch.report.harm import DECIDING
from tests.labelled_tables import Table, fitted, without


def made(seed: int, *, ignored: float = 0.0, read: float = 0.0, rows: int = 8_000) -> Table:
    """Rows of a model that reads `x` and gives `idle` no weight."""
    rng = np.random.default_rng(seed)
    x, idle = rng.normal(read, 1.0, rows), rng.normal(ignored, 1.0, rows)
    truth = rng.random(rows) < 1 / (1 + np.exp(-2.5 * x - 2.0))
    return {"x": x, "idle": idle, "label": truth}


@pytest.fixture(scope="session")
def classifier() -> LogisticRegression:
    """A model fitted on other rows than those of the baseline."""
    data = made(9)
    return LogisticRegression().fit(data["x"][:, None], data["label"])


def served(model: LogisticRegression, data: Table) -> Table:
    """Return rows with what the model says of them."""
    score = model.predict_proba(data["x"][:, None])[:, 1]
    return data | {"score": score, "predicted": score > 0.5}


@pytest.fixture(scope="session")
def watched(classifier: LogisticRegression) -> mw.Baseline:
    """The model's baseline."""
    return fitted(served(classifier, made(0)), score="score")


@pytest.mark.parametrize("labels", [True, False])
def test_drift_of_an_ignored_input_is_harmless(
    classifier: LogisticRegression, watched: mw.Baseline, labels: bool
) -> None:
    """An input that the model ignores drifts: the performance is kept, by labels or without."""
    now = served(classifier, made(1, ignored=1.0))
    report = mw.compare(watched, now if labels else without(now, "label"))
    assert report.severity == "drift"
    assert report.verdict == "drifted, harmless"


@pytest.mark.parametrize("labels", [True, False])
def test_drift_to_where_the_model_is_unsure_is_harmful(
    classifier: LogisticRegression, watched: mw.Baseline, labels: bool
) -> None:
    """Rows move to the middle of the scores: fewer predictions will be right."""
    now = served(classifier, made(2, read=-0.9))
    report = mw.compare(watched, now if labels else without(now, "label"))
    assert report.verdict == "drift"
    assert report.performance["accuracy"].changed


def test_a_change_of_the_mapping_needs_labels(
    classifier: LogisticRegression, watched: mw.Baseline
) -> None:
    """Where the truth changed, estimates see nothing, and labels tell."""
    now = served(classifier, made(3, ignored=1.0))
    now["label"] = np.random.default_rng(0).random(8_000) < 0.5
    assert mw.compare(watched, now).verdict == "drift"
    assert mw.compare(watched, without(now, "label")).verdict == "drifted, harmless"


def test_estimates_are_not_trusted_where_the_baseline_had_no_rows(
    classifier: LogisticRegression, watched: mw.Baseline
) -> None:
    """An input that is lost leaves scores as they are, which then promise nothing."""
    now = without(served(classifier, made(4)), "idle", "label")
    assert mw.compare(watched, now).verdict == "drift"


def test_few_rows_do_not_prove_that_there_is_no_harm(
    classifier: LogisticRegression, watched: mw.Baseline
) -> None:
    """An interval that may hide a loss is no proof."""
    now = served(classifier, made(5, ignored=1.5, rows=100))
    report = mw.compare(watched, now)
    assert report.severity == "drift"
    assert report.verdict == "drift"
    assert report.performance.keys() >= DECIDING.keys() - {"mae"}


def test_a_fault_of_the_pipeline_is_never_harmless_by_estimate() -> None:
    """Kilometres in place of miles: what the scores promise no longer holds, however good."""
    rng = np.random.default_rng(3)
    table: dict[str, np.ndarray] = {
        "distance": rng.gamma(3.0, 200.0, 20_000),
        "age": rng.normal(40.0, 10.0, 20_000),
    }
    table["score"] = 1 / (1 + np.exp(-(table["age"] - 40.0) / 8.0))
    table["churned"] = rng.random(20_000) < table["score"]
    table["predicted"] = table["score"] > 0.5
    baseline = mw.Baseline.fit(
        table, model="m", version="1", prediction="predicted", score="score", label="churned"
    )
    now = {name: values[:4_000] for name, values in table.items() if name != "churned"}
    now["distance"] = now["distance"] * 1.609344
    report = mw.compare(baseline, now)
    assert report.features["distance"].cause == "scale_change"
    assert report.verdict == "drift"
    labelled = mw.compare(baseline, now | {"churned": table["churned"][:4_000]})
    assert labelled.verdict == "drifted, harmless"


def test_flipped_labels_without_drift_are_worse_performance(
    classifier: LogisticRegression, watched: mw.Baseline
) -> None:
    """No input changed and the model is wrong most of the time: the verdict is not "none"."""
    now = served(classifier, made(4))
    assert mw.compare(watched, now).verdict == "none"
    report = mw.compare(watched, now | {"label": ~now["label"]})
    assert report.severity == "none"
    assert report.verdict == "worse performance"
    assert report.to_dict()["verdict"] == "worse performance"
    assert mw.DriftReport.from_dict(report.to_dict()).verdict == "worse performance"
