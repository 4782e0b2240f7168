"""Read by mypy, never run: what a decorated function's callers see. `make check` reads it too."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import assert_type

import modelwatch as mw

watch = mw.Watch("churn", version="3")


@watch
def plain(features: dict[str, float], limit: float = 0.5) -> bool:
    return features["age"] > limit


@watch(sample_rate=0.1, inputs="features")
def with_options(features: dict[str, float], *, limit: float) -> bool:
    return features["age"] > limit


@watch
async def asynchronous(features: dict[str, float]) -> bool:
    return features["age"] > 0


@watch
def generator(rows: list[dict[str, float]]) -> Iterator[float]:
    yield from (row["age"] for row in rows)


@watch
async def async_generator(rows: list[dict[str, float]]) -> AsyncIterator[float]:
    for row in rows:
        yield row["age"]


class Model:
    @watch
    def predict(self, features: dict[str, float]) -> float:
        return features["age"]

    @watch(sample_rate=0.5)
    async def predict_later(self, features: dict[str, float]) -> float:
        return features["age"]


async def callers() -> None:
    row = {"age": 1.0}
    assert_type(plain(row), bool)
    assert_type(plain(row, limit=0.1), bool)
    assert_type(with_options(row, limit=0.1), bool)
    assert_type(await asynchronous(row), bool)
    assert_type(generator([row]), Iterator[float])
    assert_type(async_generator([row]), AsyncIterator[float])
    assert_type(Model().predict(row), float)
    assert_type(await Model().predict_later(row), float)
    prediction = mw.current_prediction()
    assert_type(prediction, mw.Prediction | None)
