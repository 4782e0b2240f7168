from __future__ import annotations

import gzip
import io
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from modelwatch.cli.label_pushing import pushed
from modelwatch.cli.resending import TRIES, ResendingClient
from modelwatch.collector.labels.formats import ColumnNames, LabelFormat
from modelwatch.errors import CollectorError
from modelwatch.telemetry.wire import encode_events
from modelwatch.telemetry.wire.outcome_events import prediction_events
from modelwatch.telemetry.wire.outcomes import PredictionRows
from tests import plain_http
from tests.cli.conftest import Outcome, Run

IDS = [f"order-{place}" for place in range(50)]
CLOSED = "http://127.0.0.1:1"


@pytest.fixture
def push(run: Run, running_collector: dict[str, str]) -> Callable[..., Outcome]:
    """Push to a collector that has a prediction of each id."""
    rows = PredictionRows(
        model="churn",
        version="3",
        ids=IDS,
        times_ns=[time.time_ns()] * len(IDS),
        outputs={"prediction": [True] * len(IDS)},
    )
    answer = plain_http.post(
        f"{running_collector['otlp']}/v1/logs",
        content=encode_events(prediction_events(rows), resource={}),
        headers={"content-type": "application/x-protobuf"},
    )
    assert answer.status_code == 200

    def push_file(*arguments: str | Path, model: str = "churn") -> Outcome:
        named = ["--model", model] if model else []
        url = running_collector["pages"]
        return run("labels", "push", *arguments, *named, "--collector", url)

    return push_file


def told(outcome: Outcome) -> dict[str, str]:
    """Return the table: what became of labels, and how many."""
    rows = [line.strip("│┃ ").split("│") for line in outcome.out.splitlines()]
    return {row[1].strip(): row[0].strip() for row in rows if len(row) == 2}


def labels_file(path: Path) -> Path:
    """Write labels of all ids, in the form that the name tells."""
    frame = pl.DataFrame({"prediction_id": IDS, "label": [place % 2 == 0 for place in range(50)]})
    rows = frame.to_dicts()
    name = path.name.removesuffix(".gz")
    if name.endswith("parquet"):
        frame.write_parquet(path)
    elif name.endswith("arrow"):
        frame.write_ipc(path)
    else:
        text = {
            "a.csv": frame.write_csv(),
            "a.ndjson": frame.write_ndjson(),
            "a.jsonl": frame.write_ndjson(),
            "a.json": json.dumps({"model": "churn", "labels": rows}),
        }[name].encode()
        path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def test_every_kind_of_file_is_pushed(push: Callable[..., Outcome], tmp_path: Path) -> None:
    """The first joins, and each other tells the same labels, which are not counted twice."""
    first = push(labels_file(tmp_path / "a.csv"))
    assert (first.status, told(first)) == (0, {"joined with their prediction": "50"})
    for name in ("a.csv.gz", "a.ndjson", "a.jsonl", "a.jsonl.gz", "a.json", "a.parquet", "a.arrow"):
        again = push(labels_file(tmp_path / name))
        assert (again.status, told(again)) == (0, {"were there already": "50"}), name


