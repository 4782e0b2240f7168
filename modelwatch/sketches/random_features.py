"""Mean embeddings: a summary of rows that tells any two distributions apart."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from modelwatch.errors import ConfigurationError, ProfileMismatch

__all__ = ["MeanEmbedding", "RandomFeatures"]

FloatArray = npt.NDArray[np.float64]

ROWS_AT_ONCE = 1_000


class RandomFeatures:
    """Random Fourier features of the Gaussian kernel (Rahimi and Recht, 2007).

    phi(x) = [cos Wx, sin Wx] / sqrt(D), with D rows of W drawn from the normal law of standard
    deviation 1 / bandwidth: phi(x) . phi(y) is near exp(-|x - y|^2 / (2 bandwidth^2)), with an
    error of some 1 / sqrt(D), and phi(x) . phi(x) = 1. Two processes that are given the same
    arguments have the same features. Immutable. Memory: 8 * D * d bytes.

    Args:
        dimensions: d, the number of features; rows should be standardised.
        frequencies: D.
        seed: of the frequencies.
        bandwidth: of the kernel; None for sqrt(d), half the usual squared distance of two
            standardised rows being d.

    Raises:
        ConfigurationError: where a number is not positive.

    >>> features = RandomFeatures(2, seed=1)
    >>> x, y = features.transform(np.array([[0.0, 0.0], [1.0, 1.0]]))
    >>> round(float(x @ x), 6), abs(float(x @ y - np.exp(-0.5))) < 0.1
    (1.0, True)
    """

    __slots__ = ("bandwidth", "dimensions", "frequencies", "seed", "weights")

    def __init__(
        self,
        dimensions: int,
        frequencies: int = 256,
        *,
        seed: int = 0,
        bandwidth: float | None = None,
    ) -> None:
        width = float(np.sqrt(dimensions)) if bandwidth is None else bandwidth
        if dimensions < 1 or frequencies < 1 or not width > 0:
            raise ConfigurationError(
                f"random features need positive numbers, got {dimensions} dimensions, "
                f"{frequencies} frequencies and a bandwidth of {width}."
            )
        self.dimensions = dimensions
        self.frequencies = frequencies
        self.seed = seed
        self.bandwidth = width
        draws = np.random.default_rng(seed).normal(size=(dimensions, frequencies))
        self.weights: FloatArray = draws / width

    def transform(self, rows: FloatArray) -> FloatArray:
        """Return the features of rows of shape (n, d), shape (n, 2 D)."""
        angles = rows @ self.weights
        both = np.concatenate([np.cos(angles), np.sin(angles)], axis=1)
        return np.asarray(both / np.sqrt(self.frequencies), dtype=np.float64)

    def agrees_with(self, other: RandomFeatures) -> bool:
        """Tell whether both are the same features."""
        mine = (self.dimensions, self.frequencies, self.seed, self.bandwidth)
        return mine == (other.dimensions, other.frequencies, other.seed, other.bandwidth)


class MeanEmbedding:
    """The sum of the rows' random features. Not thread-safe. Memory: 16 * D bytes.

    Args:
        features: which.
        n: rows.
        total: the sum of their features, shape (2 D,).

    >>> embedding = MeanEmbedding(RandomFeatures(2, 4))
    >>> embedding.update(np.array([[0.0, 0.0], [np.nan, 1.0]]))
    >>> embedding.n, embedding.mean.tolist()
    (1, [0.5, 0.5, 0.5, 0.5, 0.0, 0.0, 0.0, 0.0])
    """

    __slots__ = ("features", "n", "total")

    def __init__(
        self, features: RandomFeatures, *, n: int = 0, total: FloatArray | None = None
    ) -> None:
        size = 2 * features.frequencies
        self.features = features
        self.n = n
        self.total = np.zeros(size) if total is None else np.asarray(total, dtype=np.float64)
        if self.total.shape != (size,):
            raise ProfileMismatch(f"a sum of {size} features is needed, got {self.total.shape}.")

    @property
    def mean(self) -> FloatArray:
        """The mean of the rows' features; zero without rows."""
        return self.total / max(self.n, 1)

    def update(self, rows: FloatArray) -> None:
        """Fold in rows, shape (n, d); rows with a gap or an infinity are passed over."""
        rows = rows[np.isfinite(rows).all(axis=1)]
        for start in range(0, rows.shape[0], ROWS_AT_ONCE):
            part = rows[start : start + ROWS_AT_ONCE]
            self.total = self.total + self.features.transform(part).sum(axis=0)
            self.n += part.shape[0]

    def merge(self, other: MeanEmbedding) -> MeanEmbedding:
        """Return the embedding of the rows of both.

        Raises:
            ProfileMismatch: where the features differ.
        """
        if not self.features.agrees_with(other.features):
            raise ProfileMismatch("embeddings in different random features cannot be merged.")
        return MeanEmbedding(self.features, n=self.n + other.n, total=self.total + other.total)
