"""Which columns tell how well a model does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from modelwatch.errors import ProfileMismatch
from modelwatch.performance.labelled_summary import LabelledSummary
from modelwatch.performance.regression_summary import RegressionSummary
from modelwatch.performance.score_summary import ScoreSummary
from modelwatch.performance_columns import PerformanceColumns, merged, merged_labels
from modelwatch.profile import Profile
from modelwatch.tables.columns import categorical_column, numeric_column

EDGES = {"yes": np.array([0.5])}
READ = PerformanceColumns(
    task="classification", prediction="said", scores=("score",), aliases={"1": "yes"}
)
COLUMNS: dict[str, Any] = {
    "said": categorical_column(["yes", "no", "yes"]),
    "score": numeric_column([0.9, 0.2, np.nan]),
}


def parts() -> Profile:
    """Return a profile that keeps scores and labelled rows."""
    profile = Profile("m", "1")
    profile.scores = ScoreSummary.empty(EDGES)
    profile.labelled = LabelledSummary.empty(["yes", "no"], EDGES)
    return profile


def test_rows_are_counted_with_and_without_labels() -> None:
    """Scores are counted in any case, and labelled rows where the label is told."""
    profile = parts()
    READ.update(profile, COLUMNS)
    READ.update(profile, COLUMNS, [1, "no", None])
    assert profile.scores is not None
    assert (profile.scores.rows, profile.scores.refused["missing"]) == (4, 2)
    assert isinstance(profile.labelled, LabelledSummary)
    assert profile.labelled.rows == 2
    assert profile.labelled.confusion.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 0]]


@pytest.mark.parametrize("absent", ["said", "score"])
def test_a_column_that_is_not_there_leaves_out_what_needs_it(absent: str) -> None:
    """Predictions are judged without scores, and scores without predictions."""
    profile = parts()
    rest = {name: column for name, column in COLUMNS.items() if name != absent}
    READ.update(profile, rest, ["yes", "no", "no"])
    assert isinstance(profile.labelled, LabelledSummary)
    assert profile.labelled.rows == 3
    assert profile.labelled.confusion.any() == (absent != "said")
    assert profile.scores is not None
    assert profile.scores.rows == (0 if absent == "score" else 2)


def test_without_outputs_nothing_is_counted() -> None:
    """Rows of calls that failed have neither prediction nor score."""
    profile = parts()
    READ.update(profile, {}, ["yes"])
    assert profile.labelled is not None
    assert profile.labelled.rows == 0


def test_parts_merge_with_what_is_there() -> None:
    """One that is absent leaves the other, and two of different kinds cannot be merged."""
    labelled, errors = LabelledSummary.empty(["a"]), RegressionSummary()
    assert merged_labels(None, labelled) is labelled
    assert merged_labels(errors, None) is errors
    assert merged_labels(None, None) is None
    assert merged(None, errors) is errors
    assert isinstance(merged_labels(errors, errors), RegressionSummary)
    with pytest.raises(ProfileMismatch, match="classification and of a regression"):
        merged_labels(labelled, errors)
