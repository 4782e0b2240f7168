"""Alerts of a running collector, on its real store."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

import modelwatch as mw
from modelwatch.collector.alerting.alert import Alert
from modelwatch.collector.alerting.facts import WindowFacts, facts_of
from modelwatch.collector.evaluating.evaluation import Evaluator
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.errors import ConfigurationError, StoreError
from tests.collector.alerting.conftest import (
    FIRST,
    WINDOW,
    Configure,
    Desk,
    make_alerting,
    window,
)
from tests.collector.conftest import FEATURE, MODEL, SECOND, VERSION, Traffic, eventually, frame

DRIFT = '[[rules]]\nname = "drift"\non = "drift"\n'
TARGET = '[[notify]]\nname = "hook"\nkind = "webhook"\nurl = "http://127.0.0.1:9/"\n'
SILENT = '[[rules]]\nname = "silence"\non = "no_data"\nk = 2\nmin_windows = 1\n'


async def send(desk: Desk, traffic: Traffic, number: int, *, shift: float = 0.0) -> None:
    """Store the data of one window, and go to its end."""
    end_ns = window(number).end_ns
    await desk.store.write(traffic.arrivals(traffic.profile(end_ns=end_ns, shift=shift)))
    desk.clock.now_ns = max(desk.clock.now_ns, end_ns)


async def play(desk: Desk, traffic: Traffic, letters: str, *, first: int = 0) -> None:
    """Send windows by letters (D drifts, . is calm, - sends nothing), with a round after each."""
    for number, letter in enumerate(letters, start=first):
        if letter == "-":
            desk.clock.now_ns = window(number).end_ns
        else:
            await send(desk, traffic, number, shift=30.0 if letter == "D" else 0.0)
        await desk.scheduler.run_once()


async def push(desk: Desk, baseline: mw.Baseline) -> None:
    """Push the baseline."""
    await desk.store.put_baseline(MODEL, VERSION, baseline.id, baseline.to_json())


def history(desk: Desk, alert: Alert) -> list[str]:
    """Return what happened to an alert."""
    return [event.kind for event in desk.alerts.history(alert.id)]


def listed(desk: Desk, *states: str) -> Sequence[Alert]:
    """Return alerts that the store has."""
    return desk.alerts.alerts(
        states=states, model=None, may_read=lambda _: True, limit=100, before=None
    ).alerts


def waiting(desk: Desk) -> list[str]:
    """Return the notices that wait, of each alert the oldest."""
    found = desk.alerts.due(2**62)
    return [item.notice.kind for item in found if item.notice]


async def test_drift_opens_one_alert_that_resolves_by_itself(
    store: SqliteStore, baseline: mw.Baseline, traffic: Traffic, configure: Configure
) -> None:
    """Two drifting windows fire one alert with its feature and cause, two calm ones resolve it."""
    desk = make_alerting(store, config=configure(DRIFT + TARGET))
    await push(desk, baseline)
    await play(desk, traffic, "D")
    (pending,) = desk.alerting.open_alerts()
    assert (pending.state, waiting(desk)) == ("pending", [])
    await play(desk, traffic, "D", first=1)
    (alert,) = desk.alerting.open_alerts()
    assert (alert.id, alert.state, alert.severity) == (pending.id, "firing", "critical")
    assert [found.name for found in alert.features] == [FEATURE]
    assert alert.causes
    assert alert.since_ns == window(0).start_ns
    assert waiting(desk) == ["firing"]
    await play(desk, traffic, "..", first=2)
    assert desk.alerting.open_alerts() == []
    (ended,) = listed(desk, "resolved")
    assert history(desk, ended) == ["pending", "firing", "resolved"]
    assert ended.last_seen_ns == window(1).end_ns


async def test_rounds_without_news_write_nothing(
    store: SqliteStore, baseline: mw.Baseline, traffic: Traffic, configure: Configure
) -> None:
    """The same windows again make no transition and no notice, in this process and the next."""
    path = configure(DRIFT + TARGET)
    desk = make_alerting(store, config=path)
    await push(desk, baseline)
    await play(desk, traffic, "DD")
    before = listed(desk, "firing")
    for _ in range(3):
        await desk.scheduler.run_once()
    again = make_alerting(store, config=path, clock=desk.clock)
    await again.scheduler.run_once()
    assert listed(desk, "firing") == before
    assert again.alerting.open_alerts() == list(before)
    assert history(desk, before[0]) == ["pending", "firing"]
    assert waiting(desk) == ["firing"]


async def test_what_was_evaluated_and_not_yet_told_is_made_up_for(
    store: SqliteStore, baseline: mw.Baseline, traffic: Traffic, configure: Configure
) -> None:
    """Where the process ends between an evaluation and its alert, the next one tells it."""
    desk = make_alerting(store, config=configure(DRIFT))
    await push(desk, baseline)
    without = make_alerting(store, config=configure(DRIFT), clock=desk.clock)
    for number in range(2):
        await send(without, traffic, number, shift=30.0)
    without.scheduler._listener = None
    assert await without.scheduler.run_once() == 2
    assert desk.alerting.open_alerts() == []
    started = make_alerting(store, config=configure(DRIFT), clock=desk.clock)
    assert await started.scheduler.run_once() == 0
    assert [alert.state for alert in started.alerting.open_alerts()] == ["firing"]


async def test_a_store_that_fails_loses_nothing(
    store: SqliteStore,
    baseline: mw.Baseline,
    traffic: Traffic,
    configure: Configure,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An alert whose commit failed is made in the next round, once."""
    desk = make_alerting(store, config=configure(DRIFT + TARGET))
    await push(desk, baseline)
    await play(desk, traffic, "D")

    async def fail(_: object) -> None:
        raise StoreError("full")

    with monkeypatch.context() as patched:
        patched.setattr(desk.alerts, "commit", fail)
        await play(desk, traffic, "D", first=1)
    assert [alert.state for alert in desk.alerting.open_alerts()] == ["pending"]
    await desk.scheduler.run_once()
    assert [alert.state for alert in desk.alerting.open_alerts()] == ["firing"]
    assert waiting(desk) == ["firing"]


