"""Data and baselines that many tests share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from modelwatch.baseline import Baseline

Table = dict[str, Any]


def pytest_configure(config: pytest.Config) -> None:
    """Have Hypothesis try the same examples in each run, and new ones where it is to search.

    Examples may take any time: on a busy machine they do, and no test asserts how long.
    """
    try:
        from hypothesis import settings
    except ImportError:  # as in the environments of some frameworks
        return
    settings.register_profile("steady", deadline=None, derandomize=True)
    settings.register_profile("searching", deadline=None, max_examples=2_000)
    settings.load_profile(config.getoption("--hypothesis-profile", None) or "steady")


def make_table(seed: int, rows: int = 5_000) -> Table:
    """Return independent rows of a small churn model: five inputs, two outputs."""
    rng = np.random.default_rng(seed)
    score = rng.beta(2, 5, rows)
    return {
        "age": np.round(rng.normal(45, 12, rows)),
        "income": rng.lognormal(10, 0.6, rows),
        "visits": rng.poisson(3, rows).astype(float),
        "country": rng.choice(["de", "fr", "us"], rows, p=[0.5, 0.3, 0.2]).tolist(),
        "mobile": rng.random(rows) < 0.4,
        "predicted": (score > 0.5).tolist(),
        "score": score,
    }


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name bytes by their number: compressed ones hold the time, and workers must agree."""
    return f"{len(val)} bytes" if isinstance(val, bytes) else None


@pytest.fixture(scope="session")
def table() -> Callable[..., Table]:
    """Make rows of the churn model from a seed."""
    return make_table


@pytest.fixture(scope="session")
def baseline() -> Baseline:
    """The churn model's baseline of 20,000 rows."""
    return Baseline.fit(
        make_table(0, 20_000), model="churn", version="3", prediction="predicted", score="score"
    )
