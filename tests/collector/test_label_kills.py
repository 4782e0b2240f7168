from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import httpx

from modelwatch.collector.storing.maintenance import check
from modelwatch.telemetry.wire import encode_events
from modelwatch.telemetry.wire.outcome_events import prediction_events
from modelwatch.telemetry.wire.outcomes import PredictionRows
from tests import plain_http

MODEL, VERSION = "churn", "3"
PREDICTIONS = 6_000
PROGRAM = """
import sys
from modelwatch.collector.app import CollectorOptions, run
from modelwatch.collector.outcomes import outcome_store
from modelwatch.collector.storing import upkeep
outcome_store.ROWS_A_WRITE = 500  # so that a request has many commits
upkeep.MERGE_SECONDS = 0.1  # so that kills hit it
run(CollectorOptions(store_path=sys.argv[1], otlp_http_port=0, api_port=0))
"""


@contextmanager
def process(store: Path) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """Run a collector as a process of its own; yield it, its OTLP address and that of its API."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(store)], stdout=subprocess.PIPE, text=True
    ) as running:
        try:
            assert running.stdout is not None
            line = running.stdout.readline()
            found = re.fullmatch(r"modelwatch collector: OTLP (\S+), pages (\S+), .+\n", line)
            assert found, line
            yield running, found[1], found[2]
        finally:
            running.kill()


def predictions(ids: list[str]) -> bytes:
    """Return an export of predictions, made now."""
    rows = PredictionRows(
        model=MODEL,
        version=VERSION,
        ids=ids,
        times_ns=[time.time_ns()] * len(ids),
        outputs={"prediction": [place % 2 == 0 for place in range(len(ids))]},
    )
    return encode_events(prediction_events(rows), resource={})


def send(url: str, body: bytes, media_type: str) -> bool:
    """Return whether the collector acknowledged a body."""
    try:
        answer = plain_http.post(
            url, content=body, headers={"content-type": media_type}, timeout=60
        )
    except httpx.HTTPError:
        return False
    return answer.status_code == 200


def test_labels_killed_again_and_again(tmp_path: Path) -> None:
    """Killed between the parts of a push, and pushed again: each label is joined, and once.

    So it is for those that come before their predictions. ``MODELWATCH_TEST_KILLS`` gives the
    number of rounds.
    """
    path, random = tmp_path / "store.sqlite", Random(11)
    ids = [f"{random.getrandbits(64):016x}" for _ in range(PREDICTIONS)]
    first, second = ids[: PREDICTIONS // 2], ids[PREDICTIONS // 2 :]
    lines = [b'{"prediction_id": "%s", "label": true}\n' % one.encode() for one in ids]
    bodies = [
        b"".join(lines),
        b"prediction_id,label\n" + "".join(f"{i},true\n" for i in ids).encode(),
    ]
    types = ["application/x-ndjson", "text/csv"]
    with process(path) as (_, otlp, _api):
        assert send(f"{otlp}/v1/logs", predictions(first), "application/x-protobuf")
    for turn in range(int(os.environ.get("MODELWATCH_TEST_KILLS", "3"))):
        with process(path) as (running, otlp, api):
            timer = threading.Timer(random.uniform(0.05, 0.8), running.kill)
            timer.start()
            place = turn % 2
            send(f"{api}/api/v1/labels?model={MODEL}", bodies[place], types[place])
            send(f"{otlp}/v1/logs", predictions(second), "application/x-protobuf")
            timer.join()
    with process(path) as (running, otlp, api):
        assert send(f"{otlp}/v1/logs", predictions(second), "application/x-protobuf")
        assert send(f"{api}/api/v1/labels?model={MODEL}", bodies[0], types[0])
        address = f"{api}/api/v1/models/{MODEL}/versions/{VERSION}/labels?window=1d"
        told = plain_http.get(address).json()
        running.terminate()
        assert running.wait(timeout=60) == 0
    assert (told["predictions"], told["labelled"]) == (PREDICTIONS, PREDICTIONS)
    labels, kept = told["of_model"]["labels"], told["of_model"]["predictions"]
    assert labels.get("joined", 0) + labels.get("waiting", 0) == PREDICTIONS
    assert labels.get("joined", 0) + kept.get("joined", 0) == PREDICTIONS
    assert kept["stored"] == PREDICTIONS
    assert told["of_model"]["waiting"] == 0
    assert check(path).problems == []
