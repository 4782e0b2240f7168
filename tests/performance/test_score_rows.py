"""Rows that are no probabilities, and keys of classes."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from modelwatch.errors import ConfigurationError, DataError
from modelwatch.performance.score_rows import (
    as_score_rows,
    check_lengths,
    check_refused,
    class_codes,
    usable_rows,
)


@pytest.mark.parametrize(
    ("score", "reason"),
    [
        (np.nan, "missing"),
        (np.inf, "range"),
        (-np.inf, "range"),
        (1.0001, "range"),
        (-1e-9, "range"),
    ],
)
def test_what_is_no_probability_is_counted(score: float, reason: str) -> None:
    """A bad score takes its row out, under its own reason."""
    refused: Counter[str] = Counter()
    assert usable_rows(np.array([[0.0], [score], [1.0]]), refused).tolist() == [True, False, True]
    assert refused == {reason: 1}


def test_several_classes_sum_to_one() -> None:
    """Rows whose probabilities miss 1 by more than the tolerance are refused, others are not."""
    refused: Counter[str] = Counter()
    rows = np.array([[0.5, 0.5], [0.333, 0.666], [0.5, 0.6], [0.2, np.nan], [2.0, -1.0]])
    assert usable_rows(rows, refused).tolist() == [True, True, False, False, False]
    assert refused == {"sum": 1, "missing": 1, "range": 1}


@pytest.mark.parametrize("row", [[0.33, 0.33, 0.33], [0.34, 0.33, 0.34], [0.5, 0.4, 0.09]])
def test_rounded_to_two_digits_is_a_probability(row: list[float]) -> None:
    """A sum that misses 1 by the tolerance itself is let pass, whatever binary rounding adds."""
    refused: Counter[str] = Counter()
    assert usable_rows(np.array([row]), refused).all()
    assert not refused


def test_keys_become_codes() -> None:
    """Unknown keys and missing ones have codes of their own."""
    assert class_codes(["a", None, "?"], ["a"], 3).tolist() == [0, -1, 1]
    assert class_codes(None, ["a"], 2).tolist() == [-1, -1]


def test_few_refused_rows_are_borne() -> None:
    """Up to one refused row in a hundred, the rest is judged; beyond, none is."""
    check_refused(99, {"range": 1, "missing": 50})
    with pytest.raises(DataError, match=r"2 of 100 rows \(2 outside \[0, 1\]\)"):
        check_refused(98, {"range": 2})
    with pytest.raises(DataError, match="not summing to 1"):
        check_refused(0, {"sum": 3})


def test_nothing_to_judge_is_named() -> None:
    """All missing and empty differ."""
    with pytest.raises(DataError, match="all 7 are missing"):
        check_refused(0, {"missing": 7})
    with pytest.raises(DataError, match="no rows"):
        check_refused(0, {})


def test_shapes_must_fit() -> None:
    """Scores of another number of classes, or columns of another length, are refused."""
    with pytest.raises(ConfigurationError, match=r"need \(n, 3\)"):
        as_score_rows(np.zeros((4, 2)), 3)
    with pytest.raises(ConfigurationError, match="predicted holds 2 values, the batch 3 rows"):
        check_lengths(3, predicted=["a", "b"])