@pytest.mark.parametrize("kind", ["csv", "ndjson", "json", "parquet"])
def test_standard_input_is_pushed(
    push: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """In every form; NDJSON where none is told."""
    content = labels_file(tmp_path / f"a.{kind}").read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    named = ["--format", kind] if kind != "ndjson" else []
    outcome = push("-", *named)
    assert told(outcome) == {"joined with their prediction": "50"}, outcome.err


def test_refused_rows_are_told_by_their_lines(push: Callable[..., Outcome], tmp_path: Path) -> None:
    """Those that the file spoils, and those that the collector refuses; status 1."""
    path = tmp_path / "a.csv"
    path.write_text(
        "order,churned,known\norder-1,yes,2100-01-01\norder-2,no,soon\norder-3,,\norder-4,no,\n"
    )
    columns = ("--id", "order", "--label", "churned", "--time", "known")
    outcome = push(path, *columns)
    assert outcome.status == 1
    assert told(outcome) == {
        "joined with their prediction": "1",
        "have no label yet": "1",
        "refused": "2",
    }
    assert "line 2: a time in the future" in outcome.err
    assert "line 3: time 'soon'" in outcome.err


def test_a_dry_run_sends_nothing(run: Run, tmp_path: Path) -> None:
    """It says what can be read, without a collector."""
    good = labels_file(tmp_path / "a.csv")
    arguments = ("--model", "churn", "--dry-run", "--collector", CLOSED)
    outcome = run("labels", "push", good, *arguments)
    assert (outcome.status, told(outcome)) == (0, {"can be read": "50"})
    bad = tmp_path / "b.csv"
    bad.write_text("prediction_id,label\n,1\n")
    outcome = run("labels", "push", bad, *arguments)
    assert (outcome.status, told(outcome)) == (1, {"refused": "1"})
    empty = tmp_path / "c.csv"
    empty.write_text("prediction_id,label\n")
    outcome = run("labels", "push", empty, *arguments)
    assert (outcome.status, outcome.out) == (0, "The file holds no labels.\n")


@pytest.mark.parametrize(
    ("name", "content", "arguments", "named"),
    [
        ("a.csv", "prediction_id,label\n", (), "--model"),
        ("a.txt", "x", ("--model", "m"), "--format"),
        ("a.csv", "id,label\n", ("--model", "m"), "'prediction_id'"),
        ("a.json", "{", (), "no JSON"),
        ("a.csv.gz", "no gzip", ("--model", "m"), "a.csv.gz"),
        ("a.parquet", "no parquet", ("--model", "m"), "a.parquet"),
        ("a.csv", None, ("--model", "m"), "a.csv"),
        ("a.parquet", None, ("--model", "m"), "a.parquet"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(
    run: Run, tmp_path: Path, name: str, content: str | None, arguments: tuple[str, ...], named: str
) -> None:
    """It names what is wrong and the remedy, with status 2."""
    if content is not None:
        (tmp_path / name).write_text(content)
    outcome = run("labels", "push", tmp_path / name, *arguments, "--collector", CLOSED)
    assert outcome.status == 2
    assert named in outcome.err
    assert len(outcome.err.splitlines()) == 1


def test_no_collector_is_said_at_once(run: Run, tmp_path: Path) -> None:
    """An address that never answered is not tried for minutes."""
    outcome = run(
        "labels", "push", labels_file(tmp_path / "a.csv"), "--model", "m", "--collector", CLOSED
    )
    assert outcome.status == 2
    assert CLOSED in outcome.err
    assert "modelwatch collector" in outcome.err


@contextmanager
def answering(*statuses: int) -> Iterator[tuple[str, list[bytes]]]:
    """Run a server that answers labels in turn with these statuses; yield what it was sent."""
    left, bodies = list(statuses), list[bytes]()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            bodies.append(gzip.decompress(self.rfile.read(int(self.headers["content-length"]))))
            status = left.pop(0) if len(left) > 1 else left[0]
            rows = bodies[-1].count(b"\n")
            answer = {"rows": rows, "waiting": rows, "refused": 0, "refusals": []}
            content = json.dumps(answer if status == 200 else {"detail": "busy"}).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.send_header("retry-after", "3")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", bodies
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def post(url: str, pauses: list[float]) -> tuple[int, Any]:
    """Post one label; note how long is waited between tries."""
    with ResendingClient(url, pause=pauses.append) as client:
        return client.post("/api/v1/labels", b"x\n", media_type="a/b", parameters={})


def test_a_collector_without_time_is_asked_again() -> None:
    """After pauses that grow, and are as long as it asks for; the same body each time."""
    pauses: list[float] = []
    with answering(503, 429, 503, 503, 200) as (url, bodies):
        status, told = post(url, pauses)
    assert (status, told["rows"]) == (200, 1)
    assert pauses == [3.0, 3.0, 4.0, 8.0]
    assert bodies == [b"x\n"] * 5


@pytest.mark.parametrize(("status", "tries"), [(503, TRIES), (400, 1), (401, 1), (500, 1)])
def test_a_collector_that_refuses_is_believed(status: int, tries: int) -> None:
    """What can never be taken is not sent again, and what cannot for minutes is given up."""
    pauses: list[float] = []
    with answering(status) as (url, bodies), pytest.raises(CollectorError, match="refused: busy"):
        post(url, pauses)
    assert (len(bodies), len(pauses)) == (tries, tries - 1)


def test_what_was_taken_is_said_where_it_ends_early(tmp_path: Path) -> None:
    """The error of a push that stops says how far it came, and that it can be repeated."""
    path = tmp_path / "many.csv"
    path.write_text("prediction_id,label\n" + "".join(f"{place},1\n" for place in range(45_000)))
    refused = pytest.raises(CollectorError, match="The first 40,000 labels were taken: push")
    with answering(200, 200, 401) as (url, bodies), refused:
        pushed(path, ColumnNames(), url, model="m", kind=LabelFormat.CSV, progress=lambda _: None)
    assert [body.count(b"\n") for body in bodies] == [20_000, 20_000, 5_000]


def test_another_server_is_no_collector(tmp_path: Path, running_collector: dict[str, str]) -> None:
    """An answer that is none to labels is told from a collector's."""
    path = labels_file(tmp_path / "a.csv")
    with pytest.raises(CollectorError, match="refused"):
        pushed(
            path,
            ColumnNames(),
            f"{running_collector['pages']}/models",
            model="m",
            kind=LabelFormat.CSV,
            progress=None,
        )


def test_help_shows_an_example(run: Run) -> None:
    """The help of the command names its options and shows how it is used."""
    shown = run("labels", "push", "--help")
    for part in ("--id", "--label", "--time", "--dry-run", "--format", "modelwatch labels push"):
        assert part in shown.out


def test_a_push_survives_a_lost_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that breaks after the first answer is made anew, and the request repeated."""
    pauses: list[float] = []
    with answering(200) as (url, bodies), ResendingClient(url, pause=pauses.append) as client:
        client.post("/api/v1/labels", b"a\n", media_type="a/b", parameters={})
        whole = httpx.Client.post
        failures = iter([httpx.ReadError("reset"), httpx.ConnectError("refused")])

        def broken(*arguments: Any, **options: Any) -> httpx.Response:
            if (failure := next(failures, None)) is not None:
                raise failure
            return whole(*arguments, **options)

        monkeypatch.setattr(httpx.Client, "post", broken)
        client.post("/api/v1/labels", b"b\n", media_type="a/b", parameters={})
    assert (pauses, bodies) == ([1.0, 2.0], [b"a\n", b"b\n"])


def test_status_shows_coverage_of_each_version(
    push: Callable[..., Outcome], run: Run, tmp_path: Path, running_collector: dict[str, str]
) -> None:
    """The share of predictions that have a label, and how many labels wait."""
    path = tmp_path / "a.csv"
    path.write_text("prediction_id,label\norder-1,1\norder-2,0\nother,1\n")
    assert push(path).status == 0
    url = running_collector["pages"]
    shown = run("labels", "status", "churn", "--collector", url)
    assert shown.status == 0
    row = [part.strip() for part in shown.out.splitlines()[-2].strip("│").split("│")]
    assert row == ["3", "50", "2", "4.0%", "", ""]
    assert "1 labels of the model wait" in shown.err
    assert run("labels", "status", "churn", "3", "--window", "1h", "--collector", url).status == 0
    for words, named in ((("nobody",), "churn"), (("churn", "9"), "has no version '9'")):
        refused = run("labels", "status", *words, "--collector", url)
        assert (refused.status, named in refused.err) == (2, True)
