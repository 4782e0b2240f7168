"""A watch of the model of house prices."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import modelwatch as mw
from tests.integrations.modelwatch_fastapi.houses import TRAINING
from tests.watched import FakeTransport


@pytest.fixture
def transport() -> FakeTransport:
    """Keeps what is sent."""
    return FakeTransport()


@pytest.fixture(scope="session")
def houses() -> mw.Baseline:
    """What the model was trained on."""
    return mw.Baseline.fit(TRAINING, model="houses", version="1", prediction="price")


@pytest.fixture
def watch(transport: FakeTransport, houses: mw.Baseline) -> Iterator[mw.Watch]:
    """A watch of the model."""
    made = mw.Watch("houses", version="1", baseline=houses, transport=transport)
    yield made
    made.shutdown(1.0)
