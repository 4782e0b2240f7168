"""What an export of 40 numeric features takes: bytes on the wire a feature, and time to make them.

Run as ``python tests/benchmarks/bench_export.py``. Half of the features are normal, half are
log-normal, all on the bins of a baseline of 20,000 rows. The floor is what protobuf itself takes to
read the finished message and to write it again.
"""

from __future__ import annotations

import gzip
import statistics
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

import modelwatch as mw
from modelwatch.telemetry.wire import encode_logs, encode_metrics

FEATURES = 40
WINDOWS = (1_000, 5_000, 60_000)
ROUNDS = 200
RESOURCE = {
    "telemetry.sdk.language": "python",
    "telemetry.sdk.name": "opentelemetry",
    "telemetry.sdk.version": "1.45.2",
    "service.name": "churn",
    "service.instance.id": "5f0c1c8e-1111-4222-8333-944455556666",
}


def table(seed: int, size: int) -> dict[str, Any]:
    """Return seeded columns of different places and spreads."""
    random = np.random.default_rng(seed)
    half = FEATURES // 2
    normal = {f"feature_{n}": random.normal(3 * n, 1 + n, size) for n in range(half)}
    skewed = {
        f"feature_{half + n}": random.lognormal(0.1 * n, 0.5 + 0.05 * n, size) for n in range(half)
    }
    return normal | skewed


def window(baseline: mw.Baseline, rows: int) -> mw.Profile:
    """Return the profile of a minute with so many rows."""
    start_ns = 1_700_000_000_123_456_789
    profile = mw.Profile.empty("churn", "3", baseline=baseline, start_ns=start_ns)
    profile.update(table(2, rows))
    profile.record_calls(np.linspace(0.001, 0.4, rows).tolist())
    profile.end_ns = start_ns + 60_012_345_678
    return profile


def bytes_a_feature(body: bytes) -> float:
    """Return the size as it is sent, over the features."""
    return len(gzip.compress(body, 6)) / FEATURES


def milliseconds(*calls: Callable[[], object]) -> list[float]:
    """Return the median time of each; they take turns."""
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(ROUNDS):
        for call, taken in zip(calls, times, strict=True):
            started = perf_counter()
            call()
            taken.append((perf_counter() - started) * 1e3)
    return [statistics.median(taken) for taken in times]


def sizes(profile: mw.Profile, rows: int) -> list[tuple[str, str, str]]:
    """Return what each part of an export takes, and all together."""
    metrics = bytes_a_feature(encode_metrics(profile, resource=RESOURCE))
    logs = bytes_a_feature(encode_logs(profile, resource=RESOURCE))
    profile.joint, joint = None, profile.joint
    alone = bytes_a_feature(encode_logs(profile, resource=RESOURCE))
    profile.joint = joint
    parts = {
        "metrics": metrics,
        "moments": alone,
        "co-moments": logs - alone,
        "in all": metrics + logs,
    }
    target = "<= 400" if rows == WINDOWS[0] else ""
    return [
        (f"{part}, {rows} rows, gzipped bytes", target if part == "in all" else "", f"{size:.0f}")
        for part, size in parts.items()
    ]


def figures() -> list[tuple[str, str, str]]:
    """Return what was measured beside what it must reach."""
    baseline = mw.Baseline.fit(table(1, 20_000), model="churn", version="3")
    rows = [row for size in WINDOWS for row in sizes(window(baseline, size), size)]
    profile = window(baseline, WINDOWS[0])
    body = encode_metrics(profile, resource=RESOURCE)
    encode, again, compress = milliseconds(
        lambda: encode_metrics(profile, resource=RESOURCE),
        lambda: ExportMetricsServiceRequest.FromString(body).SerializeToString(),
        lambda: gzip.compress(body, 6),
    )
    rows.append(
        (
            "encode 40 features",
            "",
            f"{encode:.2f} ms, {encode / again:.1f} x protobuf's own reading and writing",
        )
    )
    rows.append(("gzip them", "", f"{compress:.1f} ms"))
    return rows


if __name__ == "__main__":
    for what, target, measured in figures():
        print(f"{what:55} {target:8} {measured}")
