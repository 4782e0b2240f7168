"""Sends results to an OTLP endpoint in the background: bounded, and what fails is counted."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections import Counter, deque
from collections.abc import Callable
from typing import Final

from modelwatch.telemetry.backoff import Backoff
from modelwatch.telemetry.transport import Outcome, Signal, Transport

__all__ = ["ResultsSender"]

MOST_WAITING: Final = 256
"""Messages that wait; the oldest make room for new ones."""

MOST_ATTEMPTS: Final = 5
"""A message that cannot be delivered so many times is dropped: gauges are told again anyway."""

LAST_SECONDS: Final = 3.0
"""How long messages that wait are still sent once the collector is told to stop."""

logger = logging.getLogger(__name__)


class ResultsSender:
    """Delivers messages one after the other, in one asyncio task and one thread of its executor.

    Not thread-safe: `put` is called in the event loop that runs `run`.

    Memory: `MOST_WAITING` messages.

    Args:
        transport: delivers one message; closed at the end of `run`.
        random_: gives numbers in [0, 1), for the waits between attempts.
    """

    def __init__(
        self, transport: Transport, *, random_: Callable[[], float] = random.random
    ) -> None:
        self._transport = transport
        self._random = random_
        self._waiting: deque[tuple[Signal, bytes]] = deque()
        self._arrived = asyncio.Event()
        self.outcomes = Counter[str](delivered=0, refused=0, unreachable=0, dropped=0)

    def put(self, signal: Signal, body: bytes) -> None:
        """Have a message sent; never waits."""
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.popleft()
            self.outcomes["dropped"] += 1
        self._waiting.append((signal, body))
        self._arrived.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver what is put until ``stop`` is set, then, in short time, what still waits."""
        while not stop.is_set():
            await _first(stop, self._arrived)
            while self._waiting and not stop.is_set():
                await self._deliver(stop)
            if not self._waiting:
                self._arrived.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_SECONDS):
                while self._waiting:
                    outcome = await self._attempt(*self._waiting[0], timeout_seconds=LAST_SECONDS)
                    self.outcomes["dropped"] += outcome.status == "unreachable"
                    self._waiting.popleft()
        self.outcomes["dropped"] += len(self._waiting)
        self._transport.close()

    async def _deliver(self, stop: asyncio.Event) -> None:
        signal, body = self._waiting.popleft()
        backoff = Backoff(self._random)
        for attempt in range(MOST_ATTEMPTS):
            outcome = await self._attempt(signal, body)
            if outcome.status != "unreachable":
                return
            if attempt == 0:
                logger.warning("results cannot be delivered: %s", outcome.message)
            with contextlib.suppress(TimeoutError):
                wait = backoff.next_seconds(outcome.retry_after_seconds)
                await asyncio.wait_for(stop.wait(), wait)
                self._waiting.appendleft((signal, body))
                return
        self.outcomes["dropped"] += 1

    async def _attempt(
        self, signal: Signal, body: bytes, *, timeout_seconds: float | None = None
    ) -> Outcome:
        outcome = await asyncio.to_thread(
            self._transport.send, signal, body, timeout_seconds=timeout_seconds
        )
        match outcome.status:
            case "accepted" | "partial":
                self.outcomes["delivered"] += 1
            case "unreachable":
                self.outcomes["unreachable"] += 1
            case _:
                self.outcomes["refused"] += 1
        if outcome.status not in ("accepted", "unreachable"):
            logger.warning("results were not taken: %s", outcome.message)
        return outcome


async def _first(*events: asyncio.Event) -> None:
    """Wait until one of several events is set."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
