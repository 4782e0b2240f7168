from __future__ import annotations

import numpy as np

import modelwatch as mw
from modelwatch.telemetry.wire import encode_logs
from tests import plain_http
from tests.collector.conftest import (
    FEATURE,
    NOW_NS,
    PROTOBUF,
    SECOND,
    Running,
    Start,
    Traffic,
    eventually,
)

MINUTES = 30
HALF_HOUR = {"window": "30m", "end": str(NOW_NS // SECOND)}


def send_minutes(collector: Running, traffic: Traffic, *, shift: float = 0.0) -> None:
    """Send half an hour of one sender's minutes."""
    for back in range(MINUTES):
        profile = traffic.profile(end_ns=NOW_NS - back * 60 * SECOND, rows=120, shift=shift)
        assert collector.post(traffic.body(profile)).status_code == 200
        logs = encode_logs(profile, resource={"service.instance.id": "a"})
        sent = plain_http.post(f"{collector.otlp}/v1/logs", content=logs, headers=PROTOBUF)
        assert sent.status_code == 200


def test_only_this_replica_drifts(start: Start, baseline: mw.Baseline, traffic: Traffic) -> None:
    """Of several instances the one that strays is told, with the feature, and no other."""
    collector = start()
    collector.push(baseline)
    for name in "abcde":
        shift = 25 if name == "c" else 0
        profile = traffic.profile(instance=name, shift=shift, end_ns=NOW_NS - ord(name) * SECOND)
        collector.post(traffic.body(profile))
    answer = plain_http.get(collector.version("/instances"), params={"window": "1h"}).json()
    told = {one["instance"]: one for one in answer["instances"]}
    assert {name: one["state"] for name, one in told.items()} == {
        **dict.fromkeys("abde", "no_drift"),
        "c": "drift",
    }
    assert answer["instances"][0]["instance"] == "c"
    assert [one["name"] for one in told["c"]["features"]] == [FEATURE]
    assert (told["a"]["rows"], answer["rows_taken_as"]) == (500, "dependent")
    page = plain_http.get(collector.page(), params={"window": "1h"}).text
    assert "Instances" in page
    assert ">c<" in page


def test_traffic_becomes_the_baseline(
    start: Start, baseline: mw.Baseline, traffic: Traffic
) -> None:
    """What drifted is normal against the baseline made of it, services get it, and it goes back."""
    collector = start(window_seconds=60, evaluation_interval_seconds=3_600)
    collector.push(baseline)
    send_minutes(collector, traffic, shift=20)
    drift = collector.version("/drift")
    assert plain_http.get(drift, params=HALF_HOUR).json()["state"] == "drift"
    made = plain_http.post(
        collector.version("/baseline/promote"), json={"from": HALF_HOUR, "force": True}
    )
    assert made.status_code == 201
    told = made.json()
    assert (told["rows"], told["promoted_from"]["baseline_id"]) == (3_600, baseline.id)
    assert FEATURE in told["design_effects_measured"]
    fetched = plain_http.get(collector.version("/baseline"))
    assert fetched.headers["etag"] == made.headers["etag"]
    new = mw.Baseline.from_json(fetched.content)
    assert new.id == told["id"]
    assert new.promoted_from is not None
    assert new.promoted_from.end_ns == NOW_NS
    moments = new.profile.features[FEATURE].moments
    assert moments is not None
    assert abs(moments.mean - 60) < 1
    following = Traffic(new)
    assert collector.post(following.body(following.profile(shift=20))).status_code == 200
    assert plain_http.get(drift, params={"window": "1m"}).json()["state"] == "no_drift"
    history = plain_http.get(collector.version("/baselines")).json()["baselines"]
    assert [(one["id"], one["current"]) for one in history] == [
        (new.id, True),
        (baseline.id, False),
    ]
    earlier = collector.version(f"/baselines/{baseline.id}")
    assert plain_http.get(earlier).json()["rows"] == 5_000
    assert plain_http.post(f"{earlier}/promote").status_code == 200
    assert plain_http.get(collector.version("/baseline")).headers["etag"] == f'"{baseline.id}"'
    assert plain_http.post(collector.version("/baselines/none/promote")).status_code == 404


def test_traffic_that_drifts_is_no_baseline_by_mistake(
    start: Start, baseline: mw.Baseline, traffic: Traffic
) -> None:
    """While drift holds a promotion is refused, and too few rows are too."""
    collector = start(window_seconds=60)
    collector.push(baseline)
    send_minutes(collector, traffic, shift=20)
    for back in range(1, 5):
        end = str(NOW_NS // SECOND - 60 * back)
        body = {"window": "1m", "end": end}
        found = plain_http.post(collector.version("/evaluate"), json=body)
        assert found.json()["state"] == "drift"
    address = collector.version("/baseline/promote")
    refused = plain_http.post(address, json={"from": HALF_HOUR})
    assert (refused.status_code, "force" in refused.json()["detail"]) == (409, True)
    few = plain_http.post(address, json={"from": {"window": "1m"}, "force": True})
    assert (few.status_code, "1000" in few.json()["detail"]) == (409, True)
    assert plain_http.post(address, json={"window": "1m"}).status_code == 422


def test_baseline_of_traffic_that_knew_none(
    start: Start, baseline: mw.Baseline, traffic: Traffic
) -> None:
    """Without a baseline one is made of buckets, and the same traffic does not drift from it."""
    collector = start()
    for back in range(MINUTES):
        profile = traffic.profile(end_ns=NOW_NS - back * 60 * SECOND, rows=120, on_baseline=False)
        collector.post(traffic.body(profile))
    made = plain_http.post(collector.version("/baseline/promote"), json={"from": HALF_HOUR})
    assert made.status_code == 201
    new = mw.Baseline.from_json(plain_http.get(collector.version("/baseline")).content)
    assert new.rows == 3_600
    same = {
        FEATURE: np.random.default_rng(1).normal(40, 10, 2_000),
        "country": np.random.default_rng(2).choice(["DE", "FR", "IT"], 2_000, p=[0.5, 0.3, 0.2]),
        "score": np.random.default_rng(3).beta(2, 5, 2_000),
    }
    report = mw.compare(new, same)
    assert {one.severity for one in report.features.values()} == {"none"}
    moved = mw.compare(new, {**same, FEATURE: same[FEATURE] + 25})
    assert moved.features[FEATURE].severity == "drift"
    assert new.features[FEATURE].limits.lower < 0 < 80 < new.features[FEATURE].limits.upper


def test_evaluates_when_asked(start: Start, baseline: mw.Baseline, traffic: Traffic) -> None:
    """An evaluation on demand is answered at once and kept; without a baseline it says so."""
    collector = start(evaluation_interval_seconds=3_600)
    collector.post(traffic.body(traffic.profile(shift=30)))
    address = collector.version("/evaluate")
    assert plain_http.post(address, json={}).status_code == 409
    collector.push(baseline)
    found = plain_http.post(address, json={"window": "1h"}).json()
    assert (found["state"], found["rows"]) == ("drift", 500)
    assert plain_http.get(collector.version("/windows")).json()["windows"] == []
    hours = plain_http.get(collector.version("/windows?window=1h")).json()
    (kept,) = hours["windows"]
    assert (kept["state"], kept["seconds"], hours["window_seconds"]) == ("drift", 3_600, 3_600)


def test_what_was_asked_for_is_no_part_of_the_timeline(
    start: Start, baseline: mw.Baseline, traffic: Traffic
) -> None:
    """Windows of another length, or of the same off its grid, are neither listed nor shown."""
    collector = start()
    collector.push(baseline)
    end_ns = NOW_NS // (60 * SECOND) * 60 * SECOND
    collector.post(traffic.body(traffic.profile(end_ns=end_ns - SECOND)))
    address = collector.version("/windows")
    assert eventually(lambda: len(plain_http.get(address).json()["windows"]) == 1)
    end = end_ns // SECOND
    for asked in ({"window": "1h"}, {"end": str(end + 7)}, {"window": "1h", "end": str(end)}):
        assert plain_http.post(collector.version("/evaluate"), json=asked).status_code == 200
    listed = plain_http.get(address).json()
    (scheduled,) = listed["windows"]
    assert (scheduled["seconds"], listed["next_cursor"]) == (60, None)
    assert len(plain_http.get(f"{address}?window=1h").json()["windows"]) == 2
    assert len(plain_http.get(f"{address}?window=1m").json()["windows"]) == 2
    assert collector_columns(plain_http.get(collector.page()).text) == 1
    drift = plain_http.get(collector.version(f"/drift?end={end}")).json()
    assert drift["persistent"] == {}


def collector_columns(page: str) -> int:
    """Return how many windows the timeline of a page has."""
    head = page.partition('<table class="timeline">')[2].partition("</thead>")[0]
    return head.count('<th scope="col"')
