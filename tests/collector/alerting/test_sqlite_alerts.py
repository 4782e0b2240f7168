"""What is kept of alerts, and for how long."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import pytest

from modelwatch.collector.alerting import sqlite_alerts
from modelwatch.collector.alerting.alert import Alert, Transition
from modelwatch.collector.alerting.alert_store import Change
from modelwatch.collector.alerting.muting import Silence
from modelwatch.collector.alerting.sqlite_alerts import SqliteAlerts
from modelwatch.collector.alerting.state_machine import RuleKey, RuleState
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.errors import StoreError
from tests.collector.alerting.conftest import facts, feature

KEY = RuleKey(model="m", version="1", rule="r")


def alert(alert_id: str, *, ended_ns: int | None = None) -> Alert:
    """Return an alert, resolved where it has an end."""
    return Alert(
        id=alert_id,
        model="m",
        version="1",
        rule="r",
        on="drift",
        state="firing" if ended_ns is None else "resolved",
        severity="critical",
        since_ns=0,
        opened_ns=0,
        last_seen_ns=1,
        ended_ns=ended_ns,
    ).concerning([feature("age")])


def resolved(alert_id: str, *, at_ns: int) -> Transition:
    """Return that an alert was resolved."""
    return Transition(kind="resolved", alert=alert(alert_id, ended_ns=at_ns), at_ns=at_ns)


def kept(alerts: SqliteAlerts) -> list[str]:
    """Return the ids of all alerts that are kept, the newest first."""
    states = ("pending", "firing", "resolved")
    found = alerts.alerts(
        states=states, model=None, may_read=lambda _: True, limit=100, before=None
    ).alerts
    return [one.id for one in found]


async def test_two_open_alerts_of_one_kind_are_refused(store: SqliteStore) -> None:
    """The file itself holds at most one of a model version and rule."""
    alerts = SqliteAlerts(store.database)
    firing = [Transition(kind="firing", alert=alert(name), at_ns=1) for name in ("a", "b")]
    with pytest.raises(StoreError, match="UNIQUE"):
        await alerts.commit(Change(at_ns=1, transitions=firing))
    assert kept(alerts) == []
    assert alerts.history("a") == []


async def test_resolved_alerts_are_kept_for_a_time_and_up_to_a_number(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest go first, with their history; open ones stay."""
    monkeypatch.setattr(sqlite_alerts, "MOST_RESOLVED", 2)
    alerts = SqliteAlerts(store.database)
    opened = Transition(kind="firing", alert=alert("open"), at_ns=1)
    ended = [resolved(name, at_ns=number) for number, name in enumerate("abcd", start=10)]
    await alerts.commit(Change(at_ns=20, transitions=[*ended, opened]))
    assert kept(alerts) == ["open", "d", "c"]
    assert (alerts.history("a"), alerts.alert("a")) == ([], None)
    await alerts.commit(Change(at_ns=30, transitions=[resolved("e", at_ns=30)], ended_before_ns=13))
    assert kept(alerts) == ["e", "open", "d"]


async def test_only_the_latest_windows_are_kept(store: SqliteStore) -> None:
    """As many as the rules look at."""
    alerts = SqliteAlerts(store.database)
    windows = [(("m", "1"), facts(number, "age")) for number in range(9)]
    await alerts.commit(Change(at_ns=1, facts=windows, keep_windows=4))
    assert alerts.load().facts == {("m", "1"): [found for _, found in windows[-4:]]}


async def test_states_and_silences_are_read_back(store: SqliteStore) -> None:
    """As they were, the open alert with them; silences go a week after they ended."""
    alerts = SqliteAlerts(store.database)
    state = RuleState(key=KEY, on="drift", baseline_id="b", through_ns=7, alert=alert("a"))
    silence = Silence(id="s", matchers={"model": "m*"}, created_ns=1, until_ns=5, by="ann")
    await alerts.put_silence(silence)
    await alerts.commit(Change(at_ns=1, states=[state]))
    found = alerts.load()
    assert (list(found.states), list(found.silences)) == ([state], [silence])
    later = Change(at_ns=8 * 86_400 * 10**9, states=[replace(state, alert=None)])
    await alerts.commit(later)
    assert alerts.load().silences == []
    await alerts.commit(Change(at_ns=9, forgotten=[KEY], transitions=[resolved("a", at_ns=9)]))
    assert alerts.load().states == []


async def test_a_damaged_row_is_named(store: SqliteStore) -> None:
    """What cannot be read is an error of the store, and not taken for nothing."""
    alerts = SqliteAlerts(store.database)

    def damage(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO alert_rules VALUES ('m', '1', 'r', '{')")

    await store.database.write(damage)
    with pytest.raises(StoreError, match="damaged"):
        alerts.load()
