"""Alerts over HTTP: lists, history, taking note, silences, and the pages."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

import modelwatch as mw
from modelwatch.collector.alerting.options import AlertingOptions
from modelwatch.collector.evaluating import scheduler
from tests import plain_http
from tests.collector.conftest import FEATURE, MODEL, NOW_NS, SECOND, Running, Start, Traffic
from tests.collector.conftest import eventually as eventually_true

GRID_NS = NOW_NS - NOW_NS % (60 * SECOND)
RULES = """
[[rules]]
name = "drift"
on = "drift"

[[rules]]
name = "change"
on = "warning"
k = 1
m = 1

[[notify]]
name = "hook"
kind = "webhook"
url = "http://user:pass-word@127.0.0.1:9/path-secret"
headers = { Authorization = "Bearer token-secret" }
"""


@pytest.fixture
def options(tmp_path: Path) -> AlertingOptions:
    """A configuration of two rules and a target that is not there."""
    path = tmp_path / "modelwatch.toml"
    path.write_text(RULES)
    return AlertingOptions(config_path=path, environment=dict(os.environ))


@pytest.fixture
def drifting(
    start: Start, baseline: mw.Baseline, traffic: Traffic, options: AlertingOptions
) -> Running:
    """A collector with two alerts that fire."""
    collector = start(alerting=options)
    collector.push(baseline)
    for windows_ago in (1, 0):
        end_ns = GRID_NS - windows_ago * 60 * SECOND
        collector.post(traffic.body(traffic.profile(end_ns=end_ns, shift=30)))
    assert eventually_true(lambda: len(ask(collector, "/alerts?state=firing")["alerts"]) == 2)
    return collector


def ask(collector: Running, path: str) -> Any:
    """Return an answer of the API."""
    answer = plain_http.get(f"{collector.api}/api/v1{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_alerts_are_listed_in_pages(drifting: Running) -> None:
    """The newest first; each page names where the next one starts, the last one none."""
    whole = ask(drifting, "/alerts")
    assert whole["next_cursor"] is None
    assert {alert["rule"] for alert in whole["alerts"]} == {"drift", "change"}
    first = ask(drifting, "/alerts?limit=1")
    second = ask(drifting, f"/alerts?limit=1&cursor={first['next_cursor']}")
    assert first["alerts"] + second["alerts"] == whole["alerts"]
    assert second["next_cursor"] is None
    assert len(ask(drifting, f"/alerts?model={MODEL}&state=open")["alerts"]) == 2
    assert ask(drifting, "/alerts?model=other")["alerts"] == []
    assert ask(drifting, "/alerts?state=resolved")["alerts"] == []


def test_one_alert_tells_all_of_itself(drifting: Running) -> None:
    """What is wrong, since when, what it concerns and why, and what happened to it."""
    (listed,) = [one for one in ask(drifting, "/alerts")["alerts"] if one["rule"] == "drift"]
    found = ask(drifting, f"/alerts/{listed['id']}")
    assert [event["kind"] for event in found["history"]][-1] == "firing"
    assert (found["state"], found["severity"]) == ("firing", "critical")
    assert found["summary"] == f"drift in {FEATURE}"
    assert [one["name"] for one in found["features"]] == [FEATURE]
    assert found["causes"]
    assert found["since"] == "2023-11-14T22:11:00.000Z"
    assert plain_http.get(found["page"]).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "kind"),
    [
        ("GET", "/alerts/none", None, 404, "unknown-alert"),
        ("GET", "/alerts?state=bad", None, 400, "invalid-parameter"),
        ("GET", "/alerts?limit=0", None, 400, "invalid-parameter"),
        ("GET", "/alerts?cursor=x", None, 400, "invalid-parameter"),
        ("POST", "/alerts/none/acknowledge", {"by": "ann"}, 404, "unknown-alert"),
        ("POST", "/alerts/none/acknowledge", {"bye": "ann"}, 422, "invalid-body"),
        ("POST", "/silences", {"matchers": {}, "duration": "1h", "by": "a"}, 422, "invalid-body"),
        (
            "POST",
            "/silences",
            {"matchers": {"color": "x"}, "duration": "1h", "by": "a"},
            422,
            "invalid-body",
        ),
        ("DELETE", "/silences/none", None, 404, "unknown-silence"),
    ],
)
def test_what_is_wrong_is_a_problem(
    start: Start, method: str, path: str, body: object, status: int, kind: str
) -> None:
    """Each has the one form of errors, and nothing is kept."""
    collector = start()
    answer = httpx.request(method, f"{collector.api}/api/v1{path}", json=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"urn:modelwatch:problem:{kind}"
    assert ask(collector, "/silences")["silences"] == []


def test_a_wrong_body_is_told_by_its_path(start: Start) -> None:
    """As a wrong configuration is."""
    collector = start()
    body = {"matchers": {"model": "*"}, "duratoin": "1h", "by": "ann"}
    answer = plain_http.post(f"{collector.api}/api/v1/silences", json=body)
    detail = answer.json()["detail"]
    assert "duratoin: unknown; did you mean duration?" in detail
    assert "duration: missing; add it." in detail
    broken = plain_http.post(f"{collector.api}/api/v1/silences", content=b"{")
    assert (broken.status_code, "JSON" in broken.json()["detail"]) == (422, True)
    large = plain_http.post(f"{collector.api}/api/v1/silences", content=b" " * 70_000)
    assert large.status_code == 413


def test_taking_note(drifting: Running) -> None:
    """The first who does is noted, in the alert and its history."""
    alert_id = ask(drifting, "/alerts")["alerts"][0]["id"]
    address = f"{drifting.api}/api/v1/alerts/{alert_id}/acknowledge"
    answer = plain_http.post(address, json={"by": "ann", "comment": "on it"})
    assert answer.status_code == 200
    assert answer.json()["acknowledged"]["by"] == "ann"
    plain_http.post(address, json={"by": "bob"})
    found = ask(drifting, f"/alerts/{alert_id}")
    assert (found["acknowledged"]["by"], found["acknowledged"]["comment"]) == ("ann", "on it")
    assert [event["kind"] for event in found["history"]].count("acknowledged") == 1
    assert "acknowledged by ann" in plain_http.get(drifting.api).text


def test_silences_are_set_shown_and_ended(drifting: Running) -> None:
    """While one is in force, the alerts that it is of say so; it is no more once it was ended."""
    address = f"{drifting.api}/api/v1/silences"
    body = {"matchers": {"rule": "drift"}, "duration": "2h", "by": "ann", "comment": "test"}
    made = plain_http.post(address, json=body)
    assert made.status_code == 201
    silence_id = made.json()["id"]
    assert (made.json()["until"], made.json()["in_force"]) == ("2023-11-15T00:13:20.000Z", True)
    muted = {one["rule"]: one["silenced_by"] for one in ask(drifting, "/alerts")["alerts"]}
    assert muted == {"drift": f"silence {silence_id}", "change": None}
    assert [one["id"] for one in ask(drifting, "/silences")["silences"]] == [silence_id]
    assert plain_http.delete(f"{address}/{silence_id}").status_code == 204
    assert plain_http.delete(f"{address}/{silence_id}").status_code == 404
    assert {one["silenced_by"] for one in ask(drifting, "/alerts")["alerts"]} == {None}


def test_the_status_tells_rules_and_targets_but_no_secret(drifting: Running) -> None:
    """What is in force, how it goes with who is told, and nothing that would let others in."""
    assert eventually_true(lambda: ask(drifting, "/alerting")["targets"][0]["failures"] > 0)
    answer = plain_http.get(f"{drifting.api}/api/v1/alerting")
    found = answer.json()
    assert [rule["name"] for rule in found["rules"]] == ["drift", "change"]
    (target,) = found["targets"]
    assert (target["name"], target["place"]) == ("hook", "http://127.0.0.1:9")
    assert "ConnectError" in target["last_error"]
    assert found["configuration"]["error"] is None
    for secret in ("pass-word", "path-secret", "token-secret"):
        assert secret not in answer.text


def test_the_pages_list_alerts(drifting: Running) -> None:
    """On the first page with the model, on the version's page without, both escaped."""
    for address in (drifting.api, drifting.page()):
        page = plain_http.get(address).text
        assert "critical" in page
        assert "rule drift" in page
        assert "<script>alert" not in page


