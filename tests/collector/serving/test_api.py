from __future__ import annotations

import json
from dataclasses import asdict

import httpx
import pytest

import modelwatch as mw
from modelwatch.collector.evaluating.baseline_history import SqliteBaselineHistory
from modelwatch.collector.options import CollectorOptions
from modelwatch.collector.receiving.received import ReceiverCounts
from modelwatch.collector.serving.api import build_api
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.report.drift_report import DriftReport
from modelwatch.telemetry.wire import encode_logs
from tests import plain_http
from tests.collector.alerting.conftest import make_alerting
from tests.collector.conftest import (
    FEATURE,
    MODEL,
    NOW_NS,
    PROTOBUF,
    SECOND,
    VERSION,
    Start,
    Traffic,
    eventually,
    frame,
)


def problem(answer: httpx.Response) -> dict[str, object]:
    """Return the problem that an answer holds."""
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, object] = answer.json()
    assert found["status"] == answer.status_code
    assert str(found["type"]).startswith("urn:modelwatch:problem:")
    return found


def test_whole_path(start: Start, baseline: mw.Baseline, traffic: Traffic) -> None:
    """Baseline pushed, data sent, and the drift of the window is answered as a report."""
    collector = start()
    assert collector.push(baseline).status_code == 201
    assert collector.post(traffic.body(traffic.profile(shift=30))).status_code == 200
    answer = plain_http.get(collector.version("/drift"), params={"window": "1h"}).json()
    report = DriftReport.from_dict(answer)
    assert answer["state"] == "drift"
    assert answer["window"]["seconds"] == 3_600
    assert (report.rows, report.drifted) == (500, True)
    assert report.features[FEATURE].severity == "drift"
    assert report.features["country"].severity == "none"


def test_answers_as_a_comparison_in_process(
    start: Start, baseline: mw.Baseline, traffic: Traffic
) -> None:
    """What the collector finds in metrics and moments is what `mw.compare` finds at the sender.

    But for where findings come from, which the collector knows.
    """
    collector = start()
    collector.push(baseline)
    profiles = [traffic.profile(instance=name, shift=4) for name in "ab"]
    for profile in profiles:
        collector.post(traffic.body(profile))
        logs = encode_logs(profile, resource={"service.instance.id": profile.instance or ""})
        sent = plain_http.post(f"{collector.otlp}/v1/logs", content=logs, headers=PROTOBUF)
        assert sent.status_code == 200
    found = DriftReport.from_dict(plain_http.get(collector.version("/drift")).json())
    expected = mw.compare(baseline, profiles[0].merge(profiles[1]))
    assert found.rows == expected.rows == 1_000
    for name, feature in expected.features.items():
        told, known = asdict(found.features[name]), asdict(feature)
        numbers = {key for key, value in known.items() if isinstance(value, float)}
        assert {key: told[key] for key in numbers} == pytest.approx(
            {key: known[key] for key in numbers}, rel=1e-9
        )
        others = told.keys() - numbers - {"origin", "since_ns"}
        assert {key: told[key] for key in others} == {key: known[key] for key in others}


def test_windows_are_evaluated_by_themselves(
    start: Start, baseline: mw.Baseline, traffic: Traffic
) -> None:
    """A finished window appears in the timeline without being asked for."""
    collector = start()
    collector.push(baseline)
    collector.post(traffic.body(traffic.profile(end_ns=NOW_NS - 90 * SECOND, shift=30)))
    address = collector.version("/windows")
    assert eventually(lambda: bool(plain_http.get(address).json()["windows"]))
    (window,) = plain_http.get(address).json()["windows"]
    assert (window["state"], window["rows"], window["seconds"]) == ("drift", 500, 60)
    assert window["features"][FEATURE]["severity"] == "drift"


def test_models_are_listed(start: Start, baseline: mw.Baseline, traffic: Traffic) -> None:
    """A model is listed with its versions, rows and when it was seen; at first there is none."""
    collector = start()
    address = f"{collector.api}/api/v1/models"
    assert plain_http.get(address).json()["models"] == []
    collector.post(traffic.body())
    (model,) = plain_http.get(address).json()["models"]
    (version,) = model["versions"]
    assert (model["name"], version["version"], version["rows"]) == (MODEL, VERSION, 500)
    assert version["last_seen"] == "2023-11-14T22:13:20.000Z"
    assert version["baseline_id"] is None


