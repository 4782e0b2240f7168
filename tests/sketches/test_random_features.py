"""Random features and mean embeddings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch.errors import ConfigurationError, ProfileMismatch
from modelwatch.sketches import MeanEmbedding, RandomFeatures


def embedded(rows: np.ndarray) -> MeanEmbedding:
    """Fold in rows of three features."""
    embedding = MeanEmbedding(RandomFeatures(3, 8, seed=1))
    embedding.update(rows)
    return embedding


def test_products_of_features_are_near_the_gaussian_kernel() -> None:
    """Within 5 / sqrt(D), for every pair of rows; a row with itself gives 1."""
    rows = np.random.default_rng(0).normal(size=(40, 3))
    features = RandomFeatures(3, 4096, bandwidth=1.5)
    found = features.transform(rows)
    squares = ((rows[:, None] - rows[None]) ** 2).sum(axis=2)
    assert np.abs(found @ found.T - np.exp(-squares / (2 * 1.5**2))).max() < 5 / 64
    assert np.allclose(np.einsum("nd,nd->n", found, found), 1.0)


@given(st.integers(0, 60), st.integers(0, 60))
def test_merging_equals_concatenating(first: int, second: int) -> None:
    """In either order, with empty ones too."""
    rows = np.random.default_rng(first).normal(size=(first + second, 3))
    whole = embedded(rows)
    one, other = embedded(rows[:first]), embedded(rows[first:])
    for merged in (one.merge(other), other.merge(one)):
        assert merged.n == whole.n
        assert np.allclose(merged.total, whole.total, atol=1e-12)


def test_many_rows_are_folded_in_parts() -> None:
    """Batches beyond the size of one part give the same sum."""
    rows = np.random.default_rng(1).normal(size=(2500, 3))
    expected = RandomFeatures(3, 8, seed=1).transform(rows).sum(axis=0)
    assert np.allclose(embedded(rows).total, expected, atol=1e-9)


def test_rows_with_a_gap_or_an_infinity_are_passed_over() -> None:
    """They count for nothing; no rows have the mean zero."""
    found = embedded(np.array([[0.0, np.nan, 0.0], [np.inf, 0.0, 0.0]]))
    assert found.n == 0
    assert not found.mean.any()


def test_other_features_are_refused() -> None:
    """Embeddings of another bandwidth are not merged, and sums of another size not taken."""
    with pytest.raises(ProfileMismatch, match="cannot be merged"):
        embedded(np.zeros((2, 3))).merge(MeanEmbedding(RandomFeatures(3, 8, seed=1, bandwidth=2.0)))
    with pytest.raises(ProfileMismatch, match="16 features"):
        MeanEmbedding(RandomFeatures(3, 8), total=np.zeros(8))


@pytest.mark.parametrize(
    ("dimensions", "frequencies", "bandwidth"), [(0, 4, 1.0), (2, 0, 1.0), (2, 4, 0.0)]
)
def test_numbers_must_be_positive(dimensions: int, frequencies: int, bandwidth: float) -> None:
    """Else the message names all three."""
    with pytest.raises(ConfigurationError, match=f"{dimensions} dimensions"):
        RandomFeatures(dimensions, frequencies, bandwidth=bandwidth)
