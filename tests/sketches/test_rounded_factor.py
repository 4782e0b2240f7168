"""Co-moments in few digits: every direction keeps its variance."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch.errors import ProfileMismatch
from modelwatch.sketches import JointMoments
from modelwatch.sketches.rounded_factor import FINENESS, NO_PIVOT, RoundedFactor

FloatArray = npt.NDArray[np.float64]
Rows = Callable[[np.random.Generator, int], FloatArray]

FEATURES = 12
SCALES = 2 * np.arange(FEATURES)


def collinear(correlation: float) -> Rows:
    """Return rows of which each feature but the first follows the one before it so closely."""
    noise = math.sqrt(1 / correlation**2 - 1)

    def rows(random: np.random.Generator, n: int) -> FloatArray:
        found = random.normal(size=(n, FEATURES))
        for at in range(1, FEATURES):
            before = found[:, at - 1] / found[:, at - 1].std()
            found[:, at] = before + noise * found[:, at]
        return found

    return rows


def in_pairs(random: np.random.Generator, n: int) -> FloatArray:
    """Return correlated features, each beside one that nearly is the same."""
    found = random.normal(size=(n, FEATURES)) + random.normal(size=(n, 1))
    found[:, 1::2] = found[:, ::2] + 1e-4 * found[:, 1::2]
    return found


FAMILIES: dict[str, Rows] = {
    "independent": lambda random, n: random.normal(size=(n, FEATURES)),
    "correlated": collinear(0.7),
    "r = .9999": collinear(0.9999),
    "r = 1 - 1e-8": collinear(1 - 1e-8),
    "in close pairs": in_pairs,
    "far from zero": lambda random, n: 1e9 + random.normal(size=(n, FEATURES)),
    "heavy tails": lambda random, n: random.lognormal(0, 2, size=(n, FEATURES)),
    "of many scales": lambda random, n: (
        random.normal(size=(n, FEATURES)) * 10.0 ** (2 * np.arange(FEATURES))
    ),
}


def joint(rows: FloatArray) -> JointMoments:
    """Return the moments of rows, about a place among them."""
    found = JointMoments([f"x{at}" for at in range(rows.shape[1])], np.round(rows.mean(axis=0)))
    found.update(rows)
    return found


def read_back(sent: JointMoments) -> FloatArray:
    """Return co-moments after rounding."""
    return RoundedFactor.of(sent.m2, sent.n).m2(np.diag(sent.m2))


def shares(rounded: FloatArray, exact: FloatArray) -> FloatArray:
    """Return by what each direction's variance was multiplied, shape (d,): 1 where it is kept."""
    scale = np.sqrt(np.diag(exact))
    values, vectors = np.linalg.eigh(exact / np.outer(scale, scale))
    whitening = vectors / np.sqrt(values)
    return np.linalg.eigvalsh(whitening.T @ (rounded / np.outer(scale, scale)) @ whitening)


@pytest.mark.parametrize("n", [100, 1_000, 20_000])
@pytest.mark.parametrize("name", FAMILIES)
def test_every_direction_keeps_its_variance(name: str, n: int) -> None:
    """Off by a share in the order of the step, in the worst of all directions, nearly none too."""
    exact = joint(FAMILIES[name](np.random.default_rng(1), n))
    rounded = read_back(exact)
    step = FINENESS / math.sqrt(n)
    assert np.abs(shares(rounded, exact.m2) - 1).max() < step * math.sqrt(FEATURES)
    assert np.array_equal(np.diag(rounded), np.diag(exact.m2))
    assert np.array_equal(rounded, rounded.T) or np.allclose(rounded, rounded.T, rtol=1e-14)


def test_single_precision_would_not_keep_them() -> None:
    """The floor of the comparison: correlations in float32 lose nearly collinear directions."""
    exact = joint(FAMILIES["r = 1 - 1e-8"](np.random.default_rng(1), 1_000))
    scale = np.sqrt(np.diag(exact.m2))
    as_floats = (exact.m2 / np.outer(scale, scale)).astype(np.float32).astype(np.float64)
    assert np.abs(shares(as_floats * np.outer(scale, scale), exact.m2) - 1).max() > 1
    assert np.abs(shares(read_back(exact), exact.m2) - 1).max() < 0.01