def test_tells_what_came_in(start: Start, traffic: Traffic) -> None:
    """Requests, points, resends and refusals are counted, so that a miss can be found."""
    collector = start()
    for body in (traffic.body(), traffic.body(), b"\xff"):
        collector.post(body)
    told = plain_http.get(f"{collector.api}/api/v1/received").json()
    points = traffic.points()
    assert (told["points"], told["duplicates"]) == (points, points)
    assert (told["requests"], told["refused"]) == (3, 1)


def test_unknown_model_names_the_known(start: Start, traffic: Traffic) -> None:
    """An unknown model or version is a 404 that names what is known."""
    collector = start()
    collector.post(traffic.body())
    model = plain_http.get(collector.version("/drift", model="chrun"))
    version = plain_http.get(collector.version("/drift", version="9"))
    assert model.status_code == version.status_code == 404
    assert problem(model)["known_models"] == [MODEL]
    assert problem(version)["known_versions"] == [VERSION]


def test_slash_in_a_name_is_part_of_it(start: Start, traffic: Traffic) -> None:
    """An encoded slash stays within its name; an unencoded one is another path."""
    collector = start()
    collector.post(traffic.body())
    address = collector.version("/windows")
    assert "churn%2Feu" in address
    assert plain_http.get(address).status_code == 200
    assert plain_http.get(address.replace("%2F", "/")).status_code == 404


def test_version_without_baseline_says_so(start: Start, traffic: Traffic) -> None:
    """Without a baseline drift is a 409 with what to do, never "no drift"."""
    collector = start()
    collector.post(traffic.body())
    answer = plain_http.get(collector.version("/drift"))
    assert answer.status_code == 409
    assert problem(answer)["state"] == "no_baseline"
    assert "modelwatch baseline push" in str(problem(answer)["detail"])
    assert plain_http.get(collector.version("/baseline")).status_code == 409


def test_window_without_data_says_so(start: Start, baseline: mw.Baseline) -> None:
    """Without data the state is no_data, and no feature is called free of drift."""
    collector = start()
    collector.push(baseline)
    answer = plain_http.get(collector.version("/drift")).json()
    assert (answer["state"], answer["rows"]) == ("no_data", 0)
    assert {f["severity"] for f in answer["features"].values()} == {"insufficient_data"}


def test_end_chooses_the_window(start: Start, baseline: mw.Baseline, traffic: Traffic) -> None:
    """The same window is found by Unix seconds and by ISO 8601, long after."""
    collector = start()
    collector.push(baseline)
    collector.post(traffic.body(traffic.profile(end_ns=NOW_NS - 86_400 * SECOND)))
    for end in ("1699913600", "2023-11-13T22:13:20Z"):
        answer = plain_http.get(collector.version("/drift"), params={"window": "1m", "end": end})
        assert answer.json()["rows"] == 500
    assert plain_http.get(collector.version("/drift")).json()["state"] == "no_data"


@pytest.mark.parametrize("query", ["window=soon", "window=0s", "end=never", "window=500d"])
def test_unreadable_windows_are_refused(start: Start, baseline: mw.Baseline, query: str) -> None:
    """A window that cannot be read is a 400 with examples of those that can."""
    collector = start()
    collector.push(baseline)
    answer = plain_http.get(f"{collector.version('/drift')}?{query}")
    assert answer.status_code == 400
    assert "give" in str(problem(answer)["detail"])


def test_baseline_comes_back(start: Start, baseline: mw.Baseline) -> None:
    """The current baseline is answered with its id as ETag, and 304 to who has it."""
    collector = start()
    collector.push(baseline)
    address = collector.version("/baseline")
    answer = plain_http.get(address)
    assert mw.Baseline.from_json(answer.text).id == baseline.id
    assert answer.headers["etag"] == f'"{baseline.id}"'
    again = plain_http.get(address, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"format": "modelwatch.baseline", "format_version": 99}',
    ],
)
def test_damaged_baseline_is_refused(start: Start, body: bytes) -> None:
    """A baseline that cannot be read is a 400 that says why, and nothing is stored."""
    collector = start()
    answer = plain_http.put(collector.version("/baseline"), content=body)
    assert answer.status_code == 400
    assert problem(answer)["detail"]
    assert plain_http.get(f"{collector.api}/api/v1/models").json()["models"] == []


