from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import modelwatch as mw
from modelwatch.collector.alerting.alert import Alert, AlertFeature
from modelwatch.collector.alerting.configuration import parse
from modelwatch.collector.alerting.options import AlertingOptions
from modelwatch.collector.alerting.wording import names_text
from modelwatch.collector.serving.alert_views import alerts_view
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.errors import ConfigurationError
from tests import plain_http
from tests.collector.alerting.conftest import Clock, Configure, Desk, make_alerting, window
from tests.collector.alerting.listening import Listener, listening
from tests.collector.conftest import FEATURE, MODEL, Running, Start, Traffic, eventually

RULE = '[[rules]]\nname = "replica"\non = "instance"\n'
HOOK = '[[notify]]\nname = "hook"\nkind = "webhook"\nurl = "{url}"\n'


def play(running: Running, clock: Clock, traffic: Traffic, number: int, *odd: str) -> None:
    """Send a window of four instances, some of which see other values, and let it end."""
    end_ns = window(number).end_ns - 1
    for instance in ("a", "b", "c", "d"):
        shift = 30.0 if instance in odd else 0.0
        profile = traffic.profile(end_ns=end_ns, shift=shift, instance=instance, rows=400)
        assert running.post(traffic.body(profile)).status_code == 200
    clock.now_ns = window(number).end_ns + 1


def test_one_bad_replica_is_told_of_by_its_name(
    start: Start, traffic: Traffic, baseline: mw.Baseline, tmp_path: Path
) -> None:
    """Two windows in which one of four strays fire an alert that names it; calm ones resolve it."""
    clock = Clock()
    config = tmp_path / "modelwatch.toml"
    with listening() as server:
        config.write_text(RULE + HOOK.format(url=server.url))
        options = AlertingOptions(config_path=config, environment={})
        running = start(clock=clock, alerting=options)
        running.push(baseline)
        for number in range(2):
            play(running, clock, traffic, number, "b")
            assert _are_evaluated(running, number + 1)
        alert = _heard(server, 1)
        assert (alert["on"], alert["severity"]) == ("instance", "critical")
        assert alert["summary"] == "unlike its siblings: b"
        (feature,) = alert["features"]
        assert (feature["name"], feature["features"]) == ("b", [FEATURE])
        assert feature["cause"].startswith(f"strays from its 3 siblings in {FEATURE}")
        listed = plain_http.get(f"{running.api}/api/v1/alerts").json()["alerts"]
        assert [one["id"] for one in listed] == [alert["id"]]
        front = plain_http.get(running.api).text
        assert "unlike its siblings: b" in front
        assert "b strays from its 3 siblings in " in front
        for number in (2, 3):
            play(running, clock, traffic, number)
            assert _are_evaluated(running, number + 1)
        assert _heard(server, 2)["state"] == "resolved"


def _are_evaluated(running: Running, count: int) -> bool:
    address = running.version("/windows")
    return eventually(lambda: len(plain_http.get(address).json()["windows"]) == count)


def _heard(server: Listener, count: int) -> Any:
    assert eventually(lambda: len(server.heard) == count)
    return server.heard[-1].document["alert"]


async def _sent(desk: Desk, traffic: Traffic, number: int) -> None:
    for instance in ("a", "b"):
        end_ns = window(number).end_ns - 1
        profile = traffic.profile(end_ns=end_ns, instance=instance)
        await desk.store.write(traffic.arrivals(profile))
    desk.clock.now_ns = window(number).end_ns + 1
    await desk.scheduler.run_once()


@pytest.mark.parametrize(
    ("rules", "compared"),
    [
        ('[[rules]]\nname = "d"\non = "drift"\n', 0),
        (f'{RULE}models = "another"\n', 0),
        (RULE, 1),
        (f'{RULE}{RULE.replace("replica", "again")}min_severity = "critical"\n', 1),
    ],
    ids=["no rule", "another model", "one rule", "two rules"],
)
async def test_instances_are_read_only_where_a_rule_asks_for_it(
    store: SqliteStore,
    traffic: Traffic,
    baseline: mw.Baseline,
    configure: Configure,
    monkeypatch: pytest.MonkeyPatch,
    rules: str,
    compared: int,
) -> None:
    """Without such a rule of the model nothing is read of senders; with any, once a window."""
    read: list[Any] = []
    real = store.window_by_instance

    def counted(*asked: Any) -> Mapping[str, mw.Profile]:
        read.append(asked)
        return real(*asked)

    monkeypatch.setattr(store, "window_by_instance", counted)
    desk = make_alerting(store, config=configure(rules))
    await store.put_baseline(baseline.model, baseline.version, baseline.id, baseline.to_json())
    for number in range(3):
        await _sent(desk, traffic, number)
        await desk.scheduler.run_once()
    assert len(read) == 3 * compared
    assert {asked[0] for asked in read} <= {MODEL}


@pytest.mark.parametrize(
    ("option", "named"),
    [
        ("estimated = true", "estimated"),
        ("error_rate = 0.1", "error_rate"),
        ("min_rows = 5", "min_rows"),
        ("k = 4\nm = 3", "k"),
    ],
)
def test_options_without_a_meaning_are_refused(option: str, named: str) -> None:
    """A rule of instances takes features, severities, harmless ones, k and m; by name no others."""
    with pytest.raises(ConfigurationError, match=named):
        parse(f"{RULE}{option}\n".encode(), {})
    text = f'{RULE}features = "a*"\nharmless = true\nmin_severity = "critical"\nk = 1\nm = 2\n'
    (rule,) = parse(text.encode(), {}).rules
    assert (rule.k, rule.m) == (1, 2)


def test_several_are_named_as_several() -> None:
    """The summary says of whom it is, and the list of causes which of them does what."""
    strays = [
        AlertFeature(name=name, severity="critical", cause="strays from its 5 siblings in age")
        for name in ("a", "b")
    ]
    alert = Alert(
        id="1",
        model="m",
        version="1",
        rule="r",
        on="instance",
        state="firing",
        severity="critical",
        since_ns=0,
        opened_ns=0,
        last_seen_ns=0,
    ).concerning(strays)
    assert names_text(alert) == "unlike their siblings: a, b"
    (row,) = alerts_view([(alert, "")], now_ns=1).rows
    assert row.causes == tuple(f"{one} strays from its 5 siblings in age" for one in ("a", "b"))
