from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

import modelwatch as mw
from tests import plain_http
from tests.collector.conftest import Running, Start

NAME = "churn"


def coverage(collector: Running) -> dict[str, int]:
    """Return how many predictions of the model there are, how many have a label, and what waits."""
    address = f"{collector.api}/api/v1/models/{NAME}/versions/1/labels?window=1d"
    told = plain_http.get(address).json()
    return {
        "predictions": told["predictions"],
        "labelled": told["labelled"],
        "waiting": told["of_model"]["waiting"],
    }


def id_of_this() -> str:
    """Return the id of the prediction that is being made."""
    prediction = mw.current_prediction()
    assert prediction is not None
    return prediction.id


def served(watch: mw.Watch, rows: int) -> list[str]:
    """Predict some rows; return the ids that the service answers with."""

    @watch
    def predict(age: float) -> float:
        ids.append(id_of_this())
        return age / 100

    ids: list[str] = []
    for place in range(rows):
        predict(age=float(place))
    return ids


@pytest.fixture
def collector(start: Start, monkeypatch: pytest.MonkeyPatch) -> Running:
    """A collector of today, to which the watches of this process export."""
    running = start(clock=time.time_ns)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", running.otlp)
    return running


def test_labels_of_any_way_join_what_a_service_predicted(collector: Running) -> None:
    """Recorded in the service, sent to the API, or emitted by a client of OpenTelemetry."""
    watch = mw.Watch(NAME, version="1")
    ids = served(watch, 30)
    watch.record_labels(ids[:10], [True] * 10)
    watch.shutdown()
    assert coverage(collector) == {"predictions": 30, "labelled": 10, "waiting": 0}
    lines = "".join(f"{one},0.5\n" for one in ids[10:20])
    answer = plain_http.post(
        f"{collector.api}/api/v1/labels?model={NAME}",
        content=f"prediction_id,label\n{lines}".encode(),
        headers={"content-type": "text/csv"},
    )
    assert answer.json()["joined"] == 10
    record = {
        "eventName": "modelwatch.label",
        "timeUnixNano": str(time.time_ns()),
        "body": {"stringValue": "stayed"},
        "attributes": [
            {"key": "modelwatch.model.name", "value": {"stringValue": NAME}},
            {"key": "modelwatch.prediction.id", "value": {"stringValue": ids[29]}},
        ],
    }
    logs = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}
    answer = plain_http.post(f"{collector.otlp}/v1/logs", json=logs)
    assert (answer.status_code, answer.json()) == (200, {})
    assert coverage(collector) == {"predictions": 30, "labelled": 21, "waiting": 0}


def test_labels_of_predictions_that_were_not_sampled_are_told_apart(collector: Running) -> None:
    """A label whose prediction was never sent does not wait for it, and is none that was lost."""
    watch = mw.Watch(NAME, version="1")
    ids: list[str] = []

    @watch(sample_rate=0.5)
    def predict(age: float) -> float:
        ids.append(id_of_this())
        return age / 100

    for place in range(200):
        predict(age=float(place))
    watch.shutdown()
    kept = coverage(collector)["predictions"]
    assert 50 < kept < 150
    answer = plain_http.post(
        f"{collector.api}/api/v1/labels",
        json={"model": NAME, "labels": [{"prediction_id": one, "label": True} for one in ids]},
    ).json()
    assert (answer["joined"], answer["unsampled"], answer["waiting"]) == (kept, 200 - kept, 0)
    assert coverage(collector) == {"predictions": kept, "labelled": kept, "waiting": 0}


def test_a_push_by_the_command_finds_them(
    collector: Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a job of another machine knows of the same ids is joined as well."""
    from modelwatch.cli import main

    watch = mw.Watch(NAME, version="1")
    ids = served(watch, 5)
    watch.shutdown()
    path = tmp_path / "labels.ndjson"
    path.write_text("".join(f"{json.dumps({'prediction_id': i, 'label': 1})}\n" for i in ids))
    with pytest.raises(SystemExit) as end:
        main(["labels", "push", str(path), "--model", NAME, "--collector", collector.api])
    assert end.value.code == 0, capsys.readouterr()
    assert coverage(collector)["labelled"] == 5
