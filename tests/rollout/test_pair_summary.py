"""Pairs of predictions, summed up."""

from __future__ import annotations

import json
import zlib
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

import modelwatch as mw
from modelwatch.errors import ConfigurationError, FormatError, ProfileMismatch
from modelwatch.rollout.pair_rows import PairRows
from modelwatch.rollout.pair_summary import PairSummary
from modelwatch.sketches import JointMoments
from tests.labelled_tables import CLASSES, binary_table, fitted, regression_table, without
from tests.mutations import mutations
from tests.rollout.version_pairs import (
    BASELINES,
    BINARY,
    NUMBERS,
    SEVERAL,
    empty_pairs,
    pair_table,
    pairs,
    part_of,
)

KINDS = st.sampled_from(sorted(BASELINES))


def folded(kind: str, rows: PairRows) -> PairSummary:
    """Return pairs of versions with one baseline, folded in at once."""
    summary = empty_pairs(BASELINES[kind], BASELINES[kind])
    summary.update(rows)
    return summary


def same(mine: PairSummary, theirs: PairSummary) -> bool:
    """Tell whether two summaries are the same: counts exactly, moments to rounding."""
    moments = [(mine.losses, theirs.losses)]
    moments += [(mine.values[name], theirs.values[name]) for name in mine.values]
    return (
        (mine.rows, mine.other_agreed) == (theirs.rows, theirs.other_agreed)
        and np.array_equal(mine.agreement, theirs.agreement)
        and np.array_equal(mine.correct, theirs.correct)
        and all(alike(one, other) for one, other in moments)
    )


def alike(one: JointMoments, other: JointMoments) -> bool:
    """Tell whether moments are the same to rounding."""
    return (
        one.n == other.n
        and np.allclose(one.mean_offset, other.mean_offset, rtol=1e-9, atol=1e-9)
        and np.allclose(one.m2, other.m2, rtol=1e-9, atol=1e-9 * max(one.n, 1))
    )


@pytest.mark.parametrize("kind", ["binary", "several"])
def test_agreement_is_the_table_of_both_predictions(kind: str) -> None:
    """Rows by both predicted classes are those of scikit-learn's table of the two columns."""
    first, second, _ = pair_table(kind, 1, 700)
    summary = folded(kind, PairRows(first=first, second=second))
    expected = metrics.confusion_matrix(
        first["predicted"], second["predicted"], labels=summary.classes
    )
    assert summary.agreement[:-1, :-1].tolist() == expected.tolist()
    assert summary.agreed == int(expected.trace())
    assert (summary.rows, summary.predicted, summary.labelled) == (700, 700, 0)


@pytest.mark.parametrize("kind", ["binary", "several"])
def test_correctness_is_counted_pair_by_pair(kind: str) -> None:
    """Both right, one of them, none: as the raw rows have it; so is the paired difference."""
    rows = pairs(kind, 2, 900, labelled=0.6)
    summary = folded(kind, rows)
    assert rows.labels is not None
    known = [at for at in range(900) if rows.labels[at] is not None]
    truth = np.array([rows.labels[at] for at in known])
    first, second = (
        np.array(side["predicted"])[known] == truth for side in (rows.first, rows.second)
    )
    assert summary.correct.tolist() == metrics.confusion_matrix(first, second).tolist()
    change = second.astype(float) - first.astype(float)
    found = summary.correct_difference()
    assert found == pytest.approx((len(known), change.mean(), change.var(ddof=1)), rel=1e-12)


def test_losses_are_those_of_scikit_learn() -> None:
    """Mean Brier score and log loss of either version, and the variance of their difference."""
    rows = pairs("binary", 3, 800)
    summary = folded("binary", rows)
    truth = np.array([label == "yes" for label in rows.labels or ()])
    scores = [np.asarray(side["score"]) for side in (rows.first, rows.second)]
    brier = [metrics.brier_score_loss(truth, one) for one in scores]
    log_loss = [metrics.log_loss(truth, one) for one in scores]
    expected = [brier[0], log_loss[0], brier[1], log_loss[1]]
    assert summary.losses.mean_offset.tolist() == pytest.approx(expected, rel=1e-12)
    change = (scores[1] - truth) ** 2 - (scores[0] - truth) ** 2
    found = summary.loss_difference("brier")
    assert found == pytest.approx((800, change.mean(), change.var(ddof=1)), rel=1e-9)


def test_losses_of_several_classes_are_those_of_scikit_learn() -> None:
    """The log loss of three classes is the mean over the rows."""
    rows = pairs("several", 4, 500)
    summary = folded("several", rows)
    shares = np.column_stack([np.asarray(rows.second[f"p_{name}"]) for name in CLASSES])
    expected = metrics.log_loss(rows.labels, shares, labels=list(CLASSES))
    assert summary.losses.mean_offset[3] == pytest.approx(expected, rel=1e-9)