async def test_a_new_baseline_starts_anew(
    store: SqliteStore, baseline: mw.Baseline, traffic: Traffic, configure: Configure
) -> None:
    """What was found against the old one is resolved, and says why."""
    desk = make_alerting(store, config=configure(DRIFT + TARGET))
    await push(desk, baseline)
    await play(desk, traffic, "DD")
    fitted = mw.Baseline.fit(frame(7, 5_000), model=MODEL, version=VERSION, score="score")
    await push(desk, fitted)
    await desk.scheduler.run_once()
    (ended,) = listed(desk, "resolved")
    assert ended.ended_by == "a new baseline was pushed"
    for alert in desk.alerting.open_alerts():
        assert alert.id != ended.id


async def test_silence_of_a_version_is_an_alert_until_it_sends_again(
    store: SqliteStore, traffic: Traffic, configure: Configure
) -> None:
    """No baseline is needed; after two silent windows it fires, and data resolves it."""
    desk = make_alerting(store, config=configure(SILENT))
    await play(desk, traffic, ".-")
    assert desk.alerting.open_alerts() == []
    await play(desk, traffic, "-", first=2)
    (alert,) = desk.alerting.open_alerts()
    assert (alert.state, alert.severity) == ("firing", "critical")
    assert alert.since_ns == window(1).start_ns
    assert "nothing came since" in alert.causes[0]
    await play(desk, traffic, "-", first=3)
    assert [one.id for one in desk.alerting.open_alerts()] == [alert.id]
    await play(desk, traffic, ".", first=4)
    assert desk.alerting.open_alerts() == []
    assert listed(desk, "resolved")[0].ended_by == "it sends again"


