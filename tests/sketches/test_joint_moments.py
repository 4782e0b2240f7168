"""Moments of several features together."""

from __future__ import annotations

import numpy as np
import pytest

from modelwatch.errors import ProfileMismatch
from modelwatch.sketches import JointMoments

NAMES = ("x", "y", "z")


def folded(rows: np.ndarray, shift: np.ndarray) -> JointMoments:
    """Fold in rows."""
    joint = JointMoments(NAMES, shift)
    joint.update(rows)
    return joint


@pytest.mark.parametrize("offset", [0.0, 1e9])
def test_shards_give_the_covariance_of_the_whole(offset: float) -> None:
    """Merged co-moments equal numpy's covariance of the centred rows, at large offsets too."""
    rng = np.random.default_rng(0)
    centred = rng.multivariate_normal(np.zeros(3), [[2, 1, 0], [1, 3, 1], [0, 1, 1]], 9_000)
    shift = np.full(3, offset)
    merged = JointMoments(NAMES, shift)
    for shard in np.array_split(centred + shift, 100):
        merged = merged.merge(folded(shard, shift))
    recovered = (centred + shift) - shift
    assert merged.m2 / (merged.n - 1) == pytest.approx(np.cov(recovered.T), rel=1e-10)


def test_incomplete_rows_are_passed_over() -> None:
    """A row with a missing value takes no part, and says so by not being counted."""
    rows = np.array([[1.0, 2.0, 3.0], [np.nan, 0.0, 0.0]])
    assert folded(rows, np.zeros(3)).n == 1


def test_other_features_do_not_merge() -> None:
    """Co-moments of other features are refused."""
    with pytest.raises(ProfileMismatch, match="differ"):
        folded(np.ones((2, 3)), np.zeros(3)).merge(JointMoments(["x", "y"], np.zeros(2)))


def test_shapes_must_agree() -> None:
    """Arrays of another size than the names are refused."""
    with pytest.raises(ProfileMismatch, match="2 features"):
        JointMoments(["x", "y"], np.zeros(3))


def test_what_is_left_without_a_part_is_the_rest() -> None:
    """Taking a part away undoes its merging; what is not in it cannot be taken."""
    rng = np.random.default_rng(1)
    rows, shift = rng.normal(5.0, 2.0, (3_000, 3)), np.full(3, 5.0)
    part, rest = folded(rows[:1_000], shift + 1), folded(rows[1_000:], shift)
    left = rest.merge(part).without(part)
    assert left.n == rest.n
    assert left.mean_offset == pytest.approx(rest.mean_offset, rel=1e-9, abs=1e-12)
    assert left.m2 == pytest.approx(rest.m2, rel=1e-9, abs=1e-9)
    assert not rest.without(rest).m2.any()
    with pytest.raises(ProfileMismatch, match="cannot be taken"):
        part.without(rest)
