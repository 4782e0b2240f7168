"""Joined rows as a baseline reads them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from modelwatch.outcomes.joined_rows import JoinedRows
from modelwatch.outcomes.read_rows import errors_of
from modelwatch.performance.labelled_summary import LabelledSummary
from tests.labelled_tables import binary_table, fitted, is_yes, regression_table, several_table
from tests.labelled_tables import without as less
from tests.outcomes.joined_tables import BASELINES, SCORES, joined, summed

Table = dict[str, Any]


@pytest.mark.parametrize("label", ["bool", "int", "text", "float"])
def test_labels_match_classes_however_they_are_spelled(label: str) -> None:
    """A model of true and false is judged by booleans, numbers and texts alike."""
    table = binary_table(0)
    truth = is_yes(table, "label")
    booleans: Table = {**table, "predicted": is_yes(table, "predicted"), "label": truth}
    baseline = fitted(booleans, score={"true": "score"})
    spelled = {
        "bool": truth.tolist(),
        "int": truth.astype(int).tolist(),
        "float": truth.astype(float).tolist(),
        "text": ["true" if one else "false" for one in truth.tolist()],
    }
    summary = summed(joined({**booleans, "label": spelled[label]}, baseline), baseline)
    expected = summed(joined(booleans, baseline), baseline)
    assert summary.labelled.to_dict() == expected.labelled.to_dict()
    assert isinstance(summary.labelled, LabelledSummary)
    assert summary.labelled.unknown_labels == 0


def test_errors_are_wrong_classes() -> None:
    """A row's error is whether the predicted class is another one; by the scores without it."""
    table, baseline = binary_table(5, 300), BASELINES["binary"]
    rows = joined(table, baseline)
    expected = np.array(table["label"]) != np.array(table["predicted"])
    assert errors_of(rows, baseline).tolist() == expected.tolist()
    scored = JoinedRows(
        labels=["yes", "no", math.nan, "no", "?"],
        outputs={"score": [0.5, 0.49, 0.1, np.nan, 0.9]},
        predicted_ns=rows.predicted_ns[:5],
        labelled_ns=rows.labelled_ns[:5],
    )
    found = errors_of(scored, baseline)
    assert found == pytest.approx([0.0, 0.0, np.nan, np.nan, 1.0], nan_ok=True)


def test_errors_of_several_classes_follow_the_largest_score() -> None:
    """Without predictions the class is that of the largest score."""
    table = several_table(1, 200)
    baseline = fitted(less(several_table(0), "predicted"), score=SCORES)
    errors = errors_of(joined(table, baseline), baseline)
    expected = np.array(table["predicted"]) != np.array(table["label"])
    assert errors.tolist() == expected.tolist()


def test_errors_of_a_regression_are_in_units_of_its_labels() -> None:
    """|prediction - label| over the standard deviation of the baseline's labels."""
    table, baseline = regression_table(1, 200), BASELINES["regression"]
    labels = np.asarray(regression_table(0)["label"])
    expected = np.abs(table["predicted"] - table["label"]) / labels.std()
    assert errors_of(joined(table, baseline), baseline) == pytest.approx(expected, rel=1e-12)
