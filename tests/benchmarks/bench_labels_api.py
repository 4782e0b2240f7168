"""How many labels a second a collector takes over HTTP and joins with their predictions.

Run as ``python tests/benchmarks/bench_labels_api.py``. A collector runs as a process of its own on
one core, and is sent predictions as events, 2,048 in each and 8 events a request, then a label of
each: as NDJSON, CSV and Parquet, some hundred thousand rows a request. Ids are UUIDs that begin
with their time; labels come in the order of their predictions. Summing up of what was joined goes
on in the background. The floor is the same body where each row is read and none is kept: one
without a label, which is passed over. Last, the command pushes a file.
"""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import httpx
import pyarrow as pa
from pyarrow import parquet

from modelwatch.cli.label_pushing import pushed
from modelwatch.collector.labels.formats import ColumnNames, LabelFormat
from modelwatch.telemetry.wire import encode_events
from modelwatch.telemetry.wire.outcome_events import prediction_events
from modelwatch.telemetry.wire.outcomes import PredictionRows

PREDICTIONS = 600_000
ROWS_A_REQUEST = 100_000
EVENTS_A_REQUEST = 8
TARGET = 20_000
MODEL, VERSION = "churn", "3"

COLLECTOR = """
import os, sys
os.sched_setaffinity(0, {int(sys.argv[2])})
from modelwatch.collector.app import CollectorOptions, run
run(CollectorOptions(store_path=sys.argv[1], otlp_http_port=0, api_port=0))
"""


class Load(NamedTuple):
    """What taking rows cost: the time on the clock, and of the server's processor."""

    rows: int
    seconds: float
    cpu_seconds: float

    def __str__(self) -> str:
        return f"{self.rows / self.seconds:,.0f}/s, {self.rows / self.cpu_seconds:,.0f} a core"


class Collector(NamedTuple):
    """A running collector: its process, and its two addresses."""

    process: int
    otlp: str
    api: str


@contextmanager
def serving(core: int) -> Iterator[Collector]:
    """Run a collector on one core."""
    with (
        tempfile.TemporaryDirectory(dir=Path.cwd()) as folder,
        subprocess.Popen(
            [sys.executable, "-c", COLLECTOR, f"{folder}/store.sqlite", str(core)],
            stdout=subprocess.PIPE,
            text=True,
        ) as running,
    ):
        assert running.stdout is not None
        found = re.search(r"OTLP (\S+), pages (\S+), store", running.stdout.readline())
        assert found is not None
        try:
            yield Collector(running.pid, found[1], found[2])
        finally:
            running.terminate()
            running.wait(60)


def ids_of(number: int, start_ns: int) -> list[str]:
    """Return ids that begin with their time, a millisecond apart, as UUIDs of version 7 do."""
    first = start_ns // 1_000_000
    return [
        f"{(first + place) >> 16:08x}-{(first + place) & 0xFFFF:04x}-7000-8000-{place:012x}"
        for place in range(number)
    ]


def prediction_requests(ids: Sequence[str], start_ns: int) -> Iterator[bytes]:
    """Yield exports of predictions."""
    step = 2_048 * EVENTS_A_REQUEST
    for first in range(0, len(ids), step):
        some = ids[first : first + step]
        rows = PredictionRows(
            model=MODEL,
            version=VERSION,
            ids=some,
            times_ns=[start_ns + (first + place) * 1_000_000 for place in range(len(some))],
            outputs={
                "prediction": [place % 3 == 0 for place in range(len(some))],
                "score": [place % 1_000 / 1_000 for place in range(len(some))],
            },
        )
        yield encode_events(prediction_events(rows), resource={})


def ndjson(ids: Sequence[str], labels: Sequence[bool | None]) -> bytes:
    """Return one object a line; those that are not known yet are none of JSON."""
    rows = zip(ids, labels, strict=True)
    return "".join(
        f"{json.dumps({'prediction_id': one, 'label': label})}\n" for one, label in rows
    ).encode()


def as_csv(ids: Sequence[str], labels: Sequence[bool | None]) -> bytes:
    """Return a table in text."""
    names = {True: "true", False: "false", None: ""}
    rows = zip(ids, labels, strict=True)
    return "".join(
        ["prediction_id,label\n", *(f"{one},{names[label]}\n" for one, label in rows)]
    ).encode()