def test_damaged_fields_are_refused(start: Start, baseline: mw.Baseline) -> None:
    """A baseline with one damaged field, or with text that is no Unicode, is a 400."""
    collector = start()
    document = json.loads(baseline.to_json())
    escaped = baseline.to_json().replace('"country"', '"\\ud800"')
    for damaged in (json.dumps({**document, "features": 3}), escaped):
        answer = plain_http.put(collector.version("/baseline"), content=damaged)
        assert answer.status_code == 400
        assert problem(answer)["detail"]


def test_baseline_of_another_version_is_refused(start: Start) -> None:
    """A baseline is taken by its own model version only."""
    collector = start()
    other = mw.Baseline.fit(frame(1, 500), model=MODEL, version="4")
    answer = collector.push(other)
    assert answer.status_code == 422
    assert "'4'" in str(problem(answer)["detail"])


def test_operations(start: Start) -> None:
    """Liveness, readiness and the OpenAPI document are served; other paths are a 404."""
    collector = start()
    assert plain_http.get(f"{collector.api}/healthz").status_code == 200
    assert plain_http.get(f"{collector.api}/readyz").status_code == 200
    assert httpx.head(f"{collector.api}/readyz").status_code == 200
    paths = plain_http.get(f"{collector.api}/openapi.json").json()["paths"]
    assert "/api/v1/models/{model}/versions/{version}/drift" in paths
    assert plain_http.get(f"{collector.api}/api/v1/other").status_code == 404
    assert problem(plain_http.get(f"{collector.api}/api/v1/other"))


HOSTILE = {
    "too deep": b"[" * 100_000,
    "score": {"score": -1},
    "label": {"label": []},
    "rows": {"rows": -5},
    "profile": {"profile": {}},
    "not a number": {"rows": float("nan")},
}


@pytest.mark.parametrize("damage", HOSTILE)
def test_hostile_baseline_is_refused(start: Start, baseline: mw.Baseline, damage: str) -> None:
    """Whatever a baseline holds that no baseline can hold, the answer is a 400 that says why."""
    collector = start()
    change = HOSTILE[damage]
    document = json.loads(baseline.to_json())
    body = change if isinstance(change, bytes) else json.dumps(document | change).encode()
    answer = plain_http.put(collector.version("/baseline"), content=body)
    assert answer.status_code == 400
    assert "damaged" in str(problem(answer)["detail"])


def test_wrong_method_names_the_right_ones(start: Start) -> None:
    """A method that a path does not take is a 405, titled so, that lists those that it takes."""
    collector = start()
    answer = plain_http.delete(collector.version("/baseline"))
    assert answer.status_code == 405
    assert problem(answer)["title"] == "Method not allowed"
    assert answer.headers["allow"] == "GET, PUT"
    page = plain_http.post(collector.api)
    assert (page.status_code, page.headers["allow"]) == (405, "GET")


def test_a_lost_store_is_not_ready(start: Start, traffic: Traffic) -> None:
    """Where the store's file is removed, exports are refused with 503, and readiness says so."""
    collector = start()
    assert collector.post(traffic.body()).status_code == 200
    collector.store.unlink()
    assert collector.post(traffic.body(traffic.profile(instance="b"))).status_code == 503
    ready = plain_http.get(f"{collector.api}/readyz")
    assert (ready.status_code, "gone" in ready.text) == (503, True)
    models = plain_http.get(f"{collector.api}/api/v1/models")
    assert models.status_code == 503
    assert problem(models)["title"] == "Store failed"
    assert models.headers["retry-after"] == "2"


@pytest.mark.parametrize("path", ["/api/v1/models", "/"])
async def test_an_unforeseen_fault_shows_nothing(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """A fault of ours is a 500 in the form of every error, without what was inside."""

    def fail() -> None:
        raise KeyError("secret")

    monkeypatch.setattr(store, "versions", fail)
    options = CollectorOptions(store_path=store.path)
    alerting = make_alerting(store)
    app = build_api(
        store,
        alerting.evaluator,
        options,
        ReceiverCounts(),
        alerting.alerting,
        alerting.alerts,
        SqliteBaselineHistory(store.database),
    )
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://collector") as client:
        answer = await client.get(path)
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "log" in answer.text
    if path.startswith("/api"):
        assert problem(answer)["title"] == "Internal error"
