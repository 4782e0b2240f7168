"""All that watching costs the process: capturing, folding, encoding, compressing, exporting.

Run as ``python tests/benchmarks/bench_process_cost.py``. Rows of 30 features are captured at 100%
while the threads that fold and export run as they do in a service, but each second; the transport
takes messages as bytes, compressed. What is measured is the processor's time of the whole process,
until all is delivered, against a wrapper that does nothing in the same run. The caller waits where
it would run ahead of the fold, which costs nothing, so that no row is dropped.
"""

from __future__ import annotations

import gzip
import statistics
import time
from collections.abc import Callable
from typing import Any

import wrapt

import modelwatch as mw
from modelwatch.telemetry.transport import Outcome, Signal
from tests.benchmarks.feature_rows import Row, cpu_microseconds, draw_rows

TRAINING_ROWS = 5_000
FLOOR_TIMES = 40
TIMES = 75
ROUNDS = 3
MOST_WAITING = 8_192
LIMIT = 8.0
FLUSH_SECONDS = 60.0


class Compressing:
    """A transport that does all the work but the sending.

    Attributes:
        seconds: the processor's time that compressing took.
        sent: compressed bytes.
        messages: how many there were.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self.sent = 0
        self.messages = 0

    def send(self, signal: Signal, body: bytes, *, timeout_seconds: float | None = None) -> Outcome:
        """Compress, count and accept."""
        started = time.thread_time()
        self.sent += len(gzip.compress(body, compresslevel=6, mtime=0))
        self.seconds += time.thread_time() - started
        self.messages += 1
        return Outcome(status="accepted")

    def close(self) -> None:
        """Do nothing."""


def predict(features: Row) -> float:
    """Return a score; the cheapest of all models."""
    return 0.5


def nothing(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    """Call the wrapped function."""
    return wrapped(*args, **kwargs)


def columns(rows: list[Row]) -> dict[str, Any]:
    """Return rows as a table, with a score."""
    named = {name: [row[name] for row in rows] for name in rows[0]}
    return named | {"score": [index % 97 / 97 for index in range(len(rows))]}


def watched_microseconds(watch: mw.Watch, watched: Callable[[Row], Any], rows: list[Row]) -> float:
    """Return the processor's time of a call, all that follows from it included."""
    waiting = watch.recorder.rows_waiting
    before, started = watch.rows_captured, time.process_time()
    for _ in range(TIMES):
        for row in rows:
            watched(row)
        while waiting() > MOST_WAITING:
            time.sleep(0.002)
    if not watch.flush(timeout_seconds=FLUSH_SECONDS):
        raise RuntimeError("not all was delivered")
    taken = time.process_time() - started
    if watch.rows_captured - before != TIMES * len(rows):
        raise RuntimeError("rows were dropped: what they would have cost was not measured")
    return taken / (TIMES * len(rows)) * 1e6


def measure() -> dict[str, float]:
    """Return the medians in microseconds a row, and what an export weighs."""
    rows, transport = draw_rows(), Compressing()
    training = columns(draw_rows(TRAINING_ROWS, seed=8))
    baseline = mw.Baseline.fit(training, model="bench", version="1", score="score")
    watch = mw.Watch(
        "bench",
        version="1",
        baseline=baseline,
        export_interval_seconds=1.0,
        transport=transport,
    )
    floor_call, watched = wrapt.FunctionWrapper(predict, nothing), watch(predict)
    floors, costs = [], []
    for _ in range(ROUNDS):
        floors.append(cpu_microseconds(floor_call, rows, FLOOR_TIMES))
        costs.append(watched_microseconds(watch, watched, rows))
    watch.shutdown()
    exported = sum(costs) * TIMES * len(rows) / 1e6
    return {
        "floor": statistics.median(floors),
        "watched": statistics.median(costs),
        "compressing": transport.seconds / exported,
        "bytes": transport.sent / transport.messages,
    }


def figures() -> list[tuple[str, str, str]]:
    """Return what a row costs, against the floor of the same run."""
    found = measure()
    ratio = found["watched"] / found["floor"]
    return [
        ("no-op wrapt.FunctionWrapper, CPU", "", f"{found['floor']:.2f} us a row"),
        (
            "watched, all CPU of the process, export each second included",
            f"at most {LIMIT:g} x",
            f"{found['watched']:.2f} us a row, {ratio:.1f} x",
        ),
        ("of it, compressing what is exported", "", f"{found['compressing']:.1%}"),
    ]


def main() -> None:
    """Measure and print."""
    for what, target, measured in figures():
        print(f"{what:62} {target:12} {measured}")


if __name__ == "__main__":
    main()