async def test_the_time_in_which_the_collector_was_away_is_no_silence(
    store: SqliteStore, traffic: Traffic, configure: Configure
) -> None:
    """One that starts after hours alarms about nobody, and resolves nothing that it finds open."""
    path = configure(SILENT)
    desk = make_alerting(store, config=path)
    await play(desk, traffic, ".")
    desk.clock.forward(50 * WINDOW)
    started = make_alerting(store, config=path, clock=desk.clock)
    await started.scheduler.run_once()
    assert started.alerting.open_alerts() == []
    desk.clock.forward(3 * WINDOW)
    await started.scheduler.run_once()
    assert len(started.alerting.open_alerts()) == 1
    desk.clock.forward(9 * WINDOW)
    once_more = make_alerting(store, config=path, clock=desk.clock)
    await once_more.scheduler.run_once()
    assert len(once_more.alerting.open_alerts()) == 1


@pytest.mark.parametrize(("option", "count"), [("", 0), ("even_if_replaced = true\n", 1)])
async def test_a_version_that_was_replaced_may_be_silent(
    store: SqliteStore, traffic: Traffic, configure: Configure, option: str, count: int
) -> None:
    """Where a later version of the model sends, nobody is told, unless the rule asks for it."""
    desk = make_alerting(store, config=configure(SILENT + option))
    await play(desk, traffic, ".")
    for number in range(1, 5):
        profile = traffic.profile(end_ns=window(number).end_ns)
        profile.version = "4"
        await desk.store.write(traffic.arrivals(profile))
        desk.clock.now_ns = window(number).end_ns
        await desk.scheduler.run_once()
    silent = [alert.version for alert in desk.alerting.open_alerts()]
    assert silent == [VERSION] * count


async def test_a_version_that_hardly_sent_may_be_silent(
    store: SqliteStore, traffic: Traffic, configure: Configure
) -> None:
    """By the rules that hold by themselves, it must have sent in three windows."""
    desk = make_alerting(store)
    await play(desk, traffic, "..-----")
    assert desk.alerting.open_alerts() == []


async def test_nobody_is_told_while_it_is_silenced_and_is_afterwards(
    store: SqliteStore, baseline: mw.Baseline, traffic: Traffic, configure: Configure
) -> None:
    """A silence holds notices back, not alerts; what still fires when it ends is told then."""
    desk = make_alerting(store, config=configure(DRIFT + TARGET))
    await push(desk, baseline)
    silence = await desk.alerting.silence(
        {"model": "churn*"}, until_ns=desk.clock() + 600 * SECOND, by="ann", comment="known"
    )
    await play(desk, traffic, "DD")
    (alert,) = desk.alerting.open_alerts()
    assert desk.alerting.muted_by(alert) == f"silence {silence.id}"
    assert waiting(desk) == []
    assert await desk.alerting.end_silence(silence.id)
    assert not await desk.alerting.end_silence(silence.id)
    await desk.scheduler.run_once()
    assert waiting(desk) == ["firing"]
    again = make_alerting(store, config=configure(DRIFT), clock=desk.clock)
    assert [one.comment for one in again.alerting.silences()] == ["known"]


async def test_an_open_alert_is_repeated_until_it_is_acknowledged(
    store: SqliteStore, baseline: mw.Baseline, traffic: Traffic, configure: Configure
) -> None:
    """It is told again after the repeat interval, once, and no more once a person took note."""
    desk = make_alerting(store, config=configure(DRIFT + 'repeat_interval = "1h"\n' + TARGET))
    await push(desk, baseline)
    await play(desk, traffic, "DD")
    (alert,) = desk.alerting.open_alerts()
    for seconds, notices in ((3_599, 1), (1, 2), (0, 2), (3_600, 3)):
        desk.clock.forward(seconds)
        await desk.scheduler.run_once()
        assert desk.alerting.open_alerts()[0].notices == notices
    noted = await desk.alerting.acknowledge(alert.id, by="ann", comment="on it")
    assert noted is not None
    desk.clock.forward(7_200)
    await desk.scheduler.run_once()
    assert desk.alerting.open_alerts()[0].notices == 3
    assert await desk.alerting.acknowledge("no-such", by="ann", comment="") is None
    again = make_alerting(store, config=configure(DRIFT), clock=desk.clock)
    (kept,) = again.alerting.open_alerts()
    assert kept.acknowledged is not None
    assert (kept.acknowledged.by, kept.acknowledged.comment) == ("ann", "on it")