def test_numbers_are_compared_in_units_of_the_label() -> None:
    """Errors, differences and correlation of a regression are those of the raw rows."""
    rows = pairs("numbers", 5, 600)
    summary = folded("numbers", rows)
    truth, first = np.array(rows.labels), np.asarray(rows.first["predicted"])
    second = np.asarray(rows.second["predicted"])
    change = np.abs(second - truth) - np.abs(first - truth)
    expected = (600, change.mean(), change.var(ddof=1))
    assert summary.loss_difference("absolute_error") == pytest.approx(expected, rel=1e-9)
    squares = (second - truth) ** 2 - (first - truth) ** 2
    expected = (600, squares.mean(), squares.var(ddof=1))
    assert summary.loss_difference("squared_error") == pytest.approx(expected, rel=1e-9)
    gap = second - first
    expected = (600, gap.mean(), gap.var(ddof=1))
    assert summary.value_difference("prediction") == pytest.approx(expected, rel=1e-9)
    absolute = summary.mean_absolute_difference("prediction")
    assert absolute == pytest.approx(np.abs(gap).mean(), rel=1e-9)
    correlation = float(np.corrcoef(first, second)[0, 1])
    assert summary.correlation("prediction") == pytest.approx(correlation, rel=1e-9)


@given(KINDS, st.integers(0, 10**6), st.integers(0, 60), st.integers(0, 60))
def test_merging_is_folding_in_all(kind: str, seed: int, one: int, other: int) -> None:
    """Parts in any order come to the whole."""
    rows = pairs(kind, seed, one + other, labelled=0.5)
    parts = [folded(kind, part_of(rows, at)) for at in (range(one), range(one, one + other))]
    whole = folded(kind, rows)
    assert same(parts[0].merge(parts[1]), whole)
    assert same(parts[1].merge(parts[0]), whole)


@given(KINDS, st.integers(0, 10**6), st.integers(0, 40), st.integers(0, 40))
def test_what_is_taken_back_never_was_there(kind: str, seed: int, kept: int, gone: int) -> None:
    """Removing pairs leaves what the others come to; removing all leaves nothing."""
    rows = pairs(kind, seed, kept + gone, labelled=0.7)
    summary = folded(kind, rows)
    left, taken = part_of(rows, range(kept)), part_of(rows, range(kept, kept + gone))
    summary.remove(taken)
    assert same(summary, folded(kind, left))
    summary.remove(left)
    assert same(summary, empty_pairs(BASELINES[kind], BASELINES[kind]))


@given(KINDS, st.integers(0, 10**6), st.integers(1, 40))
def test_a_label_that_comes_later_counts_the_same(kind: str, seed: int, rows: int) -> None:
    """It makes no difference whether the label or the second prediction came first."""
    told = pairs(kind, seed, rows, labelled=0.7)
    summary = empty_pairs(BASELINES[kind], BASELINES[kind])
    summary.update(part_of(told, range(rows), labels=False))
    summary.update_labels(told)
    assert same(summary, folded(kind, told))


@given(KINDS, st.integers(0, 10**6), st.integers(0, 50))
def test_documents_round_trip(kind: str, seed: int, rows: int) -> None:
    """What was written is read back, and counts on."""
    summary = folded(kind, pairs(kind, seed, rows))
    read = PairSummary.from_bytes(summary.to_bytes())
    assert read.to_bytes() == summary.to_bytes()
    more = pairs(kind, seed + 1, 5)
    for one in (read, summary):
        one.update(more)
    assert same(read, summary)


@given(KINDS, st.integers(0, 10**6))
def test_tampered_documents_are_read_or_refused(kind: str, seed: int) -> None:
    """A document with one field changed is read, or refused by a typed error."""
    body = json.loads(zlib.decompress(folded(kind, pairs(kind, 1, 20)).to_bytes()))
    with suppress(FormatError):
        PairSummary.from_bytes(zlib.compress(mutations(body, seed).encode()))


@pytest.mark.parametrize("content", [b"", b"no", zlib.compress(b"{}")])
def test_damaged_bytes_are_refused(content: bytes) -> None:
    """Bytes that are no summary are told as such."""
    with pytest.raises(FormatError):
        PairSummary.from_bytes(content)


def test_a_summary_is_small() -> None:
    """A summary of many pairs of two classes takes less than a kilobyte."""
    assert len(folded("binary", pairs("binary", 6, 2_000)).to_bytes()) < 1_000