def test_no_alert_is_said_too(start: Start, baseline: mw.Baseline, traffic: Traffic) -> None:
    """Where nothing is wrong, the pages say so."""
    collector = start()
    collector.push(baseline)
    collector.post(traffic.body())
    for address in (collector.api, collector.page()):
        assert "no rule finds anything wrong" in plain_http.get(address).text


def test_the_options_hold_no_secret_in_their_text(options: AlertingOptions) -> None:
    """The environment, which may hold keys, is not shown."""
    assert "geheim" not in repr(replace(options, environment={"KEY": "geheim"}))


def test_silence_is_told_within_a_long_interval(
    start: Start, traffic: Traffic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version that falls silent is an alert, and told once a silence is over, between rounds."""
    monkeypatch.setattr(scheduler, "MOST_QUIET_SECONDS", 0.05)
    path = tmp_path / "modelwatch.toml"
    path.write_text(RULES.replace("drift", "no_data"))
    now = [NOW_NS]
    running = start(
        evaluation_interval_seconds=3_600.0,
        clock=lambda: now[0],
        alerting=AlertingOptions(config_path=path, environment={}),
    )
    for minute in (4, 3, 2):
        profile = traffic.profile(end_ns=NOW_NS - minute * 60 * SECOND, on_baseline=False)
        assert running.post(traffic.body(profile)).status_code == 200
    asked = {"matchers": {"model": "*"}, "duration": "10m", "by": "ann"}
    assert plain_http.post(f"{running.api}/api/v1/silences", json=asked).status_code == 201

    def failures() -> int:
        (target,) = ask(running, "/alerting")["targets"]
        return int(target["failures"])

    now[0] += 290 * SECOND
    assert eventually_true(lambda: bool(ask(running, "/alerts?state=firing")["alerts"]))
    assert failures() == 0
    now[0] += 400 * SECOND
    assert eventually_true(lambda: failures() > 0)
