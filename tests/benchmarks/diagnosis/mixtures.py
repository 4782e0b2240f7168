"""Plain drift of a part of the rows: a second mode, or a part that moved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from modelwatch.baseline import Baseline
from modelwatch.diagnosis import Aspect, Cause, probable_cause
from modelwatch.profile import Profile

__all__ = ["mixture_causes"]

Rows = np.ndarray[Any, Any]
Law = Callable[[np.random.Generator, int], Rows]

REFERENCE, WINDOW = 4_000, 2_000
SEEDS = 20
SHARES = (0.1, 0.3)
DISTANCES = (1.0, 3.0, 5.0, 8.0, 12.0)
BUNDLED = ("breast_cancer", "iris")
BUNDLED_SHARE = 0.4
ASPECTS: tuple[Aspect, ...] = ("values", "missing", "outliers")
LAWS: tuple[Law, ...] = (
    lambda rng, size: rng.normal(10.0, 1.0, size),
    lambda rng, size: rng.exponential(1.0, size),
    lambda rng, size: rng.lognormal(0.0, 0.5, size),
)


def mixture_causes() -> Iterator[Cause | None]:
    """Yield the cause named of each mixture: of drawn values, and of bundled data sets."""
    for law in LAWS:
        for seed in range(SEEDS):
            rng = np.random.default_rng(seed)
            before = law(rng, REFERENCE)
            for share in SHARES:
                for distance in DISTANCES:
                    amount = distance * float(before.std())
                    yield _cause(before, _moved(rng, law(rng, WINDOW), share, amount))
                    yield _cause(before, _second_mode(rng, law(rng, WINDOW), share, amount))
    yield from _bundled()


def _moved(rng: np.random.Generator, values: Rows, share: float, amount: float) -> Rows:
    return np.where(rng.random(values.size) < share, values + amount, values)


def _second_mode(rng: np.random.Generator, values: Rows, share: float, amount: float) -> Rows:
    mode = rng.normal(values.mean() + amount, values.std(), values.size)
    return np.where(rng.random(values.size) < share, mode, values)


def _bundled() -> Iterator[Cause | None]:
    from sklearn import datasets

    rng = np.random.default_rng(0)
    for name in BUNDLED:
        for column in getattr(datasets, f"load_{name}")().data.T:
            before, now = np.array_split(rng.permutation(column), 2)
            amount = rng.normal(1.0, 0.5, now.size) * before.std()
            yield _cause(before, now + amount * (rng.random(now.size) < BUNDLED_SHARE))


def _cause(before: Rows, now: Rows) -> Cause | None:
    baseline = Baseline.fit({"x": before}, model="m", version="1")
    current = Profile.from_data({"x": now}, baseline=baseline).features["x"]
    reference = baseline.profile.features["x"]
    return probable_cause(baseline.features["x"], reference, current, ASPECTS)
