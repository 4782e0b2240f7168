"""What a scrape of ``/metrics`` takes, quiet and while exports come in.

Run as ``python tests/benchmarks/bench_scrape.py``. A collector runs as a process of its own on one
core, and has judged a window of 100 versions of 20 numeric features. It is scraped as Prometheus
does, one scrape after the other: first by itself, then while 64 connections send 500 exports a
second of new instances of these versions, and their windows of five seconds are judged. The floor
is what the client library for Prometheus takes to write as many gauges as text.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import numpy as np
from isal import igzip
from prometheus_client import CollectorRegistry, Gauge, generate_latest

import modelwatch as mw
from modelwatch.collector.showing.exposition import render
from modelwatch.telemetry.wire import encode_logs, encode_metrics
from tests.benchmarks.bench_ingest import SECONDS, cpu_seconds, load, serving
from tests.collector.showing.reading import families_in
from tests.server_process import free_port

VERSIONS = 100
FEATURES = 20
ROWS = 500
EXPORTS_A_SECOND = 500
SCRAPES = 200
WINDOW_SECONDS = 5
SENDER = "5f0c1c8e-1111-4222-8333-944455556666"
AS_PROMETHEUS = {"Accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"}
READY_SECONDS = 60.0

COLLECTOR = """
import os, sys
os.sched_setaffinity(0, {{int(sys.argv[2])}})
from modelwatch.collector.app import CollectorOptions, run
run(CollectorOptions(store_path=sys.argv[1], otlp_http_port=0, api_port={api_port},
    window_seconds={window_seconds}, evaluation_interval_seconds=1.0))
