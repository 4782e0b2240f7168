"""Alerts in the collector's own file: states, history, silences and what waits to be sent.

A round's states and the notices that follow from them are committed together, so that the end of
the process at any point neither loses a notice nor makes one twice.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from modelwatch.collector.alerting.alert import Alert
from modelwatch.collector.alerting.alert_store import (
    Change,
    Delivery,
    Event,
    Kept,
    Page,
    VersionKey,
    Waiting,
)
from modelwatch.collector.alerting.facts import WindowFacts
from modelwatch.collector.alerting.json_form import json_of
from modelwatch.collector.alerting.muting import Silence
from modelwatch.collector.alerting.notices import Notice
from modelwatch.collector.alerting.state_machine import RuleKey, RuleState
from modelwatch.collector.rollouts.made import SuggestionNotice
from modelwatch.collector.storing.database import Database
from modelwatch.collector.windows import NANOSECONDS
from modelwatch.errors import FormatError, StoreError

__all__ = ["SqliteAlerts", "put_notices"]

MOST_RESOLVED = 10_000
"""Resolved alerts that are kept, whatever their age."""

MOST_WAITING = 1_000
"""Notices that wait for one target; the oldest is given up for one more."""

MOST_TAKEN = 100
"""Notices that are taken from the outbox at a time."""

LONGEST_WAIT_NS = 2 * 3_600 * NANOSECONDS
"""No notice waits longer than this to be tried again: one that seems to was put off before the
clock was set back."""

SILENCES_KEPT_NS = 7 * 86_400 * NANOSECONDS
"""How long a silence is kept once it has ended."""

_STATES = """
SELECT r.content, a.content FROM alert_rules r LEFT JOIN alerts a
ON a.model = r.model AND a.version = r.version AND a.rule = r.rule AND a.ended_ns IS NULL
"""

_LISTED = """
SELECT number, content FROM alerts WHERE number < ? AND (? IS NULL OR model = ?)
AND state IN (SELECT value FROM json_each(?)) AND may_read(model) ORDER BY number DESC LIMIT ?
"""

_DUE = """
SELECT number, target, content, created_ns, attempts FROM alert_outbox o
WHERE (next_ns <= ? OR next_ns > ?) AND NOT EXISTS (SELECT 1 FROM alert_outbox earlier
    WHERE earlier.target = o.target AND earlier.alert_id = o.alert_id
    AND earlier.number < o.number)
ORDER BY number LIMIT ?
"""

_PUT_ALERT = """
INSERT INTO alerts (id, model, version, rule, state, ended_ns, content)
VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
state = excluded.state, ended_ns = excluded.ended_ns, content = excluded.content
"""

_TARGETS = """
SELECT t.name, (SELECT count(*) FROM alert_outbox o WHERE o.target = t.name),
    t.sent, t.failures, t.given_up, t.last_sent_ns, t.last_failed_ns, t.last_error
