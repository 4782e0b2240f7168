from __future__ import annotations

import contextlib
import gzip
import importlib.util
import io
import json
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pyarrow as pa
import pytest
from pyarrow import parquet

import modelwatch as mw
from modelwatch.collector.outcomes.protocols import LabelsKept
from modelwatch.collector.receiving.options import ReceivingOptions
from modelwatch.collector.serving import sent_labels
from modelwatch.collector.serving.labels_api import MOST_BODIES
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.errors import StoreBusy
from modelwatch.telemetry.wire import encode_events
from modelwatch.telemetry.wire.outcome_events import prediction_events
from modelwatch.telemetry.wire.outcomes import LabelRows, PredictionRows
from tests import plain_http
from tests.collector.conftest import NOW_NS, PROTOBUF, SECOND, Running, Start, eventually
from tests.collector.security.conftest import StoreTokens, bearer

NAME, VERSION = "churn", "3"
JSON, NDJSON = "application/json", "application/x-ndjson"
CSV, PARQUET = "text/csv", "application/vnd.apache.parquet"


def predict(collector: Running, *ids: str, model: str = NAME) -> None:
    """Send predictions of these ids, made a minute ago."""
    rows = PredictionRows(
        model=model,
        version=VERSION,
        ids=ids,
        times_ns=[NOW_NS - 60 * SECOND] * len(ids),
        outputs={"prediction": [True] * len(ids), "score": [0.75] * len(ids)},
    )
    body = encode_events(prediction_events(rows), resource={})
    answer = plain_http.post(f"{collector.otlp}/v1/logs", content=body, headers=PROTOBUF)
    assert (answer.status_code, answer.content) == (200, b"")


def send(
    collector: Running, body: bytes | Iterator[bytes], media_type: str, **parameters: str
) -> httpx.Response:
    """Send labels of the model."""
    encoding = {"content-encoding": parameters.pop("encoding")} if "encoding" in parameters else {}
    return plain_http.post(
        f"{collector.api}/api/v1/labels",
        content=body,
        params={"model": NAME, **parameters},
        headers={"content-type": media_type, **encoding},
        timeout=60,
    )


def counts(answer: httpx.Response) -> dict[str, int]:
    """Return what became of labels, without what is 0."""
    assert answer.status_code == 200, answer.text
    told = answer.json()
    told.pop("refusals")
    return {name: number for name, number in told.items() if number}


def lines(*objects: dict[str, Any]) -> bytes:
    """Return one object a line."""
    return "".join(f"{json.dumps(one)}\n" for one in objects).encode()


def table(**columns: Any) -> bytes:
    """Return a table as Parquet."""
    target = io.BytesIO()
    parquet.write_table(pa.table(columns), target)
    return target.getvalue()


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        (JSON, b'{"prediction_id": "a", "label": true}'),
        (JSON, b'[{"model": "churn", "prediction_id": "a", "label": true}]'),
        (JSON, b'{"model": "churn", "labels": [{"prediction_id": "a", "label": true}]}'),
        (NDJSON, b'{"prediction_id": "a", "label": true}\n'),
        (CSV, b"prediction_id,label\na,true\n"),
        (PARQUET, table(prediction_id=["a"], label=[True])),
    ],
)
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_every_form_joins_and_keeps_the_type(
    start: Start, media_type: str, body: bytes, encoding: str
) -> None:
    """The same label by any way is the same: what is told once is a duplicate by all others."""
    collector = start()
    predict(collector, "a")
    sent = gzip.compress(body) if encoding == "gzip" else body
    first = send(collector, sent, f"{media_type}; charset=utf-8", encoding=encoding)
    assert counts(first) == {"rows": 1, "joined": 1}
    again = send(collector, b'{"prediction_id": "a", "label": true}', JSON)
    assert counts(again) == {"rows": 1, "duplicates": 1}


