from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import pytest

import modelwatch as mw
from tests.watched import MakeWatch, Watched

Row = dict[str, Any]

THREADS = 64
CALLS = 200
TASKS = 1_000
SWITCH_SECONDS = 1e-6


@pytest.fixture
def hasty() -> Iterator[None]:
    """Threads that are switched as often as can be."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    yield
    sys.setswitchinterval(usual)


@pytest.fixture
def watched(make_watch: MakeWatch) -> Watched:
    """A watch with room for all rows."""
    return make_watch(buffer_rows=2 * THREADS * CALLS)


def score(features: Row) -> float:
    """Score a row."""
    return 0.5


def current_id() -> str:
    """Return the id of the prediction being made."""
    prediction = mw.current_prediction()
    assert prediction is not None
    return prediction.id


def totals(watched: Watched) -> tuple[int, int, int]:
    """Return rows, calls and dropped rows of all that was delivered."""
    assert watched.watch.flush(timeout_seconds=60)
    profiles = watched.transport.profiles()
    return (
        sum(found.rows for found in profiles),
        sum(found.predictions.total() for found in profiles),
        sum(found.dropped.total() for found in profiles),
    )


@pytest.mark.slow
@pytest.mark.usefixtures("hasty")
def test_64_threads_are_counted_exactly(watched: Watched, row: Row) -> None:
    """No row of 64 threads that start at once is lost or counted twice, while windows are cut."""
    predict, start = watched.watch(score), threading.Barrier(THREADS)

    def work() -> None:
        start.wait()
        for number in range(CALLS):
            predict(row)
            if number % 50 == 0:
                watched.watch.flush(timeout_seconds=10)

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert totals(watched) == (THREADS * CALLS, THREADS * CALLS, 0)


async def test_1000_tasks_are_counted_exactly(watched: Watched, row: Row) -> None:
    """Tasks that are all inside at once each have a prediction of their own, which they keep."""
    all_inside = asyncio.Barrier(TASKS)

    @watched.watch
    async def predict(features: Row) -> str:
        before = current_id()
        await all_inside.wait()
        assert current_id() == before
        return before

    ids = await asyncio.gather(*(predict(row) for _ in range(TASKS)))
    assert len(set(ids)) == TASKS
    assert totals(watched) == (TASKS, TASKS, 0)


@pytest.mark.usefixtures("hasty")
def test_pools_of_threads_are_counted_exactly(watched: Watched, row: Row) -> None:
    """Calls in a pool count each; nested ones, in the same context, count as one prediction."""
    watch = watched.watch
    inner = watch(score)

    @watch
    def outer(features: Row) -> float:
        with ThreadPoolExecutor(2) as pool:
            nested = [pool.submit(copy_context().run, inner, features) for _ in range(3)]
            apart = [pool.submit(inner, features) for _ in range(2)]
            return sum(future.result() for future in nested + apart) / 5

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(outer, [row] * 40)) == [0.5] * 40
    made = 40 * (1 + 2)  # those that run in no copy of the context are predictions of their own
    assert totals(watched) == (made, made, 0)


async def test_executors_of_tasks_are_counted_exactly(watched: Watched, row: Row) -> None:
    """What a task hands to a thread is part of its prediction, and apart from all others."""
    watch = watched.watch
    inner = watch(score)

    @watch
    async def outer(features: Row) -> str:
        await asyncio.to_thread(inner, features)
        return await asyncio.to_thread(current_id)

    ids = await asyncio.gather(*(outer(row) for _ in range(100)))
    assert len(set(ids)) == 100
    assert totals(watched) == (100, 100, 0)
    assert await asyncio.gather(*(asyncio.to_thread(inner, row) for _ in range(100)))
    assert totals(watched) == (200, 200, 0)