def test_a_version_without_a_baseline_is_read_as_the_other() -> None:
    """A shadow whose baseline was not pushed is compared all the same."""
    rows = pairs("binary", 7, 100)
    for first, second in ((BINARY, None), (None, BINARY)):
        summary = empty_pairs(first, second)
        summary.update(rows)
        assert same(summary, folded("binary", rows))


def test_versions_that_cannot_be_compared_have_no_summary() -> None:
    """Neither baseline, or two tasks: there is nothing to sum up."""
    assert PairSummary.empty(None, None) is None
    assert PairSummary.empty(BINARY, NUMBERS) is None
    unnamed = mw.Baseline.fit({"x": [1.0, 2.0, 3.0]}, model="m", version="1")
    assert PairSummary.empty(unnamed, None) is None


def test_versions_whose_truth_never_was_known_are_compared_too() -> None:
    """Baselines without labels name classes, scores or numbers all the same."""
    table = without(binary_table(0, 300), "label")
    unlabelled = fitted(table, score="score")
    rows = pairs("binary", 8, 200)
    summary = empty_pairs(unlabelled, unlabelled)
    summary.update(rows)
    known = folded("binary", rows)
    assert summary.agreed == known.agreed
    assert summary.correct.tolist() == known.correct.tolist()
    assert summary.correlation("score") == pytest.approx(known.correlation("yes"))
    numbers = fitted(without(regression_table(0, 300), "label"))
    found = empty_pairs(numbers, numbers)
    found.update(pairs("numbers", 8, 200))
    assert found.loss_difference("absolute_error").mean == pytest.approx(
        folded("numbers", pairs("numbers", 8, 200)).loss_difference("absolute_error").mean
    )


def test_scores_alone_decide_where_no_class_is_told() -> None:
    """Without predicted classes, the score's decision at one half is compared."""
    rows = pairs("binary", 9, 300)
    scores_only = PairRows(
        first={"score": rows.first["score"]},
        second={"score": rows.second["score"]},
        labels=rows.labels,
    )
    assert same(folded("binary", scores_only), folded("binary", rows))


def test_booleans_and_ones_are_the_same_class() -> None:
    """A version that returns 1 agrees with one that returns True, and so do labels."""

    def boolean(first: Any, second: Any) -> PairSummary:
        summary = empty_pairs(
            fitted({"x": [0.0, 1.0, 2.0], "predicted": first, "label": first}),
            fitted({"x": [0.0, 1.0, 2.0], "predicted": second, "label": second}),
        )
        rows = PairRows(
            first={"predicted": first}, second={"predicted": second}, labels=[True, 0, 1]
        )
        summary.update(rows)
        return summary

    for one, other in (([1, 0, 1], [True, False, True]), ([True, False, True], [1, 0, 1])):
        summary = boolean(one, other)
        assert (summary.agreed, int(summary.correct[1, 1])) == (3, 3)


def test_missing_values_are_compared_with_nothing() -> None:
    """A pair without one of both predictions is a pair, and neither agrees nor differs."""
    rows = PairRows(
        first={"predicted": ["yes", None, "yes"], "score": [0.9, None, np.nan]},
        second={"predicted": ["yes", "no", None], "score": [0.8, 0.1, 2.0]},
        labels=["yes", "no", None],
    )
    summary = folded("binary", rows)
    assert (summary.rows, summary.predicted, summary.labelled) == (3, 1, 1)
    assert (summary.losses.n, summary.values["yes"].n) == (1, 1)
    empty = folded("binary", PairRows(first={}, second={}))
    assert (empty.rows, empty.correct_difference().rows) == (0, 0)
    assert np.isnan(empty.correlation("yes"))


def test_classes_that_nobody_named_agree_by_their_names() -> None:
    """New classes are counted together, and still told to agree or not."""
    rows = PairRows(
        first={"predicted": ["elk", "elk", "ant"]}, second={"predicted": ["elk", "fox", "ant"]}
    )
    summary = folded("several", rows)
    assert (summary.agreed, summary.predicted) == (2, 3)


def test_pairs_of_other_baselines_do_not_merge() -> None:
    """Summaries that were read in different ways are refused."""
    with pytest.raises(ProfileMismatch):
        empty_pairs(BINARY, BINARY).merge(empty_pairs(SEVERAL, SEVERAL))


def test_more_than_was_there_cannot_be_taken_back() -> None:
    """Taking pairs back that were never folded in is refused."""
    with pytest.raises(ProfileMismatch):
        empty_pairs(NUMBERS, NUMBERS).remove(pairs("numbers", 1, 3))


def test_columns_of_different_lengths_are_refused() -> None:
    """The message names the column."""
    with pytest.raises(ConfigurationError, match="score of the second version"):
        PairRows(first={"score": [0.1, 0.2]}, second={"score": [0.1]})
