"""Notes each act of an admin, in the transaction of what it changed where there is one."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import unquote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modelwatch.collector.security.audit_log import AuditEntry, AuditLog, insert_entry
from modelwatch.collector.security.gate import address_of
from modelwatch.collector.security.people import path_sent
from modelwatch.collector.security.principals import current_principal
from modelwatch.collector.security.rules import LABELS_PATH, SAFE_METHODS
from modelwatch.collector.storing.companions import accompanied_by
from modelwatch.errors import StoreError

__all__ = ["Audited"]

logger = logging.getLogger(__name__)


class Audited:
    """ASGI layer that keeps who changed what.

    What comes to nothing is kept too, with the status that it was answered with. Refusals to those
    who are no admin are only logged: they could push all else out of a log that is bounded.

    Args:
        app: what is behind it; it writes to the store in the request's own context.
        log: keeps the acts.
        clock: Unix nanoseconds.
    """

    def __init__(self, app: ASGIApp, *, log: AuditLog, clock: Callable[[], int]) -> None:
        self._app = app
        self._log = log
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        principal = current_principal()
        if scope["type"] != "http" or not is_act(scope) or not principal.has("admin"):
            await self._app(scope, receive, send)
            return
        act = _Act(
            AuditEntry(
                at_ns=self._clock(),
                who=principal.name,
                act=scope["method"],
                target=unquote(path_sent(scope)),
                address=address_of(scope),
                outcome="done",
            )
        )

        async def send_noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                await self._note(act, int(message["status"]))
            await send(message)

        with accompanied_by(act.write):
            await self._app(scope, receive, send_noted)

    async def _note(self, act: _Act, status: int) -> None:
        entry = act.entry
        if status >= 400:
            entry = replace(entry, outcome=f"refused with {status}")
        if status >= 400 or not act.is_written:
            act.is_written = True  # here, not beside this write of its own
            try:
                await self._log.append(entry)
            except StoreError as error:
                logger.warning("an act could not be kept in the audit log: %s", error)
        log_act(entry)


def is_act(scope: Scope) -> bool:
    """Tell whether a request changes what others see; labels are data, as telemetry is."""
    return scope["method"] not in SAFE_METHODS and path_sent(scope) != LABELS_PATH


class _Act:
    """An entry that waits for the transaction of what it tells of."""

    def __init__(self, entry: AuditEntry) -> None:
        self.entry = entry
        self.is_written = False

    def write(self, connection: sqlite3.Connection) -> None:
        if not self.is_written:
            insert_entry(connection, self.entry)
            self.is_written = True


def log_act(entry: AuditEntry) -> None:
    """Tell of an act in a line of the log."""
    logger.info(
        "audit: %s: %s %s from %s: %s",
        entry.who,
        entry.act,
        entry.target,
        entry.address,
        entry.outcome,
        extra={
            "who": entry.who,
            "act": entry.act,
            "target": entry.target,
            "address": entry.address,
            "outcome": entry.outcome,
        },
    )
