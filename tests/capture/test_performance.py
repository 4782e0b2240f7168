"""What a live service keeps for estimates of its performance."""

from __future__ import annotations

from typing import Any

import pytest

import modelwatch as mw
from tests.labelled_tables import binary_table, fitted, regression_table, without
from tests.watched import MakeWatch

Row = dict[str, Any]


@pytest.fixture(scope="session")
def labelled() -> mw.Baseline:
    """A classifier's baseline with labels."""
    return fitted(binary_table(0), score="score")


def served(make_watch: MakeWatch, baseline: mw.Baseline, table: Row) -> mw.Profile:
    """Send every row of a table through a watched model, and return what was captured."""
    names = list(baseline.inputs)
    scores = table["score" if "score" in table else "predicted"]
    answers = zip(scores, table["predicted"], strict=True)
    rows = [
        dict(zip(names, row, strict=True))
        for row in zip(*[table[name] for name in names], strict=True)
    ]
    watched = make_watch(baseline=baseline)

    @watched.watch
    def predict(features: Row) -> Row:
        score, predicted = next(answers)
        return {"score": score, "predicted": predicted}

    for row in rows:
        predict(row)
    return watched.profile()


def test_a_live_service_is_estimated_without_labels(
    make_watch: MakeWatch, labelled: mw.Baseline
) -> None:
    """What was answered, row by row, promises what the same rows in a table do."""
    table = binary_table(1, 300)
    found = mw.compare(labelled, served(make_watch, labelled, table)).performance
    expected = mw.compare(labelled, without(table, "label")).performance
    assert found["accuracy"].estimated == pytest.approx(expected["accuracy"].estimated, rel=1e-12)
    assert found["roc_auc"].estimated == pytest.approx(expected["roc_auc"].estimated, rel=1e-9)
    assert found["accuracy"].realized is None


def test_a_live_regression_is_estimated_without_labels(make_watch: MakeWatch) -> None:
    """Of a regression, the inputs tell how large errors will be."""
    baseline = fitted(regression_table(0))
    table = regression_table(1, 300)
    found = mw.compare(baseline, served(make_watch, baseline, table)).performance
    expected = mw.compare(baseline, without(table, "label")).performance
    assert found["mae"].estimated == pytest.approx(expected["mae"].estimated, rel=1e-9)


def test_answers_without_a_score_promise_nothing(
    make_watch: MakeWatch, labelled: mw.Baseline
) -> None:
    """Where scores are not in the answers, nothing is estimated, and all else is captured."""
    watched = make_watch(baseline=labelled)

    @watched.watch
    def predict(features: Row) -> str:
        return "yes"

    for _ in range(100):
        predict({"x": 0.1, "idle": 0.0})
    profile = watched.profile()
    assert profile.rows == 100
    assert profile.scores is not None
    assert profile.scores.rows == 0
    assert mw.compare(labelled, profile).performance == {}
