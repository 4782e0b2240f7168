"""A model of house prices: what it was trained on, and what is asked of it."""

from __future__ import annotations

from pydantic import BaseModel

import modelwatch as mw
from tests.watched import FakeTransport

TRAINING = {
    "area": [50.0 + number % 100 for number in range(1_000)],
    "city": ["Rome", "Oslo"] * 500,
    "price": [float(number % 300) for number in range(1_000)],
}

HOUSE = {"area": 60.0, "city": "Rome"}


class House(BaseModel):
    """The body of a request."""

    area: float
    city: str


class Price(BaseModel):
    """The body of a response."""

    price: float


def profile_of(watch: mw.Watch, transport: FakeTransport) -> mw.Profile:
    """Return what was sent, as one profile."""
    watch.flush(timeout_seconds=10)
    first, *rest = transport.profiles()
    for profile in rest:
        first = first.merge(profile)
    return first