FROM alert_targets t
"""

_OF_SUGGESTION = '{"suggestion":'

_AlertRow = tuple[str, str, str, str, str, int | None, str]

Read = TypeVar("Read")


class SqliteAlerts:
    """A `modelwatch.collector.alerting.alert_store.AlertStore` in the collector's file.

    Thread-safety: every method may be called from any thread or event loop.

    Args:
        database: the open file; whoever opened it closes it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self) -> Kept:
        """Return what is known; see `AlertStore.load`."""
        facts: dict[VersionKey, list[WindowFacts]] = {}
        rows = self._database.read(
            "SELECT model, version, content FROM alert_facts ORDER BY end_ns"
        )
        for model, version, content in rows:
            facts.setdefault((model, version), []).append(_read(WindowFacts.from_json, content))
        states = self._database.read(_STATES)
        silences = self._database.read("SELECT content FROM silences ORDER BY until_ns")
        return Kept(
            states=[_state(content, alert) for content, alert in states],
            facts=facts,
            silences=[Silence(**json.loads(content)) for (content,) in silences],
        )

    async def commit(self, change: Change) -> None:
        """Commit what one round changes; see `AlertStore.commit`."""
        # Made apart: what the writer's thread does, all that is to be acknowledged waits for.
        rows = await asyncio.to_thread(_Rows.of, change)
        await self._database.write(lambda connection: _commit(connection, change, rows))

    async def put_silence(self, silence: Silence) -> None:
        """Commit a silence; see `AlertStore.put_silence`."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT OR REPLACE INTO silences (id, until_ns, content) VALUES (?, ?, ?)",
                (silence.id, silence.until_ns, json_of(silence)),
            )

        await self._database.write(work)

    def alerts(
        self,
        *,
        states: Sequence[str],
        model: str | None,
        may_read: Callable[[str], bool],
        limit: int,
        before: int | None,
    ) -> Page:
        """Return the newest alerts; see `AlertLog.alerts`."""
        last = 2**63 - 1 if before is None else before
        listed = json.dumps(list(states))
        with self._database.reading() as connection:
            connection.create_function("may_read", 1, may_read, deterministic=True)
            found = connection.execute(_LISTED, (last, model, model, listed, limit + 1)).fetchall()
        shown = found[:limit]
        return Page(
            alerts=[_read(_alert, content) for _, content in shown],
            cursor=shown[-1][0] if len(found) > limit else None,
        )

    def alert(self, alert_id: str) -> Alert | None:
        """Return one alert; see `AlertLog.alert`."""
        found = self._database.read("SELECT content FROM alerts WHERE id = ?", alert_id)
        return _read(_alert, found[0][0]) if found else None

    def history(self, alert_id: str) -> list[Event]:
        """Return what happened to an alert; see `AlertLog.history`."""
        found = self._database.read(
            "SELECT kind, at_ns, detail FROM alert_events WHERE alert_id = ? ORDER BY number",
            alert_id,
        )
        return [Event(kind=kind, at_ns=at_ns, detail=detail) for kind, at_ns, detail in found]

    def due(self, now_ns: int) -> list[Waiting]:
        """Return notices to send now; see `Outbox.due`."""
        return [
            Waiting(
                number=number,
                target=target,
                notice=_notice(content),
                created_ns=created_ns,
                attempts=attempts,
            )
            for number, target, content, created_ns, attempts in self._database.read(
                _DUE, now_ns, now_ns + LONGEST_WAIT_NS, MOST_TAKEN
            )
        ]

    def next_due_ns(self) -> int | None:
        """Return when the next notice is due; see `Outbox.next_due_ns`."""
        found = self._database.read("SELECT min(next_ns) FROM alert_outbox")
        return None if found[0][0] is None else int(found[0][0])

    async def delivered(self, waiting: Waiting, *, now_ns: int) -> None:
        """Commit that a notice was sent; see `Outbox.delivered`."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM alert_outbox WHERE number = ?", (waiting.number,))
            _count(connection, waiting.target, "sent = sent + 1, last_sent_ns = ?", now_ns)

        await self._database.write(work)

    async def failed(
        self, waiting: Waiting, *, error: str, retry_ns: int | None, now_ns: int
    ) -> None:
        """Commit that a try failed; see `Outbox.failed`."""

        def work(connection: sqlite3.Connection) -> None:
            counted = "failures = failures + 1, last_failed_ns = ?, last_error = ?"
            _count(connection, waiting.target, counted, now_ns, error)
            if retry_ns is None:
                _count(connection, waiting.target, "given_up = given_up + 1")
                connection.execute("DELETE FROM alert_outbox WHERE number = ?", (waiting.number,))
            else:
                connection.execute(
                    "UPDATE alert_outbox SET attempts = attempts + 1, next_ns = ? WHERE number = ?",
                    (retry_ns, waiting.number),
                )

        await self._database.write(work)

    def deliveries(self) -> dict[str, Delivery]:
        """Return how it goes, by target; see `Outbox.deliveries`."""
        names = ("waiting", "sent", "failures", "given_up")
        times = ("last_sent_ns", "last_failed_ns", "last_error")
        return {
            name: Delivery(**dict(zip((*names, *times), found, strict=True)))
            for name, *found in self._database.read(_TARGETS)
        }


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """What a change writes, as the columns that it is written to."""

    facts: list[tuple[str, str, int, int, str]]
    states: list[tuple[str, str, str, str]]
    alerts: list[_AlertRow]
    transitions: list[tuple[_AlertRow, tuple[str, str, int, str]]]
    notices: list[tuple[str, str, str, int, int, str]]

    @classmethod
    def of(cls, change: Change) -> _Rows:
        return cls(
            facts=[
                (*key, facts.window.end_ns, facts.window.start_ns, facts.to_json())
                for key, facts in change.facts
            ],
            states=[
                (s.key.model, s.key.version, s.key.rule, json_of(replace(s, alert=None)))
                for s in change.states
            ],
            alerts=[_row(state.alert) for state in change.states if state.alert is not None],
            transitions=[
                (_row(told.alert), (told.alert.id, told.kind, told.at_ns, told.detail))
                for told in change.transitions
            ],
            notices=[
                (target, one.alert.id, one.key, one.at_ns, one.at_ns, one.to_json())
                for target, one in change.notices
            ],
        )


def _row(alert: Alert) -> _AlertRow:
    key = (alert.id, alert.model, alert.version, alert.rule)
    return (*key, alert.state, alert.ended_ns, alert.to_json())


