"""Ridge regression from sums of products."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from modelwatch.performance.quadratic_moments import quadratic_terms
from modelwatch.performance.ridge import PARTS, PENALTIES, Products, cross_validated


def rows(seed: int, count: int = 2_000) -> tuple[np.ndarray, np.ndarray]:
    """Return features, and two losses that depend on them."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(count, 3))
    loss = 2 + z[:, 0] - z[:, 1] * z[:, 2] + rng.normal(size=count)
    return z, np.column_stack([loss, loss**2])


def test_coefficients_are_those_of_scikit_learn() -> None:
    """From sums of parts, at each penalty, they are those of the rows."""
    z, losses = rows(0)
    total = Products.sum([Products.of(z[:700], losses[:700]), Products.of(z[700:], losses[700:])])
    found = total.solve()
    terms = quadratic_terms(z)[:, 1:]
    for at, penalty in enumerate(PENALTIES):
        expected = Ridge(alpha=penalty * z.shape[0]).fit(terms, losses)
        assert pytest.approx(expected.coef_, rel=1e-6, abs=1e-8) == found[at][1:].T
        assert found[at][0] == pytest.approx(expected.intercept_, rel=1e-6)


def test_squared_errors_are_those_of_the_rows() -> None:
    """The sum of squared errors on other rows comes from their sums of products alone."""
    z, losses = rows(1)
    coefficients = Products.of(z, losses).solve()[3].T
    other, truth = rows(2, 500)
    expected = np.square(truth - quadratic_terms(other) @ coefficients.T).sum(axis=0)
    assert Products.of(other, truth).squared_errors(coefficients) == pytest.approx(expected)


def test_noise_is_shrunk_to_the_mean() -> None:
    """A loss that depends on nothing gets a heavy penalty, one that does a light one."""
    rng = np.random.default_rng(3)
    z = rng.normal(size=(600, 5))
    losses = np.column_stack([rng.normal(size=600), z[:, 0] + 0.1 * rng.normal(size=600)])
    parts = [
        Products.of(*part)
        for part in zip(np.array_split(z, PARTS), np.array_split(losses, PARTS), strict=True)
    ]
    _, best = cross_validated(parts)
    assert PENALTIES[best[0]] >= 1.0
    assert PENALTIES[best[1]] <= 0.01
