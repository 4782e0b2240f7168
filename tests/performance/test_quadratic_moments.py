"""Means of quadratic terms."""

from __future__ import annotations

import json
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch.errors import ConfigurationError, FormatError, ProfileMismatch
from modelwatch.performance.quadratic_moments import (
    CLIP,
    QuadraticMoments,
    quadratic_terms,
    standardised,
)
from tests.mutations import mutations

CENTRE, SCALE = np.array([1.0, -2.0, 5.0]), np.array([2.0, 0.5, 0.0])


def folded(rows: np.ndarray) -> QuadraticMoments:
    """Sum up rows of three features."""
    moments = QuadraticMoments(["x", "y", "z"], CENTRE, SCALE)
    moments.update(rows)
    return moments


def spoiled(seed: int, rows: int) -> np.ndarray:
    """Return rows with missing, infinite and far values."""
    values = np.random.default_rng(seed).normal(size=(rows, 3)) * 3
    values[::5, 0] = np.nan
    values[::7, 1] = np.inf
    values[::11, 1] = 1e12
    return values


def test_mean_terms_are_those_of_the_rows() -> None:
    """From merged shards the mean of each term is that of all rows."""
    rows = spoiled(0, 3_000)
    merged = folded(rows[:0])
    for part in np.array_split(rows, 50):
        merged = folded(part).merge(merged)
    expected = quadratic_terms(standardised(rows, CENTRE, SCALE)).mean(axis=0)
    assert merged.mean_terms == pytest.approx(expected, abs=1e-12)


def test_missing_values_are_at_the_mean() -> None:
    """NaN, infinity and a constant feature are 0; far values are clipped."""
    rows = np.array([[np.nan, np.inf, 7.0], [1e9, -1e9, -np.inf]])
    assert standardised(rows, CENTRE, SCALE).tolist() == [[0.0, 0.0, 0.0], [CLIP, -CLIP, 0.0]]


def test_documents_round_trip() -> None:
    """What was written is read back."""
    moments = folded(spoiled(1, 50))
    read = QuadraticMoments.from_dict(json.loads(json.dumps(moments.to_dict())))
    assert read.to_dict() == moments.to_dict()


@given(st.integers(0, 10**6))
def test_tampered_documents_are_read_or_refused(seed: int) -> None:
    """A document with one field changed is read, or refused by a typed error."""
    with suppress(FormatError, ProfileMismatch):
        QuadraticMoments.from_dict(json.loads(mutations(folded(spoiled(1, 9)).to_dict(), seed)))


def test_what_does_not_belong_together_is_refused() -> None:
    """Other standards do not merge; shapes and ranges must fit."""
    with pytest.raises(ProfileMismatch, match="one loss model"):
        folded(spoiled(0, 3)).merge(QuadraticMoments(["x", "y", "z"], CENTRE + 1, SCALE))
    with pytest.raises(ConfigurationError, match=r"\(n, 3\)"):
        folded(np.zeros((3, 2)))
    with pytest.raises(ConfigurationError, match="scale is -1"):
        QuadraticMoments(["x"], np.zeros(1), -np.ones(1))
    with pytest.raises(ConfigurationError, match="finite"):
        QuadraticMoments(["x"], np.zeros(2), np.ones(1))