"""


def columns(seed: int, rows: int) -> dict[str, Any]:
    """Return seeded columns."""
    random = np.random.default_rng(seed)
    return {f"feature_{number}": random.normal(number, 1, rows) for number in range(FEATURES)}


def exported(baseline: mw.Baseline, end_ns: int) -> tuple[bytes, bytes]:
    """Return the metrics and logs of one window of a sender."""
    profile = mw.Profile.from_data(columns(int(baseline.version) + 1, ROWS), baseline=baseline)
    profile.record_calls([0.01] * ROWS)
    profile.start_ns, profile.end_ns = end_ns - WINDOW_SECONDS * 10**9, end_ns
    resource = {"service.instance.id": SENDER}
    return encode_metrics(profile, resource=resource), encode_logs(profile, resource=resource)


def requests(baselines: list[mw.Baseline]) -> list[bytes]:
    """Return whole HTTP requests, each of another instance, of one window after the other."""
    now_ns = time.time_ns()
    made = []
    for number in range(int(EXPORTS_A_SECOND * SECONDS)):
        if number % (EXPORTS_A_SECOND * WINDOW_SECONDS) == 0:
            end_ns = now_ns + number // EXPORTS_A_SECOND * 10**9
            bodies = [exported(baseline, end_ns)[0] for baseline in baselines]
        new = bodies[number % VERSIONS].replace(SENDER.encode(), b"%036d" % number)
        packed = igzip.compress(new, 3)
        head = (
            "POST /v1/metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Encoding: gzip\r\n"
            f"Content-Type: application/x-protobuf\r\nContent-Length: {len(packed)}\r\n\r\n"
        )
        made.append(head.encode() + packed)
    return made


def fill(otlp: str, api: str, baselines: list[mw.Baseline]) -> str:
    """Have a window of every version judged; return what a scrape then tells."""
    end_ns = time.time_ns() - 60 * 10**9
    with httpx.Client(headers={"Content-Type": "application/x-protobuf"}) as client:
        for baseline in baselines:
            for signal, body in zip(("metrics", "logs"), exported(baseline, end_ns), strict=True):
                client.post(f"{otlp}/v1/{signal}", content=body).raise_for_status()
            client.put(
                f"{api}/api/v1/models/churn/versions/{baseline.version}/baseline",
                content=baseline.to_json(),
            ).raise_for_status()
        give_up = time.monotonic() + READY_SECONDS
        while time.monotonic() < give_up:
            text = client.get(f"{api}/metrics", headers=AS_PROMETHEUS).text
            if text.count("modelwatch_model_severity{") == VERSIONS:
                return text
            time.sleep(0.1)
    raise TimeoutError(f"after {READY_SECONDS:g} s not every version was judged")


async def scraped(api: str, until: Callable[[int], bool]) -> list[float]:
    """Scrape again and again; return how long each scrape took, in seconds."""
    took: list[float] = []
    async with httpx.AsyncClient(headers=AS_PROMETHEUS) as client:
        while not until(len(took)):
            began = time.perf_counter()
            (await client.get(f"{api}/metrics")).raise_for_status()
            took.append(time.perf_counter() - began)
    return took


async def scraped_under_load(process: int, port: int, api: str, made: list[bytes]) -> list[float]:
    """Scrape while exports come in; the exports must all be taken."""
    loading = asyncio.create_task(load(process, port, made, rate=EXPORTS_A_SECOND))
    took = await scraped(api, lambda _: loading.done())
    assert not loading.result().refused
    return took


def floor_seconds(text: str) -> tuple[int, float]:
    """Return how many series a text holds, and the CPU time to write as many gauges."""
    registry = CollectorRegistry()
    series = 0
    for family in families_in(text, "openmetrics"):
        for name, samples in by_name(family.samples):
            gauge = Gauge(name, family.documentation, sorted(samples[0].labels), registry=registry)
            for sample in samples:
                series += 1
                (gauge.labels(**sample.labels) if sample.labels else gauge).set(sample.value)
    times = []
    for _ in range(30):
        began = time.process_time()
        generate_latest(registry)
        times.append(time.process_time() - began)
    return series, statistics.median(times)


def renewal_seconds(text: str) -> float:
    """Return the CPU time to write a text anew, as after each round of evaluations."""
    families = families_in(text, "openmetrics")
    times = []
    for _ in range(30):
        began = time.process_time()
        render(families, "openmetrics")
        times.append(time.process_time() - began)
    return statistics.median(times)


def by_name(samples: list[Any]) -> Iterator[tuple[str, list[Any]]]:
    """Yield the samples of each name."""
    for name in dict.fromkeys(sample.name for sample in samples):
        yield name, [sample for sample in samples if sample.name == name]


def figures() -> list[tuple[str, str, str]]:
    """Return what was measured beside what it must reach."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})
    fitted = mw.Baseline.fit(columns(0, 2_000), model="churn", version="0")
    baselines = [dataclasses.replace(fitted, version=str(n)) for n in range(VERSIONS)]
    program = COLLECTOR.format(api_port=(port := free_port()), window_seconds=WINDOW_SECONDS)
    with serving(program, cores[0]) as (process, otlp_port):
        api = f"http://127.0.0.1:{port}"
        text = fill(f"http://127.0.0.1:{otlp_port}", api, baselines)
        before = cpu_seconds(process)
        quiet = asyncio.run(scraped(api, lambda done: done == SCRAPES))
        own = (cpu_seconds(process) - before) / SCRAPES
        made = requests(baselines)
        busy = asyncio.run(scraped_under_load(process, otlp_port, api, made))
    (series, floor), renewal = floor_seconds(text), renewal_seconds(text)
    what = f"a scrape of {VERSIONS} versions of {FEATURES} features"
    return [
        (f"{what}", "", f"{series:,} series, {len(text) / 1e6:.1f} MB"),
        ("as many gauges written by the client library", "", f"{floor * 1e3:.1f} ms, 1.00 x"),
        ("the text of a round of evaluations, CPU", "", in_ratio(renewal, floor)),
        ("a scrape, CPU of the collector", "<= 1 x", in_ratio(own, floor)),
        ("a scrape, one after the other", "", in_ms(quiet)),
        (f"the same beside {EXPORTS_A_SECOND} exports/s and evaluations", "", in_ms(busy)),
    ]


def in_ratio(seconds: float, floor: float) -> str:
    """Return a time in words, beside the floor."""
    return f"{seconds * 1e3:.1f} ms, {seconds / floor:.2f} x"


def in_ms(took: list[float]) -> str:
    """Return the median and the 99th percentile in words."""
    p99 = statistics.quantiles(took, n=100)[98]
    return f"{statistics.median(took) * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms ({len(took)} scrapes)"


if __name__ == "__main__":
    for what, target, measured in figures():
        print(f"{what:54} {target:8} {measured}")
