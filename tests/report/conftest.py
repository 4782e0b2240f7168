"""A baseline with every kind of feature, and data that drifts from it."""

from __future__ import annotations

import numpy as np
import pytest

import modelwatch as mw

Table = dict[str, np.ndarray]


def table(seed: int, rows: int, *, shift: float = 0.0) -> Table:
    """Return rows of a model; ``shift`` moves some of the features."""
    random = np.random.default_rng(seed)
    return {
        "distance": random.lognormal(6, 0.6, rows) * (1 + shift),
        "hour": random.integers(5, 24, rows).astype(float),
        "flag": random.integers(0, 2, rows).astype(float),
        "constant": np.full(rows, 7.0),
        "rain": np.where(random.random(rows) < 0.9, 0.0, random.exponential(0.1, rows)),
        '[bold]<b>&"é': random.choice(
            ["a<i>", "b", "c"], rows, p=[0.6 - shift / 4, 0.2, 0.2 + shift / 4]
        ),
        "score": random.beta(2, 5, rows),
    }


@pytest.fixture(scope="session")
def baseline() -> mw.Baseline:
    """What the model was trained on."""
    return mw.Baseline.fit(table(0, 4_000), model="m<odel>", version="1", score="score")


@pytest.fixture(scope="session")
def report(baseline: mw.Baseline) -> mw.DriftReport:
    """A report of data that drifts."""
    data = {**table(1, 1_000, shift=0.8), "extra <column>": np.zeros(1_000)}
    return mw.compare(baseline, data)