def as_parquet(ids: Sequence[str], labels: Sequence[bool | None]) -> bytes:
    """Return a table in columns."""
    target = io.BytesIO()
    columns: dict[str, pa.Array[Any]] = {
        "prediction_id": pa.array(ids, pa.string()),
        "label": pa.array(labels, pa.bool_()),
    }
    parquet.write_table(pa.table(columns), target)
    return target.getvalue()


Maker = Callable[[Sequence[str], Sequence[bool | None]], bytes]
FORMS: dict[str, tuple[str, Maker]] = {
    "NDJSON": ("application/x-ndjson", ndjson),
    "CSV": ("text/csv", as_csv),
    "Parquet": ("application/vnd.apache.parquet", as_parquet),
}


def cpu_seconds(process: int) -> float:
    """Return the time that a process took of all cores so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def posted(collector: Collector, url: str, media_type: str, bodies: Sequence[bytes]) -> Load:
    """Send bodies one after the other; return what that cost, without the number of rows."""
    with httpx.Client(timeout=600) as client:
        cpu, started = cpu_seconds(collector.process), perf_counter()
        for body in bodies:
            answer = client.post(url, content=body, headers={"content-type": media_type})
            assert answer.status_code == 200, answer.text
        seconds = perf_counter() - started
    return Load(0, seconds, cpu_seconds(collector.process) - cpu)


def labels_posted(
    collector: Collector, form: str, ids: Sequence[str], labels: Sequence[bool | None]
) -> Load:
    """Send labels in a form."""
    media_type, make = FORMS[form]
    bodies = [
        make(ids[first : first + ROWS_A_REQUEST], labels[first : first + ROWS_A_REQUEST])
        for first in range(0, len(ids), ROWS_A_REQUEST)
    ]
    url = f"{collector.api}/api/v1/labels?model={MODEL}"
    return posted(collector, url, media_type, bodies)._replace(rows=len(ids))


def _pushed(collector: Collector, ids: Sequence[str]) -> Load:
    """Push a file as the command does, which reads and checks it first."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "labels.csv")
        path.write_bytes(as_csv(ids, [True] * len(ids)))
        cpu, started = cpu_seconds(collector.process), perf_counter()
        found = pushed(
            path,
            ColumnNames(),
            collector.api,
            model=MODEL,
            kind=LabelFormat.CSV,
            progress=None,
        )
        seconds = perf_counter() - started
    assert found.counts["joined"] == len(ids), found
    return Load(len(ids), seconds, cpu_seconds(collector.process) - cpu)


def resident_mebibytes(process: int) -> float:
    """Return the memory of a process."""
    status = Path(f"/proc/{process}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1_024


def figures() -> list[tuple[str, str, str]]:
    """Return what was measured beside what it must reach."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})
    start_ns = time.time_ns() - 86_400 * 1_000_000_000
    ids = ids_of(PREDICTIONS, start_ns)
    labels = [place % 4 == 0 for place in range(PREDICTIONS)]
    rows: list[tuple[str, str, str]] = []
    with serving(cores[0]) as collector:
        exports = list(prediction_requests(ids, start_ns))
        url = f"{collector.otlp}/v1/logs"
        kept = posted(collector, url, "application/x-protobuf", exports)
        rows.append(("predictions kept", "", str(kept._replace(rows=len(ids)))))
        share = len(ids) // (len(FORMS) + 1)
        for place, form in enumerate(FORMS):
            part = slice(place * share, (place + 1) * share)
            if form != "NDJSON":
                floor = labels_posted(collector, form, ids[part], [None] * share)
                rows.append((f"rows of {form} that are only read", "", str(floor)))
            taken = labels_posted(collector, form, ids[part], labels[part])
            rows.append((f"labels of {form}, joined", f">= {TARGET:,}/s a core", str(taken)))
            again = labels_posted(collector, form, ids[part], labels[part])
            rows.append((f"the same once more, of {form}", "", str(again)))
        rows.append(("labels of a CSV file, pushed", "", str(_pushed(collector, ids[-share:]))))
        rows.append(("most memory", "", f"{resident_mebibytes(collector.process):.0f} MiB"))
    return rows


if __name__ == "__main__":
    for what, target, measured in figures():
        print(f"{what:42} {target:20} {measured}")
