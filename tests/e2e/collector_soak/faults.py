"""What goes wrong while the load goes on, and is cured after a moment."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import sqlite3
from collections.abc import AsyncIterator

from tests.e2e.collector_soak.process import CollectorProcess
from tests.e2e.collector_soak.simulated_clock import SimulatedClock

__all__ = ["file_limit", "jumped", "killed", "locked", "terminated"]


@contextlib.asynccontextmanager
async def locked(collector: CollectorProcess) -> AsyncIterator[None]:
    """Have another program hold the write lock of the store."""
    with contextlib.closing(sqlite3.connect(collector.store, isolation_level=None)) as other:
        other.execute("PRAGMA busy_timeout = 10000")
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@contextlib.asynccontextmanager
async def file_limit(collector: CollectorProcess) -> AsyncIterator[None]:
    """Let the collector write to no file beyond its first page, as where there is no room."""
    _, most = resource.prlimit(collector.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(collector.pid, resource.RLIMIT_FSIZE, (4_096, most))
    try:
        yield
    finally:
        resource.prlimit(collector.pid, resource.RLIMIT_FSIZE, (most, most))


@contextlib.asynccontextmanager
async def jumped(clock: SimulatedClock, seconds: float) -> AsyncIterator[None]:
    """Have the system's clock be wrong by so much."""
    clock.jump(seconds)
    try:
        yield
    finally:
        clock.jump(-seconds)


async def killed(collector: CollectorProcess, *, after_seconds: float) -> None:
    """Kill the collector in a moment, and start it again."""
    await asyncio.sleep(after_seconds)
    collector.kill()
    await asyncio.to_thread(collector.start)


async def terminated(collector: CollectorProcess, *, after_seconds: float) -> int:
    """Have the collector end in good order in a moment, and start it again; return its status."""
    await asyncio.sleep(after_seconds)
    status = await asyncio.to_thread(collector.terminate)
    await asyncio.to_thread(collector.start)
    return status
