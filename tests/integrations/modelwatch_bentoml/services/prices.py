"""A service with an API method of each kind, each under a watch of its own model."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import bentoml
import numpy as np
import pandas as pd
from pydantic import BaseModel

import modelwatch as mw
import modelwatch_bentoml

BASELINES = Path(os.environ["PRICES_BASELINES"])


class House(BaseModel):
    """What a price is asked for."""

    area: float
    rooms: int


def watch_of(model: str) -> mw.Watch:
    """Return a new watch, with the model's baseline where there is one."""
    baseline = BASELINES / f"{model}.json"
    return mw.Watch(model, version="1", baseline=baseline if baseline.exists() else None)


watches = {name: watch_of(name) for name in ("below", "above", "above_async", "refuse", "inner")}


@watches["inner"]
def price(features: dict[str, float]) -> float:
    """Return the price of a house."""
    return features["area"] * features["rooms"]


@bentoml.service(workers=2, traffic={"timeout": 120})
class Prices:
    """Prices of houses."""

    @bentoml.api
    @watches["below"]
    def below(self, area: float, rooms: int) -> float:
        """Return a price; the watch stands below."""
        return area * rooms

    @watches["above"]
    @bentoml.api
    def above(self, area: float, rooms: int) -> float:
        """Return a price; the watch stands above."""
        return area * rooms

    @watches["above_async"](inputs="house")
    @bentoml.api(route="/above/async")
    async def above_async(self, house: House, ctx: bentoml.Context) -> float:
        """Return a price; the watch stands above, and the method is async."""
        ctx.response.status_code = 201
        return house.area * house.rooms

    @bentoml.api
    def inside(self, area: float, rooms: int, ctx: bentoml.Context) -> float:
        """Return a price that a watched function makes."""
        return price({"area": area, "rooms": rooms})

    @bentoml.api
    @watches["refuse"](on_outlier="raise")
    def refuse(self, area: float, rooms: int) -> float:
        """Return a price, unless the house is unlike those of the baseline."""
        return area * rooms

    @bentoml.api
    def keywords(self, area: float, rooms: int = 1) -> float:
        """Return a price; fails for a house without area."""
        return rooms / (1 / area)

    @bentoml.api
    async def model(self, house: House, ctx: bentoml.Context) -> float:
        """Return a price."""
        return house.area * house.rooms

    @bentoml.api
    def root(self, house: House, /) -> float:
        """Return a price; the house is the whole body."""
        return house.area * house.rooms

    @bentoml.api
    def array(self, rows: np.ndarray) -> np.ndarray:
        """Return the price of each row, whose columns the baseline names."""
        return rows[:, 0] * rows[:, 1]

    @bentoml.api
    def frame(self, rows: pd.DataFrame) -> list[float]:
        """Return the price of each row."""
        return [float(price) for price in rows["area"] * rows["rooms"]]

    @bentoml.api
    def stream(self, house: House) -> Generator[str, None, None]:
        """Yield the rooms one by one."""
        for room in range(house.rooms):
            yield f"{room};"

    @bentoml.api
    async def stream_async(self, house: House) -> AsyncGenerator[str, None]:
        """Yield the rooms one by one."""
        for room in range(house.rooms):
            yield f"{room};"

    @bentoml.api(batchable=True, max_batch_size=16, max_latency_ms=60_000)
    def batch(self, rows: list[House]) -> list[float]:
        """Return for each row how many rows of how many requests came with it."""
        return [float(len(rows))] * len(rows)

    @bentoml.api(batchable=True, max_batch_size=16, max_latency_ms=60_000)
    async def batch_array(self, rows: np.ndarray) -> np.ndarray:
        """Return the same; the baseline names the columns."""
        return np.full(len(rows), float(len(rows)))

    @bentoml.api
    def worker(self, house: House) -> int:
        """Return which process this is."""
        return os.getpid()

    @bentoml.task
    def task(self, house: House) -> float:
        """Return a price, later."""
        return house.area * house.rooms


for watch in watches.values():
    modelwatch_bentoml.instrument(Prices, watch)
for route in Prices.apis:
    if route not in {*watches, "inside"}:
        modelwatch_bentoml.instrument(Prices, watch_of(route), routes=[route])
