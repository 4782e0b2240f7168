"""How long scheduled evaluation takes, and what a week of it takes over HTTP.

A store holds one window of 100 models of 100 features each, from two senders; every model has a
baseline. `Scheduler.run_once` evaluates them all; the time is split by what it is spent on. Then
one model has a week of hourly evaluations, and they are asked for over HTTP. Last, the window of a
model with a thousand senders is read: as its arrivals lie, and once they are merged, as they are
every few seconds in a collector that runs.
"""

from __future__ import annotations

import asyncio
import dataclasses
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np

import modelwatch as mw
from modelwatch.collector.app import Addresses, CollectorOptions, serve
from modelwatch.collector.evaluating import evaluation
from modelwatch.collector.evaluating.evaluation import Evaluator
from modelwatch.collector.evaluating.scheduler import Schedule, Scheduler, evaluation_of
from modelwatch.collector.serving.encoded_paths import path_of
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.collector.windows import TimeWindow
from modelwatch.telemetry.wire import decode_metrics, encode_metrics

MODELS = 100
FEATURES = 100
ROWS = 500
HOUR_NS = 3_600 * 10**9
NOW_NS = 1_700_000_000 // 3_600 * HOUR_NS
HOURS = 168

SENDERS = 1_000
MINUTES = 60
SENDERS_FEATURES = 40
ARRIVALS_A_WRITE = 50

Spent = defaultdict[str, float]
Row = tuple[str, str, str]


def fill(path: Path) -> mw.Baseline:
    """Write the store, and return the baseline that all models have but for the name."""
    random = np.random.default_rng(0)
    columns = {f"x{place}": random.normal(size=2_000) for place in range(FEATURES)}
    baseline = mw.Baseline.fit(columns, model="m0", version="1")
    profiles = [
        mw.Profile.from_data(
            {name: random.normal(size=ROWS) for name in columns}, baseline=baseline
        )
        for _ in range(2)
    ]
    asyncio.run(_fill(path, baseline, profiles))
    return baseline


async def _fill(path: Path, baseline: mw.Baseline, profiles: list[mw.Profile]) -> None:
    store = SqliteStore.open(path, clock=lambda: NOW_NS)
    for number in range(MODELS):
        own = dataclasses.replace(baseline, model=f"m{number}")
        await store.put_baseline(own.model, "1", own.id, own.to_json())
        for sender, profile in enumerate(profiles):
            profile.model, profile.baseline_id = own.model, own.id
            profile.start_ns, profile.end_ns = NOW_NS - HOUR_NS // 2, NOW_NS - HOUR_NS // 4
            body = encode_metrics(profile, resource={"service.instance.id": str(sender)})
            await store.write(decode_metrics(body).arrivals)
    await store.tidy()
    store.close()