def _commit(connection: sqlite3.Connection, change: Change, rows: _Rows) -> None:
    _put_facts(connection, change, rows)
    for key in change.forgotten:
        connection.execute(
            "DELETE FROM alert_rules WHERE model = ? AND version = ? AND rule = ?",
            (key.model, key.version, key.rule),
        )
        _drop_pending(connection, key, None)
    for state in change.states:
        _drop_pending(connection, state.key, state.alert)
    for alert, event in rows.transitions:
        connection.execute(_PUT_ALERT, alert)
        connection.execute(
            "INSERT INTO alert_events (alert_id, kind, at_ns, detail) VALUES (?, ?, ?, ?)", event
        )
    connection.executemany(_PUT_ALERT, rows.alerts)
    connection.executemany("INSERT OR REPLACE INTO alert_rules VALUES (?, ?, ?, ?)", rows.states)
    put_notices(connection, rows.notices)
    _remove_old(connection, change)


def _put_facts(connection: sqlite3.Connection, change: Change, rows: _Rows) -> None:
    connection.executemany("INSERT OR REPLACE INTO alert_facts VALUES (?, ?, ?, ?, ?)", rows.facts)
    for model, version in {key for key, _ in change.facts}:
        kept = json.dumps(list(change.keep_ends_ns.get((model, version), ())))
        connection.execute(
            "DELETE FROM alert_facts WHERE model = ? AND version = ? AND end_ns <="
            " (SELECT end_ns FROM alert_facts WHERE model = ? AND version = ?"
            " ORDER BY end_ns DESC LIMIT 1 OFFSET ?)"
            " AND end_ns NOT IN (SELECT value FROM json_each(?))",
            (model, version, model, version, change.keep_windows, kept),
        )


def _drop_pending(connection: sqlite3.Connection, key: RuleKey, alert: Alert | None) -> None:
    """Remove what was only ever pending and is not found any more: it leaves no trace."""
    gone = (key.model, key.version, key.rule, alert.id if alert else "")
    pending = (
        "FROM alerts WHERE model = ? AND version = ? AND rule = ? AND ended_ns IS NULL"
        " AND state = 'pending' AND id != ?"
    )
    connection.execute(
        f"DELETE FROM alert_events WHERE alert_id IN (SELECT id {pending})",
        gone,
    )
    connection.execute(f"DELETE {pending}", gone)


def put_notices(
    connection: sqlite3.Connection, notices: Sequence[tuple[str, str, str, int, int, str]]
) -> None:
    """Have notices wait to be sent; of too many that wait for one target, give the oldest up.

    Args:
        connection: in a transaction.
        notices: target, what the notice is of, its key, when it was made, when it is due, and its
            content. Of those that are of the same, the oldest is sent first.
    """
    connection.executemany(
        "INSERT OR IGNORE INTO alert_outbox"
        " (target, alert_id, key, created_ns, next_ns, attempts, content)"
        " VALUES (?, ?, ?, ?, ?, 0, ?)",
        notices,
    )
    for target in {row[0] for row in notices}:
        dropped = connection.execute(
            "DELETE FROM alert_outbox WHERE target = ? AND number <= (SELECT number"
            " FROM alert_outbox WHERE target = ? ORDER BY number DESC LIMIT 1 OFFSET ?)",
            (target, target, MOST_WAITING),
        ).rowcount
        _count(connection, target, "given_up = given_up + ?", dropped)


def _count(connection: sqlite3.Connection, target: str, change: str, *values: object) -> None:
    connection.execute("INSERT OR IGNORE INTO alert_targets (name) VALUES (?)", (target,))
    connection.execute(f"UPDATE alert_targets SET {change} WHERE name = ?", (*values, target))


def _remove_old(connection: sqlite3.Connection, change: Change) -> None:
    if any(transition.kind == "resolved" for transition in change.transitions):
        old = (
            "FROM alerts WHERE ended_ns < ? OR ended_ns <="
            " (SELECT ended_ns FROM alerts WHERE ended_ns IS NOT NULL"
            " ORDER BY ended_ns DESC LIMIT 1 OFFSET ?)"
        )
        limits = (change.ended_before_ns, MOST_RESOLVED)
        connection.execute(f"DELETE FROM alert_events WHERE alert_id IN (SELECT id {old})", limits)
        connection.execute(f"DELETE {old}", limits)
    connection.execute(
        "DELETE FROM silences WHERE until_ns < ?", (change.at_ns - SILENCES_KEPT_NS,)
    )


def _read(read: Callable[[str], Read], content: str) -> Read:
    try:
        return read(content)
    except FormatError as error:
        raise StoreError(f"a row of the store is damaged: {error}") from error


def _alert(content: str) -> Alert:
    return Alert.from_dict(json.loads(content))


def _notice(content: str) -> Notice | SuggestionNotice | None:
    try:
        if content.startswith(_OF_SUGGESTION):
            return SuggestionNotice.from_json(content)
        return Notice.from_json(content)
    except FormatError:
        return None


def _state(content: str, alert: str | None) -> RuleState:
    try:
        body: dict[str, Any] = json.loads(content)
        opened = None if alert is None else _alert(alert)
        return RuleState(**{**body, "key": RuleKey(**body["key"]), "alert": opened})
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"a stored state of a rule is damaged: {error}.") from error