@pytest.mark.parametrize("name", ["independent", "r = .9999", "heavy tails"])
def test_errors_do_not_add_up_over_a_day(name: str) -> None:
    """1,440 merged windows of 100 rows give the covariance of all rows."""
    random, merged, exact = np.random.default_rng(2), None, None
    for _ in range(1_440):
        window = joint(FAMILIES[name](random, 100))
        mean = window.shift + window.mean_offset
        sent = JointMoments(window.names, mean, n=window.n, m2=read_back(window))
        merged = sent if merged is None else merged.merge(sent)
        exact = window if exact is None else exact.merge(window)
    assert merged is not None
    assert exact is not None
    off = np.abs(shares(merged.m2, exact.m2) - 1).max()
    assert off < 0.1 * math.sqrt(FEATURES / exact.n)


def test_what_does_not_vary_is_told_as_such() -> None:
    """Constants have no co-moments; copies and sums of others follow from them."""
    random = np.random.default_rng(3)
    x, y = random.normal(size=(2, 500))
    exact = joint(np.stack([x, np.full(500, 7.0), y, 3 * x, x + y, np.full(500, 1e9)], axis=1))
    factor = RoundedFactor.of(exact.m2, exact.n)
    assert (factor.pivots == NO_PIVOT).tolist() == [False, True, False, True, True, True]
    rounded = factor.m2(np.diag(exact.m2))
    assert np.all(rounded[[1, 5]] == 0)
    assert rounded[0, 3] == pytest.approx(exact.m2[0, 3], rel=1e-7)
    assert rounded[4, [0, 2]] == pytest.approx(exact.m2[4, [0, 2]], rel=1e-2)
    assert np.linalg.eigvalsh(rounded).min() > -1e-9 * np.linalg.eigvalsh(rounded).max()


@pytest.mark.parametrize("n", [1, 2, 5])
def test_fewer_rows_than_features(n: int) -> None:
    """A matrix without full rank is read back without one; that of a single row is all zero."""
    exact = joint(np.random.default_rng(4).normal(size=(n, FEATURES)))
    values = np.linalg.eigvalsh(read_back(exact))
    largest = float(values.max())
    assert (values > 1e-9 * max(largest, 1.0)).sum() == n - 1
    assert values.min() >= -1e-9 * largest


def test_no_features() -> None:
    """Nothing is rounded to nothing."""
    factor = RoundedFactor.of(np.empty((0, 0)), 5)
    assert factor.m2(np.empty(0)).shape == (0, 0)


def test_extreme_scales_neither_overflow_nor_vanish() -> None:
    """Sums of squares from 1e-300 to 1e300 keep their correlations."""
    squares = np.array([1e-300, 1.0, 1e300])
    exact = np.array([[1, 0.5, 0.2], [0.5, 1, 0.3], [0.2, 0.3, 1]]) * np.outer(
        *[np.sqrt(squares)] * 2
    )
    rounded = RoundedFactor.of(exact, 10_000).m2(squares)
    assert rounded == pytest.approx(exact, rel=0.01)


@given(
    st.lists(st.integers(0, NO_PIVOT), min_size=4, max_size=4),
    st.lists(st.integers(-(2**31), 2**31 - 1), min_size=6, max_size=6),
    st.integers(1, 2**53),
)
def test_any_numbers_give_correlations(pivots: list[int], multiples: list[int], n: int) -> None:
    """Whatever a message holds, what is read is positive semi-definite with the given diagonal."""
    factor = RoundedFactor(n, np.array(pivots, np.uint32), np.array(multiples, np.int32))
    squares = np.array([1e-3, 0.0, 4.0, 1e6])
    found = factor.m2(squares)
    assert np.array_equal(np.diag(found), squares)
    scale = np.sqrt(np.where(squares > 0, squares, 1.0))
    assert np.linalg.eigvalsh(found / np.outer(scale, scale)).min() > -1e-12


def test_a_matrix_that_is_none_of_a_sample_is_made_one() -> None:
    """Rounding leaves no direction of negative variance, even where there was one."""
    impossible = np.array([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]])
    assert np.linalg.eigvalsh(impossible).min() < 0
    found = RoundedFactor.of(impossible, 100).m2(np.ones(3))
    assert np.linalg.eigvalsh(found).min() > -1e-12


def test_sizes_must_agree() -> None:
    """Numbers of another count than the features' pairs are refused."""
    with pytest.raises(ProfileMismatch, match="3 features has 3 numbers"):
        RoundedFactor(1, np.zeros(3, np.uint32), np.zeros(4, np.int32))
