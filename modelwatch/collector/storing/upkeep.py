"""What is done beside receiving: merging, rolling up, letting go of what is old.

Each piece is a short transaction of its own, so that acknowledgements do not wait for it, and
leaves the file whole: a process that is killed in between goes on where it was.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Final

from modelwatch.collector.freed_memory import give_back
from modelwatch.collector.outcomes.outcome_store import OutcomeStore
from modelwatch.collector.storing.consolidating import Consolidator
from modelwatch.collector.storing.database import Database
from modelwatch.collector.storing.merging import Merger
from modelwatch.collector.storing.purging import Purger
from modelwatch.collector.storing.rolling_up import RollUp
from modelwatch.collector.storing.trace_examples import Thinning
from modelwatch.errors import StoreError

__all__ = ["Upkeep"]

MERGE_SECONDS: Final = 5.0
"""Between two times that open rows are written; what a reader finds unmerged is of so long."""

CLEAN_SECONDS: Final = 30.0
"""Between two looks for what is to be rolled up or let go of."""

logger = logging.getLogger(__name__)


class Upkeep:
    """Runs in one asyncio task.

    Args:
        database: the file.
        merger: has what is to be written.
        consolidator: puts together what one sender told.
        roll_up: makes long spans of short ones.
        purger: lets go of what is old.
        thinning: leaves the latest of old examples.
        outcomes: sums up what labels were joined with.
        clock: seconds, never going back.
    """

    def __init__(
        self,
        database: Database,
        merger: Merger,
        consolidator: Consolidator,
        roll_up: RollUp,
        purger: Purger,
        thinning: Thinning,
        outcomes: OutcomeStore,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._merger = merger
        self._consolidator = consolidator
        self._roll_up = roll_up
        self._purger = purger
        self._thinning = thinning
        self._outcomes = outcomes
        self._clock = clock
        self._cleaned = -CLEAN_SECONDS

    async def run(self, stop: asyncio.Event) -> None:
        """Do what is due until ``stop`` is set. Faults are logged."""
        while not stop.is_set():
            await self.run_once()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), MERGE_SECONDS)
        await self._guarded(self.merge)

    async def run_once(self) -> None:
        """Do what is due."""
        await self._guarded(self.merge)
        await self._guarded(self._outcomes.merge)
        if self._clock() - self._cleaned >= CLEAN_SECONDS:
            self._cleaned = self._clock()
            await self._guarded(self.clean)
            await self._guarded(self._outcomes.clean)

    async def merge(self) -> None:
        """Write the open rows of every version."""
        found = await asyncio.to_thread(self._database.read, "SELECT id FROM versions")
        for (version_id,) in found:
            done = False
            while not done:
                done = await self._merge(version_id)

    async def clean(self) -> None:
        """Put together what one sender told, roll up, and let go of what is old, memory too."""
        await self._consolidator.run()
        await self._roll_up.run()
        await self._thinning.run()
        await self._purger.run()
        await asyncio.to_thread(give_back)

    async def _merge(self, version_id: int) -> bool:
        """Write open rows; return whether there is no more to be done."""
        if not self._merger.has_work(version_id):
            return True
        flushed = await self._database.write(
            lambda connection: self._merger.flush(connection, version_id), self._merger.flushed
        )
        return flushed.done

    async def _guarded(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        try:
            await work()
        except StoreError as error:
            logger.warning("the store is not tidied up: %s", error)
        except Exception:  # the edge of a background task: a damaged row must not end it
            logger.exception("the store is not tidied up")
