"""Named, seeded samples shared by the tests of the mathematics."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Sampler = Callable[[np.random.Generator, int], FloatArray]

DISTRIBUTIONS: dict[str, Sampler] = {
    "normal": lambda r, n: r.normal(size=n),
    "log-normal": lambda r, n: r.lognormal(0.0, 1.5, size=n),
    "exponential": lambda r, n: r.exponential(size=n),
    "uniform": lambda r, n: r.uniform(-3.0, 7.0, size=n),
    "cauchy": lambda r, n: r.standard_cauchy(size=n),
    "kelvin": lambda r, n: r.normal(290.0, 5.0, size=n),
    "unix-times": lambda r, n: r.normal(1.7e9, 3600.0, size=n),
    "poisson": lambda r, n: r.poisson(3.0, size=n).astype(float),
    "zero-inflated": lambda r, n: np.where(r.random(n) < 0.6, 0.0, r.exponential(size=n)),
    "bimodal": lambda r, n: np.where(r.random(n) < 0.5, r.normal(-4, 1, n), r.normal(4, 1, n)),
    "two-values": lambda r, n: r.integers(0, 2, size=n).astype(float),
    "rounded": lambda r, n: np.round(r.normal(size=n), 1),
    "student-3": lambda r, n: r.standard_t(3.0, size=n),
    "pareto": lambda r, n: 1.0 + r.pareto(2.5, size=n),
    "gamma": lambda r, n: r.gamma(0.5, size=n),
    "beta": lambda r, n: r.beta(0.5, 0.5, size=n),
    "geometric": lambda r, n: r.geometric(0.02, size=n).astype(float),
    "tiny": lambda r, n: r.normal(size=n) * 1e-12,
}


def with_sentinels(values: FloatArray, share: float = 0.001) -> FloatArray:
    """Replace a share of the values, evenly spread, by an error code of 1e9."""
    spoiled = values.copy()
    spoiled[:: round(1 / share)] = 1e9
    return spoiled