def timed(spent: Spent, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that adds up the processor time that it takes."""

    def run(*arguments: Any, **options: Any) -> Any:
        start = time.thread_time()
        try:
            return work(*arguments, **options)
        finally:
            spent[name] += time.thread_time() - start

    return run


async def evaluate(path: Path) -> tuple[float, float, Spent, int]:
    """Run one round; return its time, its processor time, what that was spent on, and windows."""
    spent: Spent = defaultdict(float)
    store = SqliteStore.open(path, clock=lambda: NOW_NS)
    evaluator = Evaluator(store)
    for number in range(MODELS):  # a service that runs has them in memory: they are read once
        known = evaluator.baseline(f"m{number}", "1")
        assert known is not None
        assert known.id
        assert known.reference.row_of
    vars(store)["window"] = timed(spent, "read and merge", store.window)
    vars(store)["baseline"] = timed(spent, "read the baseline", store.baseline)
    vars(evaluation)["compare"] = timed(spent, "compare", vars(evaluation)["compare"])
    schedule = Schedule(window_seconds=3_600, interval_seconds=60, lateness_seconds=0)
    scheduler = Scheduler(store, evaluator, schedule, clock=lambda: NOW_NS)
    start, busy = time.perf_counter(), time.process_time()
    done = await scheduler.run_once()
    total, busy = time.perf_counter() - start, time.process_time() - busy
    store.close()
    return total, busy, spent, done


async def record_week(path: Path) -> None:
    """Keep an evaluation for each hour of a week of the first model."""
    store = SqliteStore.open(path, clock=lambda: NOW_NS)
    found = Evaluator(store).assess("m0", "1", TimeWindow.ending(NOW_NS, seconds=3_600))
    for back in range(HOURS):
        window = TimeWindow.ending(NOW_NS - back * HOUR_NS, seconds=3_600)
        kept = evaluation_of(dataclasses.replace(found, window=window), NOW_NS)
        if kept is not None:
            await store.record_evaluation("m0", "1", kept)
    store.close()


def ask_week(path: Path) -> tuple[list[float], list[float]]:
    """Return how long the history of a week takes over HTTP, and the processor time, each time."""
    options = CollectorOptions(
        store_path=path, otlp_http_port=0, api_port=0, evaluation_interval_seconds=86_400
    )
    ready: list[Addresses] = []
    started = threading.Event()
    handles: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def main() -> None:
        stop = asyncio.Event()
        handles.append((asyncio.get_running_loop(), stop))

        def say(addresses: Addresses) -> None:
            ready.append(addresses)
            started.set()

        await serve(options, stop=stop, ready=say, clock=lambda: NOW_NS)

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    started.wait(60)
    address = f"{ready[0].pages}/api/v1{path_of('models', 'm0', 'versions', '1', 'windows')}"
    times, busy = [], []
    with httpx.Client(verify=False, timeout=60) as client:
        for _ in range(20):
            start, before = time.perf_counter(), time.process_time()
            answer = client.get(address, params={"limit": HOURS})
            times.append(time.perf_counter() - start)
            busy.append(time.process_time() - before)
            assert len(answer.json()["windows"]) == HOURS
    loop, stop = handles[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join(60)
    return times, busy


async def fill_from_many(path: Path) -> SqliteStore:
    """Write an hour of one model that has many senders, each of which told of every minute."""
    random = np.random.default_rng(0)
    columns = {f"x{place}": random.normal(size=2_000) for place in range(SENDERS_FEATURES)}
    baseline = mw.Baseline.fit(columns, model="m", version="1")
    rows = {name: random.normal(size=20) for name in columns}
    profile = mw.Profile.from_data(rows, baseline=baseline)
    profile.baseline_id = baseline.id
    profile.start_ns, profile.end_ns = NOW_NS - HOUR_NS, NOW_NS - HOUR_NS // 2
    told = [
        decode_metrics(
            encode_metrics(profile, resource={"service.instance.id": str(sender)})
        ).arrivals[0]
        for sender in range(SENDERS)
    ]
    store = SqliteStore.open(path, clock=lambda: NOW_NS)
    minute_ns = HOUR_NS // MINUTES
    for minute in range(MINUTES):
        end_ns = NOW_NS - minute * minute_ns
        arrivals = [
            dataclasses.replace(
                arrival,
                window=dataclasses.replace(
                    arrival.window, start_ns=end_ns - minute_ns, end_ns=end_ns
                ),
            )
            for arrival in told
        ]
        parts = range(0, SENDERS, ARRIVALS_A_WRITE)
        await asyncio.gather(
            *(store.write(arrivals[first : first + ARRIVALS_A_WRITE]) for first in parts)
        )
    return store


def read_from_many(path: Path) -> tuple[float, float]:
    """Return the processor time of reading such a window before and after it is merged."""
    store = asyncio.run(fill_from_many(path))
    window = TimeWindow.ending(NOW_NS, seconds=3_600)

    def read() -> float:
        start = time.process_time()
        found = store.window("m", "1", window)
        assert found.instances == SENDERS
        assert [profile.rows for profile in found.profiles.values()] == [20 * SENDERS * MINUTES]
        return time.process_time() - start

    before = read()
    asyncio.run(vars(store)["_upkeep"].merge())
    after = min(read() for _ in range(3))
    store.close()
    return before, after


def figures() -> list[Row]:
    """Return what was measured beside what it must reach."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.sqlite"
        fill(path)
        total, busy, spent, done = asyncio.run(evaluate(path))
        asyncio.run(record_week(path))
        times, busy_times = map(sorted, ask_week(path))
        unmerged, merged = read_from_many(Path(folder) / "senders.sqlite")
    middle = len(times) // 2
    of_many = f"window of {SENDERS:,} senders, {MINUTES} minutes, {SENDERS_FEATURES} features"
    return [
        (
            f"evaluation of {done} models of {FEATURES} features",
            "< 2 s",
            f"{total:.2f} s, {busy:.2f} s of CPU",
        ),
        *((f"CPU of it: {name}", "", f"{spent[name]:.2f} s") for name in sorted(spent)),
        ("CPU of it: reports, writing, the rest", "", f"{busy - sum(spent.values()):.2f} s"),
        (
            f"a week of {HOURS} windows of {FEATURES} features over HTTP",
            "< 200 ms",
            f"{1_000 * times[middle]:.0f} ms, {1_000 * busy_times[middle]:.0f} ms of CPU",
        ),
        ("the slowest of 20 such answers", "", f"{1_000 * times[-1]:.0f} ms"),
        (f"{of_many}: read where merged", "", f"{1_000 * merged:.0f} ms of CPU"),
        (f"{of_many}: read as arrivals", "", f"{1_000 * unmerged:.0f} ms of CPU"),
    ]


if __name__ == "__main__":
    for what, target, measured in figures():
        print(f"{what:76} {target:10} {measured}")