def test_what_became_of_labels_is_told(start: Start) -> None:
    """Each kind is counted apart, in the answer, in what came in and as metrics."""
    collector = start()
    predict(collector, "a", "b", "c")
    early, late = NOW_NS - 30 * SECOND, NOW_NS - 10 * SECOND
    told = [
        send(collector, lines(*objects), NDJSON)
        for objects in (
            [
                {"prediction_id": "a", "label": 1, "time": early},
                {"prediction_id": "b", "label": "yes", "time": late},
                {"prediction_id": "c", "label": 0.5, "time": early},
                {"prediction_id": "unseen", "label": False},
            ],
            [
                {"prediction_id": "a", "label": 0, "time": late},
                {"prediction_id": "b", "label": "no", "time": early},
                {"prediction_id": "c", "label": 1.5, "time": early},
                {"prediction_id": "unseen", "label": False},
            ],
            [{"prediction_id": "a", "label": None}],
        )
    ]
    assert [counts(one) for one in told] == [
        {"rows": 4, "joined": 3, "waiting": 1},
        {"rows": 4, "corrected": 1, "outdated": 1, "conflicting": 1, "duplicates": 1},
        {"rows": 1, "taken_back": 1},
    ]
    received = collector.received()
    assert received["predictions"] == {"stored": 3}
    assert received["labels"] == {
        "joined": 3,
        "waiting": 1,
        "corrected": 1,
        "outdated": 1,
        "conflicting": 1,
        "duplicates": 1,
        "taken_back": 1,
    }
    shown = plain_http.get(f"{collector.api}/metrics").text
    assert 'modelwatch_collector_labels_total{outcome="joined"} 3.0' in shown
    assert 'modelwatch_collector_predictions_total{outcome="stored"} 3.0' in shown


def test_a_label_may_come_before_its_prediction(start: Start) -> None:
    """Of a model that nobody knows yet too; the prediction that comes then finds it."""
    collector = start()
    assert counts(send(collector, lines({"prediction_id": "a", "label": 1}), NDJSON)) == {
        "rows": 1,
        "waiting": 1,
    }
    predict(collector, "a")
    assert collector.received()["predictions"] == {"stored": 1, "joined": 1}


def test_bad_rows_keep_no_other_row_back(start: Start) -> None:
    """They are told by their lines, with the remedy; where all are bad, that is an error."""
    collector = start()
    future = NOW_NS + 3_600 * SECOND
    body = lines(
        {"prediction_id": "a", "label": True},
        {"prediction_id": "b"},
        {"prediction_id": "c", "label": True, "time": future},
        {"label": True},
    )
    answer = send(collector, body, NDJSON)
    assert counts(answer) == {"rows": 4, "waiting": 1, "refused": 3}
    refusals = {one["line"]: one for one in answer.json()["refusals"]}
    assert refusals.keys() == {2, 3, 4}
    assert "future" in refusals[3]["problem"]
    assert all(one["remedy"] for one in refusals.values())
    none = send(collector, body.split(b"\n", 1)[1], NDJSON)
    assert (none.status_code, none.json()["title"]) == (422, "Unusable labels")
    assert none.headers["content-type"] == "application/problem+json"
    assert [one["line"] for one in none.json()["refusals"]] == [1, 3, 2]
    assert collector.received()["labels"] == {"waiting": 1, "refused": 6}


def test_rows_may_name_their_models(start: Start) -> None:
    """Those that name none are of the model of the parameter; CSV and Parquet need that."""
    collector = start()
    predict(collector, "a", model="eu")
    body = lines(
        {"model": "eu", "prediction_id": "a", "label": 1}, {"prediction_id": "a", "label": 1}
    )
    assert counts(send(collector, body, NDJSON)) == {"rows": 2, "joined": 1, "waiting": 1}
    nameless = send(collector, body, NDJSON, model="")
    assert counts(nameless) == {"rows": 2, "duplicates": 1, "refused": 1}
    for media_type in (CSV, PARQUET):
        answer = send(collector, b"x", media_type, model="")
        assert (answer.status_code, answer.json()["title"]) == (400, "No model")


def test_columns_may_be_chosen(start: Start) -> None:
    """By parameters, in every form; what is not there is named with what is."""
    collector = start()
    chosen = {"id": "order", "label": "churned", "time": "known"}
    for media_type, body in (
        (CSV, b"x,known,churned,order\n1,1700000000,yes,a\n"),
        (NDJSON, b'{"order": "a", "churned": "yes", "known": 1700000000}'),
        (PARQUET, table(order=["a"], churned=["yes"], known=[1_700_000_000], x=[None])),
    ):
        told = counts(send(collector, body, media_type, **chosen))
        assert told in ({"rows": 1, "waiting": 1}, {"rows": 1, "duplicates": 1})
        if media_type != NDJSON:
            answer = send(collector, body, media_type, **{**chosen, "label": "absent"})
            assert answer.status_code == 400
            assert "'absent'" in answer.json()["detail"]
            assert "'churned'" in answer.json()["detail"]


