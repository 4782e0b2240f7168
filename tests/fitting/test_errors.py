"""Where the model errs on the baseline's rows."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import modelwatch as mw
from modelwatch.errors import FormatError
from modelwatch.outcomes.outcome_summary import OutcomeSummary
from modelwatch.performance.error_cells import ErrorCells
from tests.labelled_tables import binary_table, fitted, regression_table, several_table, without
from tests.outcomes.joined_tables import joined

SCORES = {name: f"p_{name}" for name in ("ant", "bee", "cat")}
ROLES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "binary": (binary_table(0), {"score": {"yes": "score"}}),
    "a score alone": (without(binary_table(0), "predicted"), {"score": "score"}),
    "several": (several_table(0), {"score": SCORES}),
    "several scores alone": (without(several_table(0), "predicted"), {"score": SCORES}),
    "regression": (regression_table(0), {}),
}


def errors_of(baseline: mw.Baseline) -> ErrorCells:
    """Return what a baseline knows."""
    assert baseline.performance is not None
    assert baseline.performance.errors is not None
    return baseline.performance.errors


@pytest.mark.parametrize("kind", ROLES)
def test_the_baselines_errors_are_those_of_its_rows(kind: str) -> None:
    """What is kept is what the same rows come to, joined with their labels later."""
    table, roles = ROLES[kind]
    rng = np.random.default_rng(1)
    table = table | {
        "kind": rng.choice(list("abcdefghijklmnop"), 4_000).tolist(),
        "gaps": np.where(rng.random(4_000) < 0.1, np.nan, rng.normal(size=4_000)),
    }
    baseline = fitted(table, **roles)
    outcomes = OutcomeSummary.empty(baseline)
    outcomes.update(joined(table, baseline, features=True))
    found, expected = errors_of(baseline), outcomes.errors
    assert {"kind", "gaps"} <= set(found.names) == set(expected.names)
    for name in found.names:
        assert found.rows(name).tolist() == expected.rows(name).tolist()
        assert found.means(name) == pytest.approx(expected.means(name), abs=2**-14)
        assert found.variances(name) == pytest.approx(expected.variances(name), abs=1e-4)
        assert 2 <= found.cells_of(name).size <= 12


def test_a_score_of_the_class_that_comes_second_is_not_turned_round() -> None:
    """Whichever class the first row has, an error is a score on the wrong side."""
    table = without(binary_table(0), "predicted")
    for first in ("yes", "no"):
        at = table["label"].index(first)
        order = [at, *range(at), *range(at + 1, 4_000)]
        moved = {name: [values[row] for row in order] for name, values in table.items()}
        errors = errors_of(fitted(moved, score="score"))
        rows, means = errors.rows("x"), errors.means("x")
        wrong = (np.array(table["score"]) >= 0.5) != (np.array(table["label"]) == "yes")
        assert float((rows * means).sum() / rows.sum()) == pytest.approx(wrong.mean())


def test_predictions_that_cannot_be_judged_tell_no_errors() -> None:
    """Where no predicted class is among the labels, they would all be wrong."""
    table = binary_table(0)
    table["predicted"] = ["other"] * 4_000
    baseline = fitted(table, score={"yes": "score"})
    assert baseline.performance is not None
    assert baseline.performance.errors is None


def test_of_many_rows_some_are_looked_at() -> None:
    """Evenly spread over all of the data."""
    table = binary_table(0, 250_000)
    errors = errors_of(fitted(table, score={"yes": "score"}))
    assert errors.rows("x").sum() == -(-250_000 // 3)
    wrong = np.array(table["predicted"]) != np.array(table["label"])
    mean = float((errors.rows("x") * errors.means("x")).sum() / errors.rows("x").sum())
    assert mean == pytest.approx(wrong[::3].mean())


def test_documents_hold_the_errors_and_older_ones_do_not() -> None:
    """They are read again as they were; without them a baseline is as complete as it was."""
    baseline = fitted(regression_table(0))
    text = baseline.to_json()
    read = mw.Baseline.from_json(text)
    assert read.to_json() == text
    assert errors_of(read).sums.tolist() == errors_of(baseline).sums.tolist()
    document = json.loads(text)
    del document["performance"]["errors"]
    old = mw.Baseline.from_json(json.dumps(document))
    assert old.performance is not None
    assert old.performance.errors is None
    document["performance"]["errors"] = {"nobody": [0] * 36}
    with pytest.raises(FormatError, match="nobody"):
        mw.Baseline.from_json(json.dumps(document))


def test_the_errors_take_little_room() -> None:
    """Some 150 bytes a feature of a classifier's document."""
    table = binary_table(0)
    text = fitted(table, score={"yes": "score"}).to_json()
    errors = json.dumps(json.loads(text)["performance"]["errors"], separators=(",", ":"))
    assert len(errors) < 2 * 250
