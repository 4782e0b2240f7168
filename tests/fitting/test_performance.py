"""How labelled rows are gathered while a baseline is fitted."""

from __future__ import annotations

import datetime as dt
import logging
from typing import Any

import numpy as np
import pandas as pd
import pytest

import modelwatch as mw
from modelwatch.fitting import performance as fitting_performance
from tests.labelled_tables import (
    CLASSES,
    Table,
    binary_table,
    fitted,
    is_yes,
    regression_table,
    several_table,
    without,
)


def performance(table: Table, **roles: Any) -> Any:
    """Return what a baseline of a table tells of performance."""
    return fitted(table, **roles).performance


@pytest.mark.parametrize("inverted", [False, True])
def test_the_scores_tell_which_class_is_positive(
    inverted: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """It is the class whose rows have the higher mean score, and a debug record says so."""
    data = binary_table(0, 1_000)
    if inverted:
        data["score"] = 1 - data["score"]
    with caplog.at_level(logging.DEBUG, "modelwatch"):
        found = performance(data, score="score")
    assert found.positive == ("no" if inverted else "yes")
    assert found.realized["roc_auc"].value > 0.5
    assert "higher mean score" in caplog.text


def test_the_class_of_the_score_may_be_told() -> None:
    """What is told counts, whatever the scores say."""
    assert performance(binary_table(0, 1_000), score={"no": "score"}).positive == "no"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"label": [None] * 1_000}, "has no value in any row"),
        ({"label": ["yes"] * 1_000}, "labels are of 1 classes"),
        ({"label": ["yes", "no", "maybe", "no"] * 250}, "labels are of 3 classes"),
        ({"score": np.linspace(0, 50, 1_000)}, "no probabilities"),
        ({"predicted": ["a", "b"] * 500}, "no predicted class is among the labels"),
    ],
    ids=["unlabelled", "one class", "three classes", "no probabilities", "other classes"],
)
def test_labels_never_make_a_fit_fail(
    change: Table, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What cannot be learned is absent, and a log record says why."""
    with caplog.at_level(logging.WARNING, "modelwatch"):
        baseline = fitted(binary_table(0, 1_000) | change, score="score")
    assert said in caplog.text
    mw.compare(baseline, binary_table(1, 200))


def test_a_class_that_labels_lack_is_said(caplog: pytest.LogCaptureFixture) -> None:
    """Scores of classes that no label names tell nothing, and predictions still do."""
    found = performance(binary_table(0, 1_000), score={"oui": "score"})
    assert "no label is of the scored classes ['oui']" in caplog.text
    assert not found.calibrations
    assert not found.scores
    assert "accuracy" in found.realized


def test_predictions_alone_are_judged() -> None:
    """Without scores there are realised metrics and no estimates."""
    baseline = fitted(without(binary_table(0, 1_000), "score"))
    now = without(binary_table(1, 500), "score")
    found = mw.compare(baseline, now).performance
    assert found["accuracy"].realized == np.mean(is_yes(now, "label") == is_yes(now, "predicted"))
    assert all(metric.estimated is None for metric in found.values())


def test_classes_of_0_and_1_have_a_positive_one_without_scores() -> None:
    """By convention 1, and true, are what is looked for."""
    data = without(binary_table(0, 1_000), "score")
    data |= {name: is_yes(data, name).astype(int) for name in ("predicted", "label")}
    assert performance(data).positive == "1"


def test_scores_alone_are_judged() -> None:
    """Without predictions, ranking and losses are told, and nothing that needs a decision."""
    data = without(binary_table(0, 1_000), "predicted")
    found = mw.compare(fitted(data, score="score"), binary_table(1, 500)).performance
    assert found["roc_auc"].realized is not None
    assert found["roc_auc"].estimated is not None
    assert "accuracy" not in found


def test_many_rows_are_kept_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more rows than there is room for, evenly spread ones are the reference."""
    monkeypatch.setattr(fitting_performance, "MAX_ROWS", 500)
    assert performance(binary_table(0, 2_000), score="score").reference.rows == 500
    assert performance(regression_table(0, 1_900)).reference.rows == 475


def test_streamed_rows_tell_the_same_as_a_table() -> None:
    """Parts of a table, one after the other, give the performance of the whole."""
    data = pd.DataFrame(several_table(0, 1_500))
    score = {name: f"p_{name}" for name in CLASSES}
    whole = fitted({str(name): data[name].to_numpy() for name in data}, score=score)
    parts = mw.Baseline.fit(
        [data.iloc[:700], data.iloc[700:]],
        model="m",
        version="1",
        prediction="predicted",
        label="label",
        score=score,
    )
    assert parts.performance is not None
    assert whole.performance is not None
    assert parts.performance.realized == whole.performance.realized


def test_rows_sorted_by_their_label_are_shuffled() -> None:
    """Sorted sample data has calibrations as good as shuffled data, and no design effect."""
    data = binary_table(0, 2_000)
    order = np.argsort(is_yes(data, "label"), kind="stable")
    sorted_rows = {name: np.asarray(values)[order] for name, values in data.items()}
    found, usual = performance(sorted_rows, score="score"), performance(data, score="score")
    assert found.effect.phi_at(1_000) == 1.0
    grid = np.linspace(0.05, 0.95, 19)
    gap = found.calibrations["yes"].apply(grid) - usual.calibrations["yes"].apply(grid)
    assert np.abs(gap).max() < 0.1


def test_a_regression_without_numeric_inputs_is_judged_by_labels() -> None:
    """There is nothing to foretell errors from."""
    data = regression_table(0, 500)
    data = without(data, "x", "w") | {"place": ["here", "there"] * 250}
    found = performance(data)
    assert found.loss_model is None
    assert "mae" in found.realized


def test_a_regression_whose_labels_are_texts_tells_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Labels that are no numbers cannot be subtracted."""
    assert performance(regression_table(0, 500) | {"label": ["a", "b"] * 250}) is None
    assert "has no number" in caplog.text


@pytest.mark.parametrize("labels", [["yes", "no"], [True, False], [1, 0], [1.0, np.nan]])
def test_a_label_may_be_anything(labels: list[Any]) -> None:
    """A label of any type is read, and compared."""
    data = binary_table(0, 1_000)
    data["label"] = np.array(labels, dtype=object)[(~is_yes(data, "label")).astype(int)].tolist()
    mw.compare(fitted(data, score="score"), data)


@pytest.mark.parametrize(
    "values",
    [
        [b"yes", b"no"],
        [dt.date(2024, 1, 1), dt.date(2024, 1, 2)],
        [np.inf, -np.inf],
        [2**60, 2**60 + 1],
        [{"a": 1}, []],
        ["yes", 0, None, True, 1.5, b"x", np.nan],
        [f"label {number}" for number in range(12_000)],
        [None],
        [""],
    ],
    ids=["bytes", "dates", "infinite", "large", "objects", "mixed", "many", "none", "empty"],
)
@pytest.mark.parametrize("kind", ["binary", "regression"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_odd_labels_are_passed_over(values: list[Any], kind: str) -> None:
    """Whatever the label column holds, the baseline is fitted, written, read and compared."""
    rows = max(1_000, len(values))
    make, roles = (binary_table, {"score": "score"}) if kind == "binary" else (regression_table, {})
    odd = (values * rows)[:rows]
    baseline = fitted(make(0, rows) | {"label": odd}, **roles)
    read = mw.Baseline.from_json(baseline.to_json())
    assert read.id == baseline.id
    mw.compare(read, make(1, rows) | {"label": odd})
    mw.compare(fitted(make(0, 1_000), **roles), make(1, rows) | {"label": odd})


@pytest.mark.parametrize("column", ["score", "predicted", "label"])
@pytest.mark.parametrize("values", [[np.nan], [None], ["x", 1.0], [0.5], [5.0, np.inf]])
def test_odd_outputs_are_passed_over(column: str, values: list[Any]) -> None:
    """Constant, missing and mixed outputs are compared, as far as they can be."""
    odd = {column: (values * 1_000)[:1_000]}
    mw.compare(fitted(binary_table(0, 1_000) | odd, score="score"), binary_table(1, 300))
    usual = fitted(binary_table(0, 1_000), score="score")
    mw.compare(usual, binary_table(1, 1_000) | odd)
