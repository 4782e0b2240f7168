"""Predictions and labels in, and what they were worth out: API, page, metrics and alerts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score

import modelwatch as mw
from modelwatch.collector.storing.database import Database
from modelwatch.collector.storing.sqlite_store import SqliteStore
from tests import plain_http
from tests.collector.conftest import NOW_NS, Running, Start, eventually
from tests.collector.labelled_traffic import ROWS, LabelledTraffic, labelled_baseline, minute
from tests.labelled_tables import Table, is_yes

MINUTES = 20
CHANGED = 10
"""The relation is another one in so many of the latest minutes."""

UNLABELLED = 3
"""Labels of so many of the latest minutes have not come."""


@pytest.fixture(scope="module")
def classifier() -> mw.Baseline:
    """A classifier's baseline with labels."""
    return labelled_baseline()


def table_of(traffic: LabelledTraffic, back: int) -> Table:
    """Return the rows of a minute: in the latest ones, a third has another truth."""
    return traffic.table(back, flipped=0.33 if back < CHANGED else 0.0)


def fill(path: Path, baseline: mw.Baseline, *, labelled: bool = True) -> LabelledTraffic:
    """Write a collector's store."""

    async def send() -> LabelledTraffic:
        store = SqliteStore(Database(path), window_seconds=60, clock=lambda: NOW_NS)
        traffic = LabelledTraffic(store, baseline)
        await traffic.put_baseline()
        for back in reversed(range(MINUTES)):
            await traffic.send(back, table_of(traffic, back))
        for back in reversed(range(UNLABELLED, MINUTES)) if labelled else ():
            await traffic.label(back, table_of(traffic, back))
        await store.tidy()
        store.close()
        return traffic

    return asyncio.run(send())


def alerts(collector: Running) -> dict[str, Any]:
    """Return the firing alerts by their rule."""
    found = plain_http.get(f"{collector.api}/api/v1/alerts").json()["alerts"]
    return {alert["rule"]: alert for alert in found if alert["state"] == "firing"}


def series(collector: Running, name: str) -> dict[str, float]:
    """Return the values of a metric by the text of its labels."""
    lines = plain_http.get(f"{collector.api}/metrics").text.splitlines()
    found = [line.rsplit(" ", 1) for line in lines if line.startswith((f"{name}{{", f"{name} "))]
    return {labels: float(value) for labels, value in found}


def test_a_changed_relation_is_told_wherever_one_looks(
    start: Start, classifier: mw.Baseline, tmp_path: Path
) -> None:
    """Alerts, the API, /metrics and the page tell what labels proved, though they came late."""
    traffic = fill(tmp_path / "store.sqlite", classifier)
    collector = start()
    assert eventually(lambda: {"performance", "concept drift"} <= alerts(collector).keys())
    fired = alerts(collector)
    assert "drift" not in fired
    assert "relation" in " ".join(fired["concept drift"]["causes"])
    assert any(
        cause.startswith("errors rose from 0.2") for cause in fired["concept drift"]["causes"]
    )
    assert "relation" in " ".join(fired["performance"]["causes"])

    told = plain_http.get(collector.version("/performance?limit=20")).json()
    assert [one["labels"]["labelled"] for one in told["windows"]] == (
        [ROWS] * (MINUTES - UNLABELLED) + [0] * UNLABELLED
    )
    assert [one["labels"]["still_coming"] for one in told["windows"]][-4:] == [
        False, True, True, True,
    ]  # fmt: skip
    latest = told["windows"][-UNLABELLED - 1]
    table = table_of(traffic, UNLABELLED)
    accuracy = accuracy_score(is_yes(table, "label"), is_yes(table, "predicted"))
    found = latest["metrics"]["accuracy"]
    assert found["realized"]["value"] == accuracy
    assert found["verdict"] == "concept drift"
    assert found["estimated"]["lower"] > accuracy
    assert told["segments"] == ["eu", "us"]

    concept = plain_http.get(collector.version("/concept")).json()
    (change,) = concept["changes"]
    assert change["direction"] == "rise"
    assert concept["changed_since"] == change["began"]
    began = np.datetime64(change["began"].removesuffix("Z"), "ns").astype(np.int64)
    assert minute(CHANGED).start_ns <= began <= minute(CHANGED - 2).end_ns
    assert concept["verdict"]["verdict"] == "concept drift"
    assert concept["labels"] == ROWS * (MINUTES - UNLABELLED)

    realized = series(collector, "modelwatch_performance_value")
    (name,) = [one for one in realized if 'kind="realized",metric="accuracy"' in one]
    assert realized[name] == pytest.approx(accuracy)
    assert list(series(collector, "modelwatch_label_coverage_ratio").values()) == [1.0]
    ends = series(collector, "modelwatch_realized_window_end_timestamp_seconds")
    assert list(ends.values()) == [minute(UNLABELLED).end_ns / 1e9]
    since = series(collector, "modelwatch_concept_changed_timestamp_seconds")
    assert list(since.values()) == [pytest.approx(began / 1e9)]

    page = plain_http.get(collector.page()).text
    assert "Changes found in the errors" in page
    assert "Latest window with enough labels" in page
    assert "labels push" not in page
    chart = plain_http.get(f"{collector.api}{chart_of(page)}")
    assert chart.status_code == 200
    assert chart.headers["content-type"] == "image/svg+xml"


def test_a_model_without_labels_is_told_how_to_send_them(
    start: Start, classifier: mw.Baseline, tmp_path: Path
) -> None:
    """What is estimated is shown, with the line that sends labels; nothing is realised."""
    fill(tmp_path / "store.sqlite", classifier, labelled=False)
    collector = start()
    assert eventually(lambda: bool(series(collector, "modelwatch_label_coverage_ratio")))
    page = plain_http.get(collector.page()).text
    assert "No labels have come yet" in page
    assert "modelwatch labels push" in page
    assert plain_http.get(f"{collector.api}{chart_of(page)}").status_code == 200
    told = plain_http.get(collector.version("/performance?limit=3&segment=eu")).json()
    assert [one["metrics"] for one in told["windows"]] == [{}, {}, {}]
    concept = plain_http.get(collector.version("/concept")).json()
    assert concept["changes"] == []
    assert concept["verdict"] is None
    assert not any("realized" in one for one in series(collector, "modelwatch_performance_value"))


def chart_of(page: str) -> str:
    """Return the address of the chart of performance on a page."""
    start = page.index("/charts/performance.svg")
    return page[start : page.index('"', start)].replace("&amp;", "&")


def test_a_version_is_told_of_by_name_alone(start: Start, classifier: mw.Baseline) -> None:
    """Unknown versions and limits beyond what is evaluated for one answer are refused."""
    collector = start()
    assert collector.push(classifier).status_code == 201
    assert plain_http.get(collector.version("/performance", version="9")).status_code == 404
    assert plain_http.get(collector.version("/concept", model="other")).status_code == 404
    refused = plain_http.get(collector.version("/performance?window=5m&limit=100"))
    assert refused.status_code == 400
    assert "limit is 100: give 48 at most" in refused.json()["detail"]
    assert plain_http.get(collector.version("/performance?limit=100")).json()["windows"] == []
