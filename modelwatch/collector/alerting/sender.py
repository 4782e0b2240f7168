"""Sends what waits in the outbox: to each target by itself, in order, again until it is heard."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from modelwatch.collector.alerting.alert import Alert
from modelwatch.collector.alerting.alert_store import Outbox, Waiting
from modelwatch.collector.alerting.channels import Channels
from modelwatch.collector.alerting.targets import AlertmanagerTarget, Target
from modelwatch.collector.windows import NANOSECONDS
from modelwatch.errors import NotifyError, StoreError
from modelwatch.telemetry.backoff import backoff_seconds

__all__ = ["Sender", "Sending"]

LONGEST_WAIT_SECONDS = 5.0
"""Between two looks into the outbox; what is new is looked for at once."""

STORE_WAIT_SECONDS = 5.0

FIRST_BACKOFF_SECONDS = 5.0
LONGEST_BACKOFF_SECONDS = 300.0

logger = logging.getLogger(__name__)


class Sending(Protocol):
    """What a sender must know of the alerting."""

    @property
    def news(self) -> asyncio.Event:
        """Set where there may be something to send."""
        ...

    def targets(self) -> Sequence[Target]:
        """Return who is told, as of now."""
        ...

    def told_alerts(self, target: Target) -> Sequence[Alert]:
        """Return the open alerts that a target was told of, and that nothing mutes."""
        ...


class Sender:
    """Runs in one asyncio task, beside evaluation, which it never holds up.

    One request at a time is under way to each target. A notice is removed from the outbox once it
    was delivered: where the process ends in between, it is sent again with the same key.

    Args:
        outbox: keeps notices until they were sent.
        alerting: who is told, and of what.
        channels: sends.
        clock: Unix nanoseconds.
        generator: of random numbers, for waits.
    """

    def __init__(
        self,
        outbox: Outbox,
        alerting: Sending,
        channels: Channels,
        *,
        clock: Callable[[], int] = time.time_ns,
        generator: random.Random | None = None,
    ) -> None:
        self._outbox = outbox
        self._alerting = alerting
        self._channels = channels
        self._clock = clock
        self._random = generator or random.Random()
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._refreshed_ns: dict[str, int] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Send what is due until ``stop`` is set; what is under way then is let go."""
        stopping = asyncio.create_task(stop.wait())
        while not stop.is_set():
            self._alerting.news.clear()
            try:
                await self.send_due()
                wait = LONGEST_WAIT_SECONDS
            except StoreError as error:
                logger.warning("notices cannot be read: %s", error)
                wait = STORE_WAIT_SECONDS
            news = asyncio.create_task(self._alerting.news.wait())
            waited_for = {news, stopping, *self._under_way.values()}
            await asyncio.wait(waited_for, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
            news.cancel()
        stopping.cancel()
        await self._let_go()

    async def send_due(self) -> None:
        """Begin to send what is due, to each target that is not busy."""
        self._under_way = {n: task for n, task in self._under_way.items() if not task.done()}
        targets = {target.name: target for target in self._alerting.targets()}
        waiting: dict[str, list[Waiting]] = {}
        for item in await asyncio.to_thread(self._outbox.due, self._clock()):
            waiting.setdefault(item.target, []).append(item)
        for name in waiting.keys() - targets.keys():
            for item in waiting[name]:
                await self._give_up(item, "it is not among the targets any more")
        for name, target in targets.items():
            is_due = self._is_due_again(target)
            if name not in self._under_way and (name in waiting or is_due):
                sending = self._send_all(target, waiting.get(name, []), is_due=is_due)
                self._under_way[name] = asyncio.create_task(sending)

    async def settle(self) -> None:
        """Wait until nothing is under way."""
        while any(not task.done() for task in self._under_way.values()):
            await asyncio.wait(self._under_way.values())

    async def _let_go(self) -> None:
        for task in self._under_way.values():
            task.cancel()
        for task in self._under_way.values():
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _send_all(self, target: Target, waiting: Sequence[Waiting], *, is_due: bool) -> None:
        try:
            for item in waiting:
                await self._send(target, item)
            if is_due and isinstance(target, AlertmanagerTarget):
                await self._refresh(target)
        except StoreError as error:
            logger.warning("what became of a notice to %s cannot be kept: %s", target.name, error)
            await asyncio.sleep(STORE_WAIT_SECONDS)
        except Exception:  # the edge of a background task: one target must not end them all
            logger.exception("notices to %s cannot be sent", target.name)
            await asyncio.sleep(STORE_WAIT_SECONDS)

    async def _send(self, target: Target, item: Waiting) -> None:
        if item.notice is None:
            await self._give_up(item, "the stored notice is damaged")
            return
        if item.notice.kind == "repeat" and isinstance(target, AlertmanagerTarget):
            # It repeats by itself, and is told of what is open all the time.
            await self._outbox.delivered(item, now_ns=self._clock())
            return
        try:
            await self._channels.send(target, item.notice, now_ns=self._clock())
        except NotifyError as error:
            await self._failed(target, item, error)
        else:
            await self._outbox.delivered(item, now_ns=self._clock())

    async def _failed(self, target: Target, item: Waiting, error: NotifyError) -> None:
        now_ns = self._clock()
        wait = backoff_seconds(
            item.attempts,
            self._random.random,
            first_seconds=FIRST_BACKOFF_SECONDS,
            longest_seconds=LONGEST_BACKOFF_SECONDS,
            asked_seconds=error.retry_seconds,
        )
        retry_ns = now_ns + int(wait * NANOSECONDS)
        if error.is_final or retry_ns > item.created_ns + target.give_up_after * NANOSECONDS:
            await self._give_up(item, str(error))
            return
        if not item.attempts:
            logger.warning("a notice to %s failed, and is tried again: %s", item.target, error)
        await self._outbox.failed(item, error=str(error), retry_ns=retry_ns, now_ns=now_ns)

    async def _give_up(self, item: Waiting, reason: str) -> None:
        logger.warning("a notice to %s is given up: %s", item.target, reason)
        await self._outbox.failed(item, error=reason, retry_ns=None, now_ns=self._clock())

    def _is_due_again(self, target: Target) -> bool:
        if not isinstance(target, AlertmanagerTarget):
            return False
        since_ns = self._clock() - self._refreshed_ns.get(target.name, 0)
        return abs(since_ns) >= target.resend_interval * NANOSECONDS

    async def _refresh(self, target: AlertmanagerTarget) -> None:
        self._refreshed_ns[target.name] = self._clock()
        alerts = self._alerting.told_alerts(target)
        if not alerts:
            return
        try:
            await self._channels.refresh(target, alerts, now_ns=self._clock())
        except NotifyError as error:
            logger.warning("%s was not told of what is open: %s", target.name, error)
