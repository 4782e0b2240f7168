"""Maximum mean discrepancies from mean embeddings."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import distance

from modelwatch.comparisons.mmd import mmd_squared
from modelwatch.errors import ProfileMismatch
from modelwatch.sketches import MeanEmbedding, RandomFeatures


def embedded(rows: np.ndarray, features: RandomFeatures) -> MeanEmbedding:
    """Fold in rows."""
    embedding = MeanEmbedding(features)
    embedding.update(rows)
    return embedding


def exact(x: np.ndarray, y: np.ndarray, bandwidth: float) -> float:
    """Return the unbiased estimate with the Gaussian kernel itself."""

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.asarray(np.exp(-distance.cdist(a, b, "sqeuclidean") / (2 * bandwidth**2)))

    def within(a: np.ndarray) -> float:
        n = a.shape[0]
        return float((kernel(a, a).sum() - n) / (n * (n - 1)))

    return within(x) + within(y) - 2 * float(kernel(x, y).mean())


@pytest.mark.parametrize("shift", [0.25, 0.5, 1.0])
def test_it_is_near_the_exact_discrepancy(shift: float) -> None:
    """With 256 frequencies it is near the Gaussian kernel's, to 15%, from shifts of .25 sd."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(1500, 5)), rng.normal(size=(1000, 5)) + shift
    features = RandomFeatures(5, seed=3)
    found = mmd_squared(embedded(x, features), embedded(y, features))
    assert found == pytest.approx(exact(x, y, features.bandwidth), rel=0.15)


def test_it_equals_the_direct_formula_in_its_features() -> None:
    """The sum over pairs of different rows, and no others."""
    rng = np.random.default_rng(1)
    features = RandomFeatures(3, 16)
    x, y = features.transform(rng.normal(size=(7, 3))), features.transform(rng.normal(size=(5, 3)))
    direct = ((x @ x.T).sum() - 7) / 42 + ((y @ y.T).sum() - 5) / 20 - 2 * float((x @ y.T).mean())
    found = mmd_squared(
        MeanEmbedding(features, n=7, total=x.sum(axis=0)),
        MeanEmbedding(features, n=5, total=y.sum(axis=0)),
    )
    assert found == pytest.approx(direct, abs=1e-12)


def test_it_sees_what_moments_do_not() -> None:
    """Two clusters of the same mean and covariance as one differ far beyond chance."""
    rng = np.random.default_rng(2)
    features = RandomFeatures(1)
    sides = np.where(rng.random((2000, 1)) < 0.5, -0.95, 0.95)
    clusters = sides + np.sqrt(1 - 0.95**2) * rng.normal(size=(2000, 1))
    before = embedded(rng.normal(size=(4000, 1)), features)
    same = mmd_squared(before, embedded(rng.normal(size=(2000, 1)), features))
    now = mmd_squared(before, embedded(clusters, features))
    assert same is not None
    assert now is not None
    assert now > 10 * abs(same)


def test_fewer_than_two_rows_have_none() -> None:
    """The unbiased estimate needs two rows on either side."""
    features = RandomFeatures(2, 4)
    two = embedded(np.zeros((2, 2)), features)
    assert mmd_squared(two, embedded(np.zeros((1, 2)), features)) is None
    assert mmd_squared(MeanEmbedding(features), two) is None
    assert mmd_squared(two, two) == pytest.approx(0.0, abs=1e-12)


def test_other_features_are_refused() -> None:
    """Embeddings of other seeds cannot be compared."""
    with pytest.raises(ProfileMismatch, match="different random features"):
        mmd_squared(
            MeanEmbedding(RandomFeatures(2, 4)), MeanEmbedding(RandomFeatures(2, 4, seed=1))
        )
