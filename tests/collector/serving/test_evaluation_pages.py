from __future__ import annotations

import json
from pathlib import Path

import pytest

import modelwatch as mw
from modelwatch.collector.serving.evaluation_pages import EvaluationPage
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.collector.storing.store import Evaluation
from modelwatch.collector.windows import TimeWindow
from modelwatch.persistence import Persistence
from tests import plain_http
from tests.collector.conftest import MODEL, NOW_NS, SECOND, VERSION, Start, Traffic

LAST_NS = NOW_NS // (60 * SECOND) * 60 * SECOND
KINDS = (("a", 60, 0), ("b", 60, 0), ("c", 60, 0))


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
async def test_pages_hold_each_evaluation_once(
    store: SqliteStore, baseline: mw.Baseline, traffic: Traffic, limit: int
) -> None:
    """Page after page every evaluation is told once, also those of windows that end together.

    Those of another length, or beside the grid, are on no page.
    """
    report = json.dumps(mw.compare(baseline, traffic.profile()).to_dict())
    told = []
    for number in range(4):
        end_ns = LAST_NS - number * 600 * SECOND
        for baseline_id, seconds, beside in (*KINDS, ("b", 120, 0), ("b", 60, 7)):
            window = TimeWindow.ending(end_ns - beside * SECOND, seconds=seconds)
            evaluation = Evaluation(
                baseline_id=baseline_id,
                window=window,
                through_id=1,
                evaluated_ns=NOW_NS + ord(baseline_id),
                report=report,
            )
            await store.record_evaluation(MODEL, VERSION, evaluation)
            if (baseline_id, seconds, beside) in KINDS:
                told.append((window, baseline_id))
    found: list[tuple[TimeWindow, str]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = EvaluationPage.read(store, MODEL, VERSION, cursor, limit, Persistence(), seconds=60)
        assert 0 < len(page.windows) <= limit
        read = [one.evaluation for one in page.windows]
        found = [(one.window, one.baseline_id) for one in read] + found
        cursor = page.next_cursor
    assert found == sorted(told, key=lambda one: (one[0].end_ns, one[1]))


def test_models_are_paged(start: Start, tmp_path: Path) -> None:
    """The list of models goes on where the page before ended, each model whole."""
    collector = start()
    for name in ("b", "a", "é"):
        for version in ("1", "2"):
            data = {"x": [float(row) for row in range(200)]}
            fitted = mw.Baseline.fit(data, model=name, version=version)
            address = collector.version("/baseline", model=name, version=version)
            assert plain_http.put(address, content=fitted.to_json()).status_code == 201
    address = f"{collector.api}/api/v1/models"
    first = plain_http.get(address, params={"limit": 2}).json()
    second = plain_http.get(address, params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [model["name"] for model in first["models"]] == ["a", "b"]
    assert [(model["name"], len(model["versions"])) for model in second["models"]] == [("é", 2)]
    assert second["next_cursor"] is None
    wrong = plain_http.get(address, params={"cursor": "x"})
    assert (wrong.status_code, wrong.json()["type"]) == (
        400, "urn:modelwatch:problem:invalid-cursor",
    )  # fmt: skip
