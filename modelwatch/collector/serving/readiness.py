"""Whether the collector can do its work: what an orchestrator asks before it sends traffic."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from modelwatch.collector.storing.database import Database
from modelwatch.collector.storing.known_time import keep_time
from modelwatch.errors import ModelwatchError

__all__ = ["Check", "Readiness", "store_probe"]

Check = Callable[[], Awaitable[str]]
"""Returns what is wrong; an empty text where nothing is."""

FRESH_SECONDS: Final = 1.0
"""How long an answer is good for: anybody may ask, and a check may write to the disk."""

logger = logging.getLogger(__name__)


class Readiness:
    """Runs checks, one at a time, at most once a second. One event loop uses it.

    Args:
        checks: by the name of the part that they look at.
        monotonic: seconds.
    """

    def __init__(
        self, checks: Mapping[str, Check], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._checks = checks
        self._monotonic = monotonic
        self._asking = asyncio.Lock()
        self._problems: dict[str, str] = {}
        self._fresh_until = float("-inf")

    async def problems(self) -> dict[str, str]:
        """Return what is wrong, by part; empty where all is well."""
        async with self._asking:
            if self._monotonic() >= self._fresh_until:
                found = {name: await self._ask(check) for name, check in self._checks.items()}
                self._say_changes(found)
                self._problems = {name: problem for name, problem in found.items() if problem}
                self._fresh_until = self._monotonic() + FRESH_SECONDS
        return self._problems

    async def _ask(self, check: Check) -> str:
        try:
            return await check()
        except ModelwatchError as error:
            return str(error)

    def _say_changes(self, found: Mapping[str, str]) -> None:
        for name, problem in found.items():
            if problem and name not in self._problems:
                logger.warning("not ready: %s: %s", name, problem)
            elif not problem and name in self._problems:
                logger.info("ready again: %s", name)


def store_probe(database: Database, *, clock: Callable[[], int] = time.time_ns) -> Check:
    """Return a check that writes to the store, and so to the disk."""

    def work(connection: sqlite3.Connection) -> None:
        keep_time(connection, clock())

    async def check() -> str:
        await database.write(work)
        return ""

    return check