def test_empty_cells_are_not_known_yet(start: Start) -> None:
    """A row of a table without a label takes none back: it is passed over."""
    collector = start()
    predict(collector, "a", "b")
    send(collector, lines({"prediction_id": "a", "label": 1}), NDJSON)
    told = send(collector, b"prediction_id,label\na,\nb,NA\n", CSV)
    assert counts(told) == {"rows": 2, "unlabelled": 2}
    told = send(collector, table(prediction_id=["a", "b"], label=[None, 2.0]), PARQUET)
    assert counts(told) == {"rows": 2, "unlabelled": 1, "joined": 1}
    again = send(collector, lines({"prediction_id": "a", "label": 1}), NDJSON)
    assert counts(again) == {"rows": 1, "duplicates": 1}


def test_many_labels_are_read_while_they_come(start: Start) -> None:
    """A body without a length, of more rows than are held at once, is taken whole and once."""
    collector = start()
    rows = 30_000

    def parts() -> Iterator[bytes]:
        yield b"prediction_id,label\n"
        for place in range(0, rows, 100):
            yield b"".join(b"id-%d,%d\n" % (one, one % 3) for one in range(place, place + 100))

    assert counts(send(collector, parts(), CSV)) == {"rows": rows, "waiting": rows}
    assert counts(send(collector, b"".join(parts()), CSV)) == {"rows": rows, "duplicates": rows}


@pytest.mark.parametrize(
    ("media_type", "body", "encoding", "status", "named"),
    [
        ("text/plain", b"a", "identity", 415, "application/x-ndjson"),
        ("", b"a", "identity", 415, "text/csv"),
        (NDJSON, b"a", "br", 415, "gzip"),
        (NDJSON, b"no gzip at all, however long it is", "gzip", 400, "not valid gzip"),
        (NDJSON, gzip.compress(b"{}\n" * 99)[:-5], "gzip", 400, "cut short"),
        (NDJSON, b"x" * 2_000_000, "identity", 400, "line 1 is longer"),
        (JSON, b"{", "identity", 400, "no JSON"),
        (JSON, b"[" * 5_000_000, "identity", 400, "application/x-ndjson"),
        (CSV, b"", "identity", 400, "no CSV header"),
        (PARQUET, b"", "identity", 400, "no Parquet file"),
        (PARQUET, b"PAR1" * 99, "identity", 400, "no Parquet file"),
        (PARQUET, table(prediction_id=["a"]), "identity", 400, "no column 'label'"),
        (NDJSON, gzip.compress(b"\n" * 6_000_000), "gzip", 413, "lines"),
        (CSV, gzip.compress(b"x" * 2**22), "gzip", 400, "line 1 is longer"),
    ],
)
def test_what_cannot_be_read_is_a_problem(
    start: Start, media_type: str, body: bytes, encoding: str, status: int, named: str
) -> None:
    """Damaged, bombs and foreign types: each names what is wrong, and no path of this machine."""
    answer = send(start(), body, media_type, encoding=encoding)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert named in answer.json()["detail"]
    assert "/tmp" not in answer.text