async def test_a_rule_that_is_taken_away_takes_its_alerts_with_it(
    store: SqliteStore, baseline: mw.Baseline, traffic: Traffic, configure: Configure
) -> None:
    """A reload that removes the rule resolves what it had open, and says why."""
    desk = make_alerting(store, config=configure(DRIFT))
    await push(desk, baseline)
    await play(desk, traffic, "DD")
    configure(DRIFT.replace('"drift"\non', '"other"\non'))
    await desk.alerting.reload()
    await desk.scheduler.run_once()
    assert listed(desk, "resolved")[0].ended_by == "no rule covers it any more"
    assert [alert.rule for alert in desk.alerting.open_alerts()] == ["other"]


async def test_a_wrong_file_changes_nothing_and_is_told(
    store: SqliteStore, configure: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    """The rules in force stay; the log and the status say what is wrong, until it is mended."""
    caplog.set_level(logging.INFO)
    desk = make_alerting(store, config=configure(DRIFT))
    before = desk.alerting.configured.configuration
    configure(DRIFT + "kk = 3\n")
    await desk.alerting.reload()
    assert desk.alerting.configured.configuration is before
    assert "did you mean k?" in desk.alerting.configured.error
    assert "did you mean k?" in await desk.alerting.check()
    assert "did you mean k?" in caplog.text
    configure(DRIFT + "k = 3\n")
    await desk.alerting.reload()
    assert desk.alerting.configured.error == await desk.alerting.check() == ""
    assert desk.alerting.configured.configuration.rules[0].k == 3
    assert "rule 'drift' changed" in caplog.text


def test_a_collector_does_not_start_on_a_wrong_file(
    store: SqliteStore, configure: Configure
) -> None:
    """At the start there is nothing in force to stay with."""
    with pytest.raises(ConfigurationError, match="did you mean on"):
        make_alerting(store, config=configure('[[rules]]\nname = "d"\nonn = "drift"\n'))


async def test_following_reads_the_file_each_time_it_is_asked(
    store: SqliteStore, configure: Configure
) -> None:
    """It goes on until it is told to stop."""
    desk = make_alerting(store, config=configure(DRIFT))
    reload, stop = asyncio.Event(), asyncio.Event()
    following = asyncio.create_task(desk.alerting.follow(reload, stop))
    for k in (1, 2):
        configure(DRIFT + f"k = {k}\n")
        reload.set()
        assert await asyncio.to_thread(eventually, partial(_has, desk, k))
    stop.set()
    async with asyncio.timeout(20):
        await following


def _has(desk: Desk, k: int) -> bool:
    return desk.alerting.configured.configuration.rules[0].k == k


def test_facts_survive_the_store(baseline: mw.Baseline, traffic: Traffic, tmp_path: Path) -> None:
    """What rules know of a window is read back as it was written."""
    store = SqliteStore.open(tmp_path / "facts.sqlite")
    try:
        asyncio.run(
            store.write(traffic.arrivals(traffic.profile(end_ns=window(0).end_ns, shift=30)))
        )
        asyncio.run(store.put_baseline(MODEL, VERSION, baseline.id, baseline.to_json()))
        facts = facts_of(Evaluator(store).assess(MODEL, VERSION, window(0)))
    finally:
        store.close()
    assert facts.features.keys() == {FEATURE}
    assert facts.traffic.rows == 500
    assert facts.window.start_ns == FIRST * WINDOW * SECOND
    assert WindowFacts.from_json(facts.to_json()) == facts
