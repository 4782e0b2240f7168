"""Looks on while the load goes on: memory, and how long pages and scrapes take."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from time import perf_counter

import httpx
import numpy as np

from modelwatch.collector.serving.encoded_paths import path_of
from tests.e2e.collector_soak.fleet import DRIFTING, MODELS
from tests.e2e.collector_soak.process import CollectorProcess, Memory

__all__ = ["MemoryCourse", "Readers"]

PAUSE_SECONDS = 0.2


@dataclass
class MemoryCourse:
    """Memory over simulated time.

    Attributes:
        samples: the hour, the memory, and the megabytes of the store's files.
    """

    samples: list[tuple[float, Memory, float]] = field(default_factory=list)

    def sample(self, hour: float, collector: CollectorProcess) -> None:
        """Look once."""
        self.samples.append((hour, collector.memory(), collector.store_megabytes()))

    @property
    def most(self) -> float:
        """The most resident megabytes."""
        return max(memory.rss for _, memory, _ in self.samples)

    def slope(self) -> float:
        """Return by how many resident megabytes an hour it grew in the second half."""
        half = self.samples[len(self.samples) // 2 :]
        hours = [hour for hour, _, _ in half]
        return float(np.polyfit(hours, [memory.rss for _, memory, _ in half], 1)[0])

    def grown(self) -> float:
        """Return how much more there was in the last eighth than in the fifth one; medians."""
        resident = [memory.rss for _, memory, _ in self.samples]
        eighth = max(1, len(resident) // 8)
        middle = resident[len(resident) // 2 :][:eighth]
        return float(np.median(resident[-eighth:]) - np.median(middle))

    def at(self, share: float) -> tuple[float, Memory, float]:
        """Return the sample after a share of the run."""
        return self.samples[round(share * (len(self.samples) - 1))]


@dataclass
class Readers:
    """Reads what people and programs read, over and over.

    Attributes:
        seconds: how long answers took, by what was read.
        answers: how many of each status there were; 0 counts links that broke.
    """

    seconds: dict[str, list[float]] = field(default_factory=dict)
    answers: Counter[int] = field(default_factory=Counter)

    @contextlib.asynccontextmanager
    async def reading(self, collector: CollectorProcess) -> AsyncIterator[None]:
        """Read until the block ends."""
        task = asyncio.create_task(self._read(collector))
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def percentile_ms(self, name: str, percent: float) -> float:
        """Return how long so many percent of the answers took at most."""
        return float(np.percentile(self.seconds[name], percent)) * 1e3

    async def _read(self, collector: CollectorProcess) -> None:
        addresses = {
            "metrics": f"{collector.api}/metrics",
            "models": f"{collector.api}/api/v1/models",
            "ready": f"{collector.api}/readyz",
            "alerts": f"{collector.api}/api/v1/alerts",
            "start page": f"{collector.api}/",
            "page": f"{collector.api}{path_of('models', DRIFTING, 'versions', '3')}",
            "drift": collector.version(MODELS[1], "/drift?window=1h"),
        }
        async with httpx.AsyncClient(verify=False, timeout=60) as client:
            while True:
                for name, address in addresses.items():
                    began = perf_counter()
                    try:
                        status = (await client.get(address, follow_redirects=True)).status_code
                    except httpx.TransportError:
                        status = 0
                    self.answers[status] += 1
                    if status == 200:
                        self.seconds.setdefault(name, []).append(perf_counter() - began)
                    await asyncio.sleep(PAUSE_SECONDS)
