from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import modelwatch as mw
from tests.watched import FakeTransport, MakeWatch, Watched


@pytest.fixture(scope="session")
def baseline() -> mw.Baseline:
    """A model of an amount, a count and a city, with a score and a label."""
    random = np.random.default_rng(11)
    data: dict[str, Any] = {
        "amount": random.normal(100.0, 10.0, size=2_000),
        "count": random.poisson(5.0, size=2_000),
        "city": random.choice(["Bergen", "Lisbon", "Naples"], size=2_000).tolist(),
        "late": (random.random(2_000) < 0.3).tolist(),
        "score": random.random(2_000),
    }
    return mw.Baseline.fit(data, model="m", version="1", prediction="late", score="score")


@pytest.fixture
def row() -> dict[str, Any]:
    """One row as in training."""
    return {"amount": 100.0, "count": 4, "city": "Lisbon"}


@pytest.fixture
def make_watch(baseline: mw.Baseline) -> Iterator[MakeWatch]:
    """Makes watches of the baseline that send to a fake, and shuts them down."""
    made: list[mw.Watch] = []

    def make(**options: Any) -> Watched:
        transport = FakeTransport()
        defaults = {"version": "1", "baseline": baseline, "transport": transport}
        watch = mw.Watch("m", **{**defaults, "export_interval_seconds": 3_600.0, **options})
        made.append(watch)
        return Watched(watch, transport)

    yield make
    for watch in made:
        watch.shutdown(timeout_seconds=1.0)


@pytest.fixture
def watched(make_watch: MakeWatch) -> Watched:
    """A watch with a baseline."""
    return make_watch()
