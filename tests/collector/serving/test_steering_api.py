from __future__ import annotations

import sqlite3
from pathlib import Path

import httpx
import pytest

import modelwatch as mw
from modelwatch.collector.storing import schema
from modelwatch.collector.storing.schema_steps import STEPS
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.telemetry.steering import FeatureLimits, Steering
from tests import plain_http
from tests.collector.conftest import FEATURE, MODEL, VERSION, Start, Traffic


def test_a_document_is_kept_and_told_by_its_tag(start: Start, traffic: Traffic) -> None:
    """What was put is answered with a strong entity tag, and 304 to who knows it."""
    collector = start()
    collector.post(traffic.body())
    address = collector.version("/capture")
    first = plain_http.get(address)
    assert Steering.from_json(first.content) == Steering()
    body = {"sample_rate": 0.25, "outlier_limits": {FEATURE: {"upper": 90}}}
    put = plain_http.put(address, json=body)
    assert put.status_code == 200
    found = plain_http.get(address)
    limits = {FEATURE: FeatureLimits(upper=90.0)}
    assert Steering.from_json(found.content) == Steering(sample_rate=0.25, outlier_limits=limits)
    assert found.headers["etag"] == put.headers["etag"] != first.headers["etag"]
    assert found.headers["etag"].startswith('"')
    known = plain_http.get(address, headers={"If-None-Match": found.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")
    stale = plain_http.get(address, headers={"If-None-Match": first.headers["etag"]})
    assert stale.status_code == 200


def test_a_document_is_replaced_and_removed(start: Start, baseline: mw.Baseline) -> None:
    """PUT replaces the whole, DELETE ends it; a version that is not known is none to steer."""
    collector = start()
    address = collector.version("/capture")
    for method in ("GET", "PUT", "DELETE"):
        answer = httpx.request(method, address, content=b"{}" if method == "PUT" else None)
        assert (answer.status_code, answer.json()["title"]) == (404, "Unknown model")
    collector.push(baseline)
    plain_http.put(address, json={"enabled": False})
    plain_http.put(address, json={"max_rows_per_second": 5})
    assert Steering.from_json(plain_http.get(address).content) == Steering(max_rows_per_second=5.0)
    assert plain_http.delete(address).status_code == 204
    assert Steering.from_json(plain_http.get(address).content) == Steering()
    assert plain_http.post(address).headers["allow"] == "DELETE, GET, PUT"


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        (b"{", 422, "not JSON"),
        (b'{"rate": 1}', 422, "'rate'"),
        (b'{"sample_rate": 2}', 422, "sample_rate"),
        (b"x" * 1_100_000, 413, "larger"),
    ],
)
def test_a_wrong_document_is_a_problem(
    start: Start, baseline: mw.Baseline, body: bytes, status: int, named: str
) -> None:
    """It is refused with what is wrong, and nothing is stored."""
    collector = start()
    collector.push(baseline)
    answer = plain_http.put(collector.version("/capture"), content=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert named in answer.json()["detail"]
    assert Steering.from_json(plain_http.get(collector.version("/capture")).content) == Steering()


def test_the_page_says_that_capture_is_steered(start: Start, traffic: Traffic) -> None:
    """Whoever looks at sparse data reads that it was asked for."""
    collector = start()
    collector.post(traffic.body())
    assert "Capture is steered" not in plain_http.get(collector.page()).text
    body = {"enabled": False, "sample_rate": 0.05, "max_rows_per_second": 2}
    plain_http.put(collector.version("/capture"), json=body)
    said = "Capture is steered: off, 5% of the calls, at most 2 rows a second."
    assert said in plain_http.get(collector.page()).text


async def test_a_store_of_the_first_schema_is_taken_over(
    tmp_path: Path, baseline: mw.Baseline
) -> None:
    """A file of an older release keeps what it holds, and takes what is new."""
    path = tmp_path / "old.sqlite"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(
        f"{STEPS[0]}PRAGMA application_id = {schema.APPLICATION_ID};"
        "PRAGMA user_version = 1;"
        "INSERT INTO versions (model, version, row_count) VALUES ('m', '1', 7);"
    )
    connection.close()
    for _ in range(2):
        store = SqliteStore.open(path)
        assert [(seen.model, seen.rows) for seen in store.versions()] == [("m", 7)]
        await store.put_steering("m", "1", Steering(sample_rate=0.5))
        assert store.steering("m", "1") == Steering(sample_rate=0.5)
        store.close()


def test_a_running_watch_is_steered(start: Start, baseline: mw.Baseline) -> None:
    """From the collector's API to the watch, baseline and steering by one address."""
    collector = start()
    collector.push(baseline)
    plain_http.put(collector.version("/capture"), json={"enabled": False})
    watch = mw.Watch(MODEL, version=VERSION, baseline=collector.api, endpoint=collector.otlp)
    watch._pipeline.source.seek(wait_seconds=30)
    assert watch.baseline is not None
    assert watch.baseline.id == baseline.id
    assert watch.recorder.steering == Steering(enabled=False)
    watch.shutdown(timeout_seconds=5)
