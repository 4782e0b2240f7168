"""Maximum mean discrepancy: whether two distributions of several features differ in any way."""

from __future__ import annotations

from modelwatch.errors import ProfileMismatch
from modelwatch.sketches.random_features import MeanEmbedding

__all__ = ["mmd_squared"]


def mmd_squared(reference: MeanEmbedding, current: MeanEmbedding) -> float | None:
    """Return the unbiased estimate of the squared maximum mean discrepancy.

    (n |m_x|^2 - 1) / (n - 1) + (m |m_y|^2 - 1) / (m - 1) - 2 m_x . m_y with m_x and m_y the mean
    embeddings of n and m rows (Gretton and others, 2012, equation 3, with random features for the
    kernel, of which phi . phi = 1). Sees what moments do not, such as two clusters in place of
    one. Without unit, at most 2; about 0 without any change, and then below it as often as above.

    Args:
        reference: m rows.
        current: n rows, in the same features.

    Returns:
        None where either has fewer than two rows.

    Raises:
        ProfileMismatch: where the features differ.

    >>> import numpy as np
    >>> from modelwatch.sketches.random_features import RandomFeatures
    >>> features, rng = RandomFeatures(2), np.random.default_rng(0)
    >>> before, same, now = (MeanEmbedding(features) for _ in range(3))
    >>> before.update(rng.normal(size=(5000, 2)))
    >>> same.update(rng.normal(size=(1000, 2)))
    >>> now.update(rng.normal(size=(1000, 2)) + 0.5)
    >>> abs(mmd_squared(before, same)) < 0.001, round(mmd_squared(before, now), 2)
    (True, 0.06)
    """
    if not reference.features.agrees_with(current.features):
        raise ProfileMismatch("embeddings in different random features cannot be compared.")
    if min(reference.n, current.n) < 2:
        return None
    within = sum(
        (part.n * float(part.mean @ part.mean) - 1) / (part.n - 1) for part in (reference, current)
    )
    return within - 2 * float(reference.mean @ current.mean)
