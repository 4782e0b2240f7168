"""Arrivals of many requests committed together.

While one batch is being committed, what arrives makes up the next one: the busier the collector is,
the larger its batches are, and the writer's thread is woken once a batch. What waits is bounded.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Final

from modelwatch.collector.storing.arrival_writer import ArrivalWriter, BatchWritten
from modelwatch.collector.storing.database import Database
from modelwatch.collector.storing.store import NO_MEMORIES, SenderMemory, Written
from modelwatch.errors import StoreBusy, StoreError
from modelwatch.telemetry.wire.arrivals import Arrival

__all__ = ["Batches"]

LARGEST_BATCH: Final = 128
"""Requests in one batch; bounds how long the first of them waits."""


@dataclass(frozen=True, slots=True)
class _Request:
    arrivals: Sequence[Arrival]
    memories: Mapping[int, SenderMemory]
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Written]


class Batches:
    """Hands arrivals to the writer's thread, one batch at a time.

    Thread-safety: safe, from any event loop.
    Memory: at most ``most_waiting`` requests wait.

    Args:
        database: commits.
        writer: stores.
        most_waiting: requests that may wait; one more raises `StoreBusy`.
    """

    def __init__(self, database: Database, writer: ArrivalWriter, *, most_waiting: int) -> None:
        self._database = database
        self._writer = writer
        self._most_waiting = most_waiting
        self._lock = threading.Lock()  # guards what waits, and whether a batch is on its way
        self._waiting: deque[_Request] = deque()
        self._under_way = False

    async def write(
        self, arrivals: Sequence[Arrival], memories: Mapping[int, SenderMemory] = NO_MEMORIES
    ) -> Written:
        """Commit what was not seen before; return once that is done. See `ArrivalSink.write`.

        Raises:
            StoreBusy: too many requests wait; nothing was stored.
            StoreError: the database failed; nothing was stored.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Written] = loop.create_future()
        with self._lock:
            if len(self._waiting) >= self._most_waiting:
                raise StoreBusy(
                    f"{self._most_waiting} exports wait for the store already: send again later."
                )
            self._waiting.append(_Request(arrivals, memories, loop, answer))
            begin, self._under_way = not self._under_way, True
        if begin:
            self._submit_next()
        return await answer

    def _submit_next(self) -> None:
        with self._lock:
            most = min(len(self._waiting), LARGEST_BATCH)
            batch = [self._waiting.popleft() for _ in range(most)]
            self._under_way = bool(batch)
        if batch:
            self._submit(batch)

    def _submit(self, batch: list[_Request]) -> None:
        try:
            future = self._database.submit(
                lambda connection: self._write(connection, batch),
                self._writer.committed,
            )
        except StoreError as error:
            _answer(batch, error)
            self._submit_next()
        else:
            future.add_done_callback(lambda done: self._done(batch, done))

    def _write(self, connection: sqlite3.Connection, batch: list[_Request]) -> BatchWritten:
        memories = {key: one for request in batch for key, one in request.memories.items()}
        return self._writer.write(connection, [r.arrivals for r in batch], memories)

    def _done(self, batch: list[_Request], done: Future[BatchWritten]) -> None:
        error = done.exception()
        if error is None:
            _answer(batch, done.result().requests)
        elif isinstance(error, StoreError) or len(batch) == 1:
            _answer(batch, error)
        else:  # one of them cannot be stored: it must fail alone
            with self._lock:
                self._waiting.extendleft(reversed(batch[1:]))
            self._submit(batch[:1])
            return
        # In its turn of the event loop: what the loop was busy with by then is in the next batch.
        if not _call(batch[-1].loop, self._submit_next):
            self._submit_next()


def _answer(batch: list[_Request], outcome: list[Written] | BaseException) -> None:
    """Resolve what each request waits for, in its own event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[_Request, Written | BaseException]]] = {}
    for number, request in enumerate(batch):
        told = outcome if isinstance(outcome, BaseException) else outcome[number]
        by_loop.setdefault(request.loop, []).append((request, told))
    for loop, answers in by_loop.items():
        _call(loop, partial(_resolve, answers))


def _call(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> bool:
    """Have an event loop call something; return False where it is closed."""
    try:
        loop.call_soon_threadsafe(callback)
    except RuntimeError:
        return False
    return True


def _resolve(answers: list[tuple[_Request, Written | BaseException]]) -> None:
    for request, told in answers:
        if request.answer.done():  # who asked has gone
            continue
        if isinstance(told, BaseException):
            request.answer.set_exception(told)
        else:
            request.answer.set_result(told)
