"""Scores and predictions with labels."""

from __future__ import annotations

import json
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from modelwatch.errors import ConfigurationError, FormatError, ProfileMismatch
from modelwatch.performance.labelled_summary import MAX_CLASSES, LabelledSummary
from tests.mutations import mutations
from tests.performance.scored_rows import CLASSES, binary, labelled, names, several

EDGES = np.arange(1, 20) / 20


def test_confusion_counts_are_those_of_the_rows() -> None:
    """Named classes are counted as scikit-learn counts them."""
    probabilities, truth = several(np.random.default_rng(0), 2_000)
    summary = LabelledSummary.empty(CLASSES, dict.fromkeys(CLASSES, EDGES))
    guess = probabilities.argmax(axis=1)
    summary.update(names(truth), names(guess), probabilities)
    expected = metrics.confusion_matrix(truth, guess)
    assert summary.confusion[:-1, :-1].tolist() == expected.tolist()
    assert not summary.confusion[-1].any()


def test_merging_is_counting_all_at_once() -> None:
    """Shards give the counts of the whole, and its moments to rounding."""
    probabilities, truth = several(np.random.default_rng(1), 1_000)
    labels, predicted = names(truth), names(probabilities.argmax(axis=1))
    labels[5] = None
    predicted[6] = None

    def fold(rows: slice) -> LabelledSummary:
        part = LabelledSummary.empty(CLASSES, dict.fromkeys(CLASSES, EDGES))
        part.update(labels[rows], predicted[rows], probabilities[rows])
        return part

    whole, merged = fold(slice(None)), fold(slice(0, 0))
    for at in range(0, 1_000, 50):
        merged = fold(slice(at, at + 50)).merge(merged)
    assert merged.confusion.tolist() == whole.confusion.tolist()
    assert (merged.rows, merged.refused) == (whole.rows, whole.refused) == (999, {"unlabelled": 1})
    assert merged.log_loss.mean == pytest.approx(whole.log_loss.mean, rel=1e-12)
    assert merged.brier.m2 == pytest.approx(whole.brier.m2, rel=1e-12)
    for name in CLASSES:
        assert merged.cells[name].counts.tolist() == whole.cells[name].counts.tolist()


def test_documents_round_trip() -> None:
    """What was written is read back."""
    summary = labelled(binary(np.random.default_rng(1), 500), EDGES)
    summary.update(["yes", None, "?"], ["?", "no", "?"], np.array([np.nan, 0.5, 3.0]))
    read = LabelledSummary.from_dict(json.loads(json.dumps(summary.to_dict())))
    assert read.to_dict() == summary.to_dict()
    assert (read.positive, read.other_correct) == ("yes", 1)


@given(st.integers(0, 10**6))
def test_tampered_documents_are_read_or_refused(seed: int) -> None:
    """A document with one field changed is read, or refused by a typed error."""
    summary = labelled(binary(np.random.default_rng(1), 5), np.array([0.5]))
    with suppress(FormatError, ProfileMismatch):
        LabelledSummary.from_dict(json.loads(mutations(summary.to_dict(), seed)))


def test_classes_beyond_the_cap_are_other() -> None:
    """The classes named are bounded; hits among the rest still count as hits."""
    classes = [f"class {at}" for at in range(MAX_CLASSES + 3)]
    summary = LabelledSummary.empty(classes)
    summary.update(["class 51", "class 51", "new", "class 0"], ["class 51", "class 52", "new", "x"])
    assert len(summary.classes) == MAX_CLASSES
    assert summary.confusion[-1, -1] == 3
    assert summary.other_correct == 2
    assert summary.confusion[0, -1] == 1


def test_the_positive_class_is_kept_by_name() -> None:
    """However rare, positive and scored classes are never among the others."""
    classes = [f"class {at}" for at in range(MAX_CLASSES + 3)]
    assert "class 52" in LabelledSummary.empty(classes, positive="class 52").classes
    summary = LabelledSummary.empty(classes, {"class 52": EDGES})
    assert summary.positive == "class 52"


def test_a_row_without_a_score_still_counts_its_prediction() -> None:
    """A missing score takes a row out of the score metrics only."""
    summary = LabelledSummary.empty(["no", "yes"], {"yes": EDGES})
    summary.update(["yes", "no"], ["yes", "no"], np.array([np.nan, 0.1]))
    assert summary.confusion.sum() == 2
    assert summary.cells["yes"].counts.sum() == 1
    assert summary.refused == {"missing": 1}


def test_a_truth_without_a_score_has_no_loss() -> None:
    """Where the true class is not among those scored, its log loss is not made up."""
    summary = LabelledSummary.empty([*CLASSES, "dog"], dict.fromkeys(CLASSES, EDGES))
    summary.update(["dog", "ant"], ["ant", "ant"], np.array([[0.5, 0.25, 0.25]] * 2))
    assert summary.log_loss.n == 1


def test_what_does_not_belong_together_is_refused() -> None:
    """Other classes do not merge; scored and positive classes must be among the classes."""
    with pytest.raises(ProfileMismatch, match="classes"):
        LabelledSummary.empty(["a", "b"]).merge(LabelledSummary.empty(["a", "c"]))
    with pytest.raises(ConfigurationError, match="positive"):
        LabelledSummary.empty(["a"], positive="b")
    with pytest.raises(ConfigurationError, match="one class"):
        LabelledSummary.empty([])
    with pytest.raises(ConfigurationError, match="scores holds 1"):
        LabelledSummary.empty(["a"], {"a": EDGES}).update(["a", "a"], None, np.array([0.5]))
