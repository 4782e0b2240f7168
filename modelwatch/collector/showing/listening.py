"""Several listeners to the schedule as one."""

from __future__ import annotations

import asyncio

from modelwatch.collector.evaluating.evaluation import Assessment
from modelwatch.collector.evaluating.scheduler import RoundListener

__all__ = ["Listeners"]


class Listeners:
    """Tells each of several listeners.

    Args:
        listeners: who hears of what is evaluated.
    """

    def __init__(self, *listeners: RoundListener) -> None:
        self._listeners = listeners

    def evaluated(self, found: Assessment) -> None:
        """Tell all of a window whose evaluation was just committed."""
        for listener in self._listeners:
            listener.evaluated(found)

    async def round_ended(self) -> None:
        """Tell all that a round ended; one that fails keeps it from none of the others.

        Raises:
            Exception: what the first that failed raised.
        """
        ends = (listener.round_ended() for listener in self._listeners)
        for failure in await asyncio.gather(*ends, return_exceptions=True):
            if failure is not None:
                raise failure
