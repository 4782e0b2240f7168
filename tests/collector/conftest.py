"""A small model, its traffic as OTLP, and running collectors."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

import modelwatch as mw
from modelwatch.collector.app import Addresses, CollectorOptions, serve
from modelwatch.collector.serving.encoded_paths import path_of
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.telemetry.wire import Arrival, decode_metrics, encode_metrics
from tests import plain_http

MODEL, VERSION = "churn/eu", "3 <b>β</b>"
FEATURE = "age \"years\" /<script>alert('x')</script>é"
SECOND = 1_000_000_000
NOW_NS = 1_700_000_000 * SECOND
PROTOBUF = {"Content-Type": "application/x-protobuf"}


def frame(seed: int, rows: int, *, shift: float = 0.0) -> dict[str, np.ndarray]:
    """Return a table of a numeric and a categorical feature, and a score."""
    random = np.random.default_rng(seed)
    return {
        FEATURE: random.normal(40 + shift, 10, rows),
        "country": random.choice(["DE", "FR", "IT"], rows, p=[0.5, 0.3, 0.2]),
        "score": random.beta(2, 5, rows),
    }


@pytest.fixture(scope="session")
def baseline() -> mw.Baseline:
    """What the model was trained on."""
    return mw.Baseline.fit(frame(0, 5_000), model=MODEL, version=VERSION, score="score")


@dataclass(frozen=True)
class Traffic:
    """Makes exports of one sender."""

    baseline: mw.Baseline

    def profile(
        self,
        *,
        end_ns: int = NOW_NS,
        rows: int = 500,
        shift: float = 0.0,
        instance: str = "a",
        on_baseline: bool = True,
    ) -> mw.Profile:
        """Return what a sender saw in the minute before ``end_ns``."""
        known = self.baseline if on_baseline else None
        profile = mw.Profile.empty(
            MODEL, VERSION, baseline=known, outputs=frozenset({"score"}), instance=instance
        )
        profile.update({k: list(v) for k, v in frame(end_ns % 997, rows, shift=shift).items()})
        profile.start_ns, profile.end_ns = end_ns - 60 * SECOND, end_ns
        return profile

    def body(self, profile: mw.Profile | None = None) -> bytes:
        """Return the body of a metrics request."""
        profile = profile or self.profile()
        return encode_metrics(profile, resource={"service.instance.id": profile.instance or ""})

    def arrivals(self, profile: mw.Profile | None = None) -> list[Arrival]:
        """Return what a metrics request tells."""
        return decode_metrics(self.body(profile)).arrivals

    def points(self, profile: mw.Profile | None = None) -> int:
        """Return how many points a metrics request holds."""
        return sum(arrival.points for arrival in self.arrivals(profile))


@pytest.fixture(scope="session")
def traffic(baseline: mw.Baseline) -> Traffic:
    """The senders of the model."""
    return Traffic(baseline)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """An empty store whose clock stands still."""
    opened = SqliteStore.open(tmp_path / "store.sqlite", clock=lambda: NOW_NS)
    yield opened
    opened.close()


@dataclass(frozen=True)
class Running:
    """A collector that runs in a thread of this process."""

    otlp: str
    api: str
    store: Path
    grpc: str = ""

    def received(self) -> dict[str, Any]:
        """Return what came in, as the API tells it."""
        told: dict[str, Any] = plain_http.get(f"{self.api}/api/v1/received").json()
        return told

    def version(self, rest: str = "", *, model: str = MODEL, version: str = VERSION) -> str:
        """Return an address below a model version."""
        return f"{self.api}/api/v1{path_of('models', model, 'versions', version)}{rest}"

    def page(self) -> str:
        """Return the page of the model version."""
        return f"{self.api}{path_of('models', MODEL, 'versions', VERSION)}"

    def post(self, body: bytes, **headers: str) -> httpx.Response:
        """Send metrics."""
        return plain_http.post(
            f"{self.otlp}/v1/metrics", content=body, headers={**PROTOBUF, **headers}
        )

    def push(self, baseline: mw.Baseline) -> httpx.Response:
        """Push a baseline."""
        return plain_http.put(self.version("/baseline"), content=baseline.to_json())


Start = Callable[..., Running]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return a function that runs a collector on free ports; all are stopped after the test."""
    stops: list[Callable[[], None]] = []

    def begin(
        *,
        clock: Callable[[], int] = lambda: NOW_NS,
        monotonic: Callable[[], int] | None = None,
        **options: Any,
    ) -> Running:
        defaults = CollectorOptions(
            store_path=tmp_path / "store.sqlite",
            otlp_http_port=0,
            api_port=0,
            window_seconds=60,
            evaluation_interval_seconds=0.05,
            lateness_seconds=0.0,
        )
        running, stop = _run(replace(defaults, **options), clock, monotonic)
        stops.append(stop)
        return running

    yield begin
    for stop in stops:
        stop()


def _run(
    options: CollectorOptions, clock: Callable[[], int], monotonic: Callable[[], int] | None
) -> tuple[Running, Callable[[], None]]:
    ready: queue.Queue[Addresses | BaseException] = queue.Queue()
    handles: queue.Queue[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = queue.Queue()

    async def main() -> None:
        stop = asyncio.Event()
        handles.put((asyncio.get_running_loop(), stop))
        await serve(options, stop=stop, ready=ready.put, clock=clock, monotonic=monotonic)

    def run() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:
            ready.put(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    found = ready.get(timeout=20)
    if isinstance(found, BaseException):
        raise found
    loop, stop = handles.get(timeout=20)

    def end() -> None:
        loop.call_soon_threadsafe(stop.set)
        thread.join(timeout=20)
        assert not thread.is_alive()

    return Running(found.otlp_http, found.pages, found.store, found.otlp_grpc), end


def eventually(ask: Callable[[], bool], *, seconds: float = 10.0) -> bool:
    """Return whether something becomes true in time."""
    pause = threading.Event()
    for _ in range(int(seconds / 0.05)):
        if ask():
            return True
        pause.wait(0.05)
    return False
