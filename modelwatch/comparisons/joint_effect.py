"""Chance for the statistics of several features together when rows come in clusters."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from modelwatch.comparisons.block_law import BlockSample, JointEffect, fit_block_law
from modelwatch.comparisons.correlation import (
    FISHER_LOSS,
    LEAST_SPREAD,
    fisher_z,
    largest_change_scores,
    pair_factors,
)
from modelwatch.comparisons.gaussian_kl import (
    divergence_scores,
    expected_divergence,
    twice_divergence,
)
from modelwatch.comparisons.hotelling import mean_shift_scores
from modelwatch.comparisons.joint_blocks import (
    FEWEST_BLOCKS,
    Block,
    ReferenceBlocks,
    smallest_block,
    thinned,
)
from modelwatch.comparisons.joint_reference import JointReference
from modelwatch.comparisons.reconstruction import mean_error_scores
from modelwatch.errors import ProfileMismatch
from modelwatch.sketches.joint_moments import JointMoments

__all__ = ["JointEffect", "fit_joint_effect"]

FloatArray = npt.NDArray[np.float64]

BLOCKS_FOR_NOISE = 32
"""The features' own noise is that of the largest blocks of which there are so many."""
NOISE_Z = 4.0
"""Features whose correlations vary more or less than others' by so many standard errors differ."""
LEAST_NOISE = 1e-3


