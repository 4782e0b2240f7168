"""Errors of a regression."""

from __future__ import annotations

import json
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch.errors import ConfigurationError, FormatError, ProfileMismatch
from modelwatch.performance.regression_summary import RegressionSummary
from tests.mutations import mutations


def folded(
    labels: np.ndarray, predicted: np.ndarray, *, shift: float = 0.0, scale: float = 1.0
) -> RegressionSummary:
    """Sum up rows."""
    summary = RegressionSummary(quantiles=[0.1, 0.9], shift=shift, scale=scale)
    summary.update(labels, predicted)
    return summary


@pytest.mark.parametrize("offset", [0.0, 1e9])
def test_shards_give_the_moments_of_the_whole(offset: float) -> None:
    """Merged moments are those of all rows, at large offsets of the label too."""
    rng = np.random.default_rng(0)
    labels = rng.normal(offset, 3.0, 5_000)
    predicted = labels + rng.normal(0.2, 1.0, 5_000)
    whole = folded(labels, predicted, shift=offset, scale=3.0)
    merged = folded(labels[:0], predicted[:0], shift=offset, scale=3.0)
    for part in np.array_split(np.arange(5_000), 100):
        merged = merged.merge(folded(labels[part], predicted[part], shift=offset, scale=3.0))
    assert merged.rows == 5_000
    assert merged.joint.mean_offset == pytest.approx(whole.joint.mean_offset, rel=1e-12, abs=1e-14)
    assert merged.joint.m2 == pytest.approx(whole.joint.m2, rel=1e-10)


def test_rows_without_either_are_missing() -> None:
    """NaN and infinity on either side take a row out, and are counted."""
    summary = folded(np.array([1.0, np.nan, 2.0, np.inf]), np.array([1.0, 1.0, np.nan, 0.0]))
    assert (summary.rows, summary.missing) == (1, 3)


def test_documents_round_trip() -> None:
    """What was written is read back."""
    summary = folded(np.array([1.0, 5.0, 2.0]), np.array([1.5, 4.0, np.nan]), shift=2.0)
    read = RegressionSummary.from_dict(json.loads(json.dumps(summary.to_dict())))
    assert read.to_dict() == summary.to_dict()
    assert read.means == summary.means


@given(st.integers(0, 10**6))
def test_tampered_documents_are_read_or_refused(seed: int) -> None:
    """A document with one field changed is read, or refused by a typed error."""
    summary = folded(np.array([1.0, 5.0]), np.array([1.5, 4.0]))
    with suppress(FormatError, ProfileMismatch):
        RegressionSummary.from_dict(json.loads(mutations(summary.to_dict(), seed)))


@pytest.mark.parametrize(("shift", "scale"), [(0.0, 0.0), (0.0, np.inf), (np.nan, 1.0)])
def test_bad_options_are_refused(shift: float, scale: float) -> None:
    """Shift and scale are finite, the scale above 0."""
    with pytest.raises(ConfigurationError, match="scale"):
        RegressionSummary(shift=shift, scale=scale)


@pytest.mark.parametrize(
    "levels", [[0.0], [1.0], [0.9, 0.1], [0.5, 0.5], np.linspace(0.1, 0.9, 30).tolist()]
)
def test_bad_quantiles_are_refused(levels: list[float]) -> None:
    """Levels increase inside (0, 1)."""
    with pytest.raises(ConfigurationError, match="quantiles"):
        RegressionSummary(quantiles=levels)


def test_what_does_not_belong_together_is_refused() -> None:
    """Rows about other shifts do not merge; lengths must be equal."""
    with pytest.raises(ProfileMismatch, match="merged"):
        RegressionSummary().merge(RegressionSummary(shift=1.0))
    with pytest.raises(ConfigurationError, match="predicted holds 1"):
        RegressionSummary().update(np.zeros(2), np.zeros(1))
