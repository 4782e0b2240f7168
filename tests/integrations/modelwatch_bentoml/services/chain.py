"""A service that asks another one, which is served by workers of its own."""

from __future__ import annotations

import os

import bentoml

import modelwatch as mw
import modelwatch_bentoml

areas = mw.Watch("areas", version="1")
prices = mw.Watch("prices", version="1")


@bentoml.service(workers=2)
class Areas:
    """Areas of houses."""

    @bentoml.api
    @areas
    def area(self, length: float, width: float) -> float:
        """Return an area."""
        return length * width

    @bentoml.api
    def process(self) -> int:
        """Return which process this is."""
        return os.getpid()


@bentoml.service(workers=2)
class Prices:
    """Prices of houses."""

    areas = bentoml.depends(Areas)

    @bentoml.api
    async def price(self, length: float, width: float) -> float:
        """Return a price by the area."""
        return 10.0 * await self.areas.to_async.area(length=length, width=width)

    @bentoml.api
    async def twice(self, length: float, width: float) -> float:
        """Return twice the price, by a request of this service to itself."""
        return 2.0 * await self.to_async.price(length=length, width=width)

    @bentoml.api
    async def processes(self) -> list[int]:
        """Return which processes this service and the other one run in."""
        return [os.getpid(), await self.areas.to_async.process()]


modelwatch_bentoml.instrument(Areas, areas)
modelwatch_bentoml.instrument(Prices, prices, routes=["price"])
