"""Blocks of rows in time order."""

from __future__ import annotations

import numpy as np
import pytest

from modelwatch.comparisons.joint_blocks import ReferenceBlocks, smallest_block, thinned
from tests.comparisons.row_streams import correlated, reference_of


def test_moments_of_blocks_are_those_of_their_rows() -> None:
    """Means and covariances equal numpy's on the same rows."""
    rows = correlated(np.random.default_rng(0), 2030, 3)
    reference = reference_of(rows)
    standard = (rows - rows.mean(axis=0)) / reference.scale
    blocks = {block.rows: block for block in ReferenceBlocks(reference, standard)}
    assert list(blocks) == [50, 100, 150, 200]
    second = standard[100:300]
    assert np.allclose(blocks[200].means[1], second.mean(axis=0), atol=1e-12)
    assert np.allclose(blocks[200].covariances[1], np.cov(second.T), atol=1e-12)
    assert blocks[200].separate == 10
    assert blocks[200].left == pytest.approx(1 - 200 / 2030)


def test_errors_are_those_of_rows_left_out() -> None:
    """On average new rows have them, while the reference's own are smaller."""
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(600, 10))
    reference = reference_of(rows)
    standard = (rows - rows.mean(axis=0)) / reference.scale
    own = float(((standard @ reference.residual) ** 2).sum(axis=1).mean())
    new = (rng.normal(size=(100_000, 10)) - rows.mean(axis=0)) / reference.scale
    later = float(((new @ reference.residual) ** 2).sum(axis=1).mean())
    left_out = float(ReferenceBlocks(reference, standard).row_errors.mean())
    assert own < 0.9 * later
    assert left_out == pytest.approx(later, rel=0.08)


def test_long_references_are_read_in_contiguous_stretches() -> None:
    """Eight of them, evenly spaced, from the first row to the last."""
    rows = np.repeat(np.arange(5_000.0)[:, None], 1000, axis=1)
    found = thinned(rows)
    assert found.shape == (400, 1000)
    assert found[0, 0] == 0.0
    assert found[-1, 0] == 4999.0
    assert np.count_nonzero(np.diff(found[:, 0]) > 1) == 7
    assert thinned(rows[:, :10]).shape == (5000, 10)


def test_blocks_have_more_rows_than_twice_the_features() -> None:
    """And are longer where there would be too many to keep."""
    assert smallest_block(5000, 2) == 50
    assert smallest_block(5000, 40) == 100
    assert smallest_block(10_000_000, 10) == 200