def fit_joint_effect(
    rows: FloatArray, names: Sequence[str], left_out: Collection[str] = ()
) -> JointEffect:
    """Learn from the reference's own blocks what clusters and tails do to the joint statistics.

    Blocks of 50, 100, 150, 200, 300, ... rows, at least 8 of them, are compared with the whole.
    The smallest are longer where there are many features, as a block needs more rows than twice
    the features: 400 rows with 100 features. Of references longer than 400,000,000 / d**2 rows
    (40,000 with 100 features) eight contiguous stretches are read, which bounds the time by some
    second. Memory: up to 200 MB for the time of the call.

    Args:
        rows: shape (N, d), in time order; rows with a gap or an infinity are passed over.
        names: the d features.
        left_out: those of them that the reference leaves out.

    Returns:
        The laws; those of independent normal rows where nothing else is shown.

    Raises:
        ProfileMismatch: where the rows are not those of d features.

    >>> rng = np.random.default_rng(0)
    >>> levels = np.repeat(rng.normal(size=(50, 2)), 100, axis=0)
    >>> effect = fit_joint_effect(levels + rng.normal(size=(5000, 2)), ["a", "b"])
    >>> 30 < effect.mean.phi_at(100) < 80
    True
    >>> fit_joint_effect(rng.normal(size=(5000, 2)), ["a", "b"]).mean.phi_at(100)
    1.0
    """
    rows = np.asarray(rows, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != len(names):
        raise ProfileMismatch(
            f"rows of shape {rows.shape} are not those of {len(names)} features: give one column "
            "for each name."
        )
    complete = np.isfinite(rows).all(axis=1)
    rows = thinned(rows if complete.all() else rows[complete])
    if not rows.size:
        return JointEffect()
    moments = JointMoments(names, rows.mean(axis=0))
    moments.update(rows)
    reference = JointReference.of(moments, left_out)
    used = reference.used
    if used.size < 2 or rows.shape[0] < FEWEST_BLOCKS * smallest_block(rows.shape[0], used.size):
        return JointEffect()
    standard = (rows[:, used] - moments.shift[used]) / reference.scale
    return _effect(reference, ReferenceBlocks(reference, standard))


def _effect(reference: JointReference, blocks: ReferenceBlocks) -> JointEffect:
    sizes = list(blocks)
    expected, variance = float(blocks.row_errors.mean()), float(blocks.row_errors.var())
    noise = _feature_noise(reference, sizes)
    own = float(reference.eigenvalues[reference.components :].sum())
    judged = variance > 0 and expected > 0 and own > 0
    errors = (_of_errors(block, expected, variance) for block in sizes if judged)
    return JointEffect(
        correlation=fit_block_law(_of_correlations(reference, sizes, noise)),
        correlation_noise=_of_all(noise, reference),
        mean=fit_block_law(_of_means(reference, block) for block in sizes),
        reconstruction=fit_block_law(errors),
        error_excess=expected / own if judged else None,
        error_variation=variance / expected**2 if judged else None,
        gaussian_kl=fit_block_law(_of_divergences(reference, block) for block in sizes),
    )


def _of_all(noise: tuple[float, ...], reference: JointReference) -> tuple[float, ...]:
    """Return the factors of all features, 1 for those that do not vary."""
    if not noise:
        return ()
    factors = np.ones(len(reference.moments.names))
    factors[reference.used] = noise
    return tuple(factors.tolist())


def _of_means(reference: JointReference, block: Block) -> BlockSample:
    p = reference.rank
    t2 = ((block.means @ reference.whitening) ** 2).sum(axis=1) * (block.rows / block.left)
    return BlockSample(
        rows=block.rows,
        blocks=block.separate,
        ratios=t2 / p,
        degrees=p,
        scores=lambda phi: mean_shift_scores(t2 / phi, p, reference.moments.n),
    )


def _of_errors(block: Block, expected: float, variance: float) -> BlockSample:
    change = (block.errors - expected) / np.sqrt(block.left)
    square = variance / expected**2 / block.rows
    return BlockSample(
        rows=block.rows,
        blocks=block.separate,
        ratios=change**2 * block.rows / variance,
        degrees=1.0,
        scores=lambda phi: mean_error_scores(np.maximum(1 + change / expected, 0.0), square * phi),
    )


def _of_divergences(reference: JointReference, block: Block) -> BlockSample:
    p, n = reference.rank, block.rows
    twice = twice_divergence(reference, block.means, block.covariances)
    ratios = twice / (expected_divergence(p, n) * block.left)
    return BlockSample(
        rows=n,
        blocks=block.separate,
        ratios=ratios,
        degrees=p * (p + 3) / 2,
        scores=lambda phi: divergence_scores(ratios / phi, p, n),
    )


def _of_correlations(
    reference: JointReference, sizes: Sequence[Block], noise: tuple[float, ...]
) -> Iterator[BlockSample]:
    degrees = 0.0
    for block in sizes:
        sample = _of_largest_changes(_changes(reference, block), block, reference, noise, degrees)
        degrees = sample.degrees
        yield sample


def _of_largest_changes(
    changes: FloatArray,
    block: Block,
    reference: JointReference,
    noise: tuple[float, ...],
    degrees: float,
) -> BlockSample:
    """Return a sample whose degrees of freedom, where not given, are those that it shows."""
    judged = ~np.isnan(changes)
    pairs = np.maximum(judged.sum(axis=1), 1)
    squares = np.where(judged, changes, 0.0) ** 2

    def scores(phi: float) -> FloatArray:
        relative = squares / pair_factors(noise, phi, reference.first, reference.second)
        return largest_change_scores(np.sqrt(relative.max(axis=1)), pairs)

    relative = squares / pair_factors(noise, None, reference.first, reference.second)
    ratios = relative.sum(axis=1) / pairs
    variance = float(ratios.var())
    shown = 2 * float(ratios.mean()) ** 2 / variance if variance > 0 else 1.0
    return BlockSample(
        rows=block.rows,
        blocks=block.separate,
        ratios=ratios,
        degrees=degrees or min(max(shown, 1.0), float(reference.first.size)),
        scores=scores,
    )


def _changes(reference: JointReference, block: Block) -> FloatArray:
    """Return each block's studentised changes, shape (b, pairs), NaN for constant features."""
    i, j = reference.first, reference.second
    scale = np.sqrt(np.maximum(np.einsum("bii->bi", block.covariances), 0.0))
    scale[scale <= LEAST_SPREAD] = np.nan
    now = block.covariances[:, i, j] / (scale[:, i] * scale[:, j])
    change = fisher_z(now) - fisher_z(reference.correlation[i, j])
    return np.asarray(change * np.sqrt((block.rows - FISHER_LOSS) / block.left))


def _feature_noise(reference: JointReference, sizes: Sequence[Block]) -> tuple[float, ...]:
    """Return each feature's factor; none where no feature's correlations vary unlike others'."""
    many = [block for block in sizes if block.separate >= BLOCKS_FOR_NOISE]
    u, i, j = reference.used.size, reference.first, reference.second
    if not many or u < 3:
        return ()
    squares = _changes(reference, many[-1]) ** 2
    judged = ~np.isnan(squares)
    if not judged.any():
        return ()
    squares = np.where(judged, squares, squares[judged].mean())
    touches = (i[:, None] == np.arange(u)) | (j[:, None] == np.arange(u))
    relative = squares @ touches / (u - 1) - squares.mean(axis=1, keepdims=True)
    error = relative.std(axis=0, ddof=1) / np.sqrt(many[-1].separate)
    if not (np.abs(relative.mean(axis=0)) > NOISE_Z * error).any():
        return ()
    return _product_factors(squares.mean(axis=0), touches)


def _product_factors(variances: FloatArray, touches: npt.NDArray[np.bool_]) -> tuple[float, ...]:
    """Return a_i with a_i a_j nearest to the pairs' relative variances, in the logarithms.

    The least squares of log v_ij = log a_i + log a_j have the sums of a feature's pairs,
    s_i = (u - 2) log a_i + the sum of all log a, which is that of all s over 2 (u - 1).
    """
    logarithms = np.log(np.maximum(variances / variances.mean(), LEAST_NOISE))
    sums = logarithms @ touches
    u = sums.size
    return tuple(np.exp((sums - sums.sum() / (2 * (u - 1))) / (u - 2)).tolist())
