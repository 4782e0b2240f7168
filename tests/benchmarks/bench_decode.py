"""What the collector takes to read an export of 40 numeric features on 120 bins.

Run as ``python -m tests.benchmarks.bench_decode``. The export is that of ``bench_export.py``; the
floor is what protobuf takes to parse the same bytes. Processor time is given, and the least of many
rounds, since other processes disturb it. The next window of a replica is what comes nearly always;
a new model, of which every point has to be parsed, comes once.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from time import process_time_ns

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

import modelwatch as mw
from modelwatch.telemetry.wire import decode_logs, decode_metrics, encode_logs, encode_metrics
from tests.benchmarks.bench_export import RESOURCE, table, window

ROUNDS = 40
CALLS = 20
ROWS = 5_000


def next_windows(body: bytes, start_ns: int, end_ns: int) -> Iterator[bytes]:
    """Yield the same counts in one window after another."""
    times = struct.Struct("<BQBQ")
    now = times.pack(0x11, start_ns, 0x19, end_ns)
    for number in count(1):
        step = number * (end_ns - start_ns)
        yield body.replace(now, times.pack(0x11, start_ns + step, 0x19, end_ns + step))


def microseconds(*calls: Callable[[], object]) -> list[float]:
    """Return the least time of each; they take turns."""
    best = [float("inf")] * len(calls)
    for _ in range(ROUNDS):
        for number, call in enumerate(calls):
            started = process_time_ns()
            for _ in range(CALLS):
                call()
            best[number] = min(best[number], (process_time_ns() - started) / CALLS / 1e3)
    return best


def once(calls: list[Callable[[], object]]) -> float:
    """Return the least time in microseconds of calls that can be made once each."""
    best = float("inf")
    for call in calls:
        started = process_time_ns()
        call()
        best = min(best, (process_time_ns() - started) / 1e3)
    return best


def figures() -> list[tuple[str, str, str]]:
    """Return what was measured beside what it must reach."""
    baseline = mw.Baseline.fit(table(1, 20_000), model="churn", version="3")
    profile = window(baseline, ROWS)
    body = encode_metrics(profile, resource=RESOURCE)
    logs = encode_logs(profile, resource=RESOURCE)
    canonical = ExportMetricsServiceRequest.FromString(body).SerializeToString()
    windows = [next_windows(one, profile.start_ns, profile.end_ns) for one in (body, canonical)]
    waiting = [[next(bodies) for _ in range(CALLS)] for bodies in windows]
    ours, libraries = (iter(one * (ROUNDS + 1)) for one in waiting)
    parse, decode, of_libraries, records = microseconds(
        lambda: ExportMetricsServiceRequest.FromString(body),
        lambda: decode_metrics(next(ours)),
        lambda: decode_metrics(next(libraries)),
        lambda: decode_logs(logs),
    )
    strangers: list[Callable[[], object]] = []
    for number in range(ROUNDS):
        profile.model = f"stranger-{number}"
        strange = encode_metrics(profile, resource=RESOURCE)
        strangers.append(partial(decode_metrics, strange))
    stranger = once(strangers)

    def told(taken: float) -> str:
        return f"{taken:.0f} us, {taken / parse:.1f} x protobuf's own parsing"

    return [
        ("protobuf parses an export of 40 features", "", f"{parse:.0f} us"),
        ("decode it, the next window of a replica", "<= 130 us", told(decode)),
        ("decode it, fields in the order of libraries", "<= 130 us", told(of_libraries)),
        ("decode it, a model never seen before", "", told(stranger)),
        ("decode its moments", "", f"{records:.0f} us"),
    ]


if __name__ == "__main__":
    for what, target, measured in figures():
        print(f"{what:45} {target:10} {measured}")