def test_without_a_reader_of_parquet_the_remedy_is_told(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A collector without pyarrow, polars or pandas says what to install, or to send."""
    find = importlib.util.find_spec
    libraries = ("pyarrow", "polars", "pandas")
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in libraries else find(name)
    )
    answer = send(start(), table(prediction_id=["a"], label=[1]), PARQUET)
    assert answer.status_code == 415
    assert "pip install" in answer.json()["detail"]
    assert NDJSON in answer.json()["detail"]


def test_a_client_that_leaves_keeps_what_it_sent(start: Start) -> None:
    """What was whole before is committed; what follows when it is sent again is counted once."""
    collector = start()
    body = b"".join(b'{"prediction_id": "%d", "label": 1}\n' % place for place in range(20_000))
    target = urlsplit(collector.api)
    with socket.create_connection((str(target.hostname), int(target.port or 0))) as connection:
        head = (
            f"POST /api/v1/labels?model={NAME} HTTP/1.1\r\nHost: {target.netloc}\r\n"
            f"Content-Type: {NDJSON}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        connection.sendall(head.encode() + body[: len(body) // 2])
    told = counts(send(collector, body, NDJSON))
    assert told.get("duplicates", 0) + told.get("waiting", 0) == told["rows"] == 20_000
    assert counts(send(collector, body, NDJSON)) == {"rows": 20_000, "duplicates": 20_000}


def test_a_client_that_pauses_is_not_waited_for(start: Start) -> None:
    """It is answered with 408, and its place is free again."""
    collector = start(body_timeout_seconds=0.05)

    def slow() -> Iterator[bytes]:
        target = urlsplit(collector.api)
        with socket.create_connection((str(target.hostname), int(target.port or 0))) as connection:
            head = (
                f"POST /api/v1/labels?model={NAME} HTTP/1.1\r\nHost: {target.netloc}\r\n"
                f"Content-Type: {NDJSON}\r\nContent-Length: 99\r\n\r\n"
            )
            connection.sendall(head.encode())
            yield connection.recv(65_536)

    for _ in range(MOST_BODIES + 1):
        (answer,) = slow()
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"connection: close" in answer.lower()


def test_a_store_that_has_no_time_is_asked_again(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is answered with 503 and when to try again; then all is taken, and once."""
    collector = start()
    body = b"prediction_id,label\n" + b"".join(b"id-%d,1\n" % place for place in range(40_000))
    keep, failures = SqliteStore.keep_labels, iter([None, StoreBusy("the queue is full")])

    async def busy(store: SqliteStore, batches: Sequence[LabelRows]) -> LabelsKept:
        failure = next(failures, None)
        if failure is not None:
            raise failure
        return await keep(store, batches)

    monkeypatch.setattr(SqliteStore, "keep_labels", busy)
    answer = send(collector, body, CSV)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert "the queue is full" in answer.json()["detail"]
    told = counts(send(collector, body, CSV))
    assert told["duplicates"] + told["waiting"] == told["rows"] == 40_000
    assert told["duplicates"] > 0


def test_too_many_bodies_at_once_are_refused(start: Start) -> None:
    """One more than there are places is asked to come again, and taken once one has left."""
    collector = start()
    target = urlsplit(collector.api)
    place = (str(target.hostname), int(target.port or 0))
    head = (
        f"POST /api/v1/labels?model={NAME} HTTP/1.1\r\nHost: {target.netloc}\r\n"
        f"Content-Type: {NDJSON}\r\nContent-Length: 99\r\nExpect: 100-continue\r\n\r\n"
    )

    def is_taken() -> bool:
        answer = send(collector, lines({"prediction_id": "a", "label": 1}), NDJSON)
        return answer.status_code == 200

    with contextlib.ExitStack() as open_ones:
        for _ in range(MOST_BODIES):
            connection = open_ones.enter_context(socket.create_connection(place, timeout=60))
            connection.sendall(head.encode())
            assert b"100 Continue" in connection.recv(1_024)  # its body is being read
        answer = send(collector, lines({"prediction_id": "a", "label": 1}), NDJSON)
        assert answer.status_code == 503
        assert "retry-after" in answer.headers
    assert eventually(is_taken)


def test_limits_hold_for_labels(start: Start) -> None:
    """A model beyond the limit is refused row by row, as telemetry of it is."""
    collector = start(receiving=ReceivingOptions(limits={"models": 1}))
    predict(collector, "a")
    body = lines(
        {"prediction_id": "a", "label": 1}, {"model": "b", "prediction_id": "a", "label": 1}
    )
    answer = send(collector, body, NDJSON)
    assert counts(answer) == {"rows": 2, "joined": 1, "refused": 1}
    assert "[limits]" in answer.json()["refusals"][0]["remedy"]


def test_a_token_opens_what_it_may(start: Start, tmp_path: Path) -> None:
    """Who may send telemetry or change things may send labels, of the models it may tell of."""
    tokens = StoreTokens(tmp_path / "store.sqlite")
    asked = {
        "service": (tokens.make("service", "ingest"), 200),
        "boss": (tokens.make("boss", "admin"), 200),
        "reader": (tokens.make("reader", "read"), 403),
        "of-churn": (tokens.make("of-churn", "ingest", "read", models=("churn",)), 200),
        "of-others": (tokens.make("of-others", "ingest", "read", models=("eu-*",)), 422),
        "nobody": ("", 401),
    }
    collector = start()
    address = f"{collector.api}/api/v1/labels?model={NAME}"
    for name, (token, status) in asked.items():
        headers = {"content-type": NDJSON, **(bearer(token) if token else {})}
        answer = plain_http.post(
            address, content=lines({"prediction_id": name, "label": 1}), headers=headers
        )
        assert answer.status_code == status, name
    audit = plain_http.get(f"{collector.api}/api/v1/audit", headers=bearer(asked["boss"][0]))
    assert not [one for one in audit.json()["entries"] if "labels" in one["target"]]


def test_types_are_told_apart(start: Start) -> None:
    """Every form that is taken is described, with the errors that can follow."""
    document = plain_http.get(f"{start().api}/openapi.json").json()
    operation = document["paths"]["/api/v1/labels"]["post"]
    assert operation["requestBody"]["content"].keys() == set(sent_labels.LABEL_TYPES)
    assert operation["x-scopes"] == ["ingest", "admin"]
    assert {"200", "400", "401", "408", "413", "415", "422", "503"} <= operation["responses"].keys()


def test_coverage_and_delay_are_told(start: Start) -> None:
    """Of the predictions of a window, those with a label, and how long these took."""
    collector = start()
    predicted = NOW_NS - 60 * SECOND
    predict(collector, "a", "b", "c", "d")
    address = f"{collector.api}/api/v1/models/{NAME}/versions/{VERSION}/labels?window=1h"
    before = plain_http.get(address).json()
    assert (before["predictions"], before["coverage"], before["delay_seconds"]) == (4, 0.0, None)
    send(
        collector,
        lines(
            *({"prediction_id": one, "label": True, "time": predicted + SECOND} for one in "abc"),
            {"prediction_id": "other", "label": True},
        ),
        NDJSON,
    )
    told = plain_http.get(address).json()
    assert (told["predictions"], told["labelled"], told["coverage"]) == (4, 3, 0.75)
    assert told["of_model"]["waiting"] == 1
    assert told["of_model"]["labels"] == {"joined": 3, "waiting": 1}
    assert told["of_model"]["predictions"] == {"stored": 4}
    empty = plain_http.get(f"{address}&end=1000000").json()
    assert (empty["predictions"], empty["coverage"]) == (0, None)
    unknown = plain_http.get(address.replace(NAME, "nobody"))
    assert (unknown.status_code, unknown.json()["title"]) == (404, "Unknown model")


def test_delays_are_those_of_the_current_baseline(start: Start) -> None:
    """Once a baseline says what is predicted, the joined rows tell how long labels took."""
    collector = start()
    scores = [place / 200 for place in range(200)]
    baseline = mw.Baseline.fit(
        {"x": scores, "score": scores, "prediction": [p > 0.5 for p in scores],
         "label": [p > 0.4 for p in scores]},
        model=NAME, version=VERSION, score="score", prediction="prediction", label="label",
    )  # fmt: skip
    path = f"{collector.api}/api/v1/models/{NAME}/versions/{VERSION}"
    assert plain_http.put(f"{path}/baseline", content=baseline.to_json()).status_code == 201
    predict(collector, "a", "b")
    known = NOW_NS - 30 * SECOND
    rows = [{"prediction_id": one, "label": True, "time": known} for one in "ab"]
    assert counts(send(collector, lines(*rows), NDJSON)) == {"rows": 2, "joined": 2}

    def delays() -> dict[str, float]:
        told: dict[str, float] = plain_http.get(f"{path}/labels?window=1h").json()["delay_seconds"]
        return told

    assert eventually(lambda: delays() is not None)
    told = delays()
    assert 10 < told["p50"] <= told["p90"] <= told["p99"] <= 30
