"""Cumulative points through collectors that are killed, and restarted on the same file."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from random import Random

import httpx

import modelwatch as mw
from modelwatch.collector.storing.maintenance import check
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.collector.windows import TimeWindow
from modelwatch.sketches import ExponentialHistogram
from modelwatch.telemetry.wire import encode_metrics
from tests.collector.conftest import MODEL, NOW_NS, SECOND, VERSION
from tests.collector.test_app import process, rows_in, send


class Sender:
    """A service that counts from its start, and tells all of it again and again."""

    def __init__(self, number: int, random: Random) -> None:
        self.instance = str(number)
        self.counted = 0
        self._random = random
        self._now_ns = NOW_NS - 20_000 * SECOND
        self._unacknowledged: bytes | None = None
        self._begin()

    def _begin(self) -> None:
        start_ns = self._now_ns + SECOND
        self._whole = mw.Profile.empty(MODEL, VERSION, instance=self.instance, start_ns=start_ns)

    def export(self, address: str, client: httpx.Client) -> bool:
        """Send what waits for its acknowledgement, or what was counted since; True if taken.

        Now and then an export is lost, comes twice, or the service is restarted.
        """
        body = self._unacknowledged or self._next()
        chance = self._random.random()
        if chance < 0.1 and body is not self._unacknowledged:
            return True  # lost on the way: the next one tells it too
        self._unacknowledged = body
        if not send(address, body, client):
            return False
        if chance > 0.9 and not send(address, body, client):
            return False
        self._unacknowledged = None
        if 0.8 < chance < 0.9:
            self._now_ns += SECOND
            self._begin()
        return True

    def _next(self) -> bytes:
        new = self._random.randrange(1, 20)
        self.counted += new
        self._now_ns += 3 * SECOND
        spread = self._random.uniform(0.1, 3.0)  # of logarithms: scales change
        self._whole.update({"x": [self._random.lognormvariate(0, spread) for _ in range(new)]})
        self._whole.record_calls([0.1] * new, {})
        self._whole.end_ns = self._now_ns
        resource = {"service.instance.id": self.instance}
        return encode_metrics(self._whole, resource=resource, temporality="cumulative")

    def finish(self, address: str, client: httpx.Client) -> None:
        """Have all that was counted taken."""
        if self._unacknowledged is not None:
            assert send(address, self._unacknowledged, client)
        assert send(address, self._next(), client)


def test_nothing_is_lost_or_counted_twice_by_kills(tmp_path: Path) -> None:
    """Killed at random and resent to, collectors count what each sender counted, exactly.

    ``MODELWATCH_TEST_KILLS`` gives the number of rounds.
    """
    path = tmp_path / "store.sqlite"
    random = Random(7)
    senders = [Sender(number, random) for number in range(5)]
    for _ in range(int(os.environ.get("MODELWATCH_TEST_KILLS", "4"))):
        with process(path) as (running, address), httpx.Client() as client:
            timer = threading.Timer(random.uniform(0.05, 0.7), running.kill)
            timer.start()
            while random.choice(senders).export(address, client):
                pass
            timer.join()
    with process(path) as (running, address), httpx.Client() as client:
        for sender in senders:
            sender.finish(address, client)
        running.terminate()
        assert running.wait(timeout=60) == 0
    counted = sum(sender.counted for sender in senders)
    assert rows_in(path) == counted
    assert observed(path) == (counted, counted, counted)
    assert check(path).problems == []


def observed(path: Path) -> tuple[int, int, int]:
    """Return calls, durations and values of the feature in a store, each from points of its own."""
    store = SqliteStore.open(path)
    try:
        window = TimeWindow.ending(NOW_NS, seconds=86_400)
        (profile,) = store.window(MODEL, VERSION, window).profiles.values()
    finally:
        store.close()
    values = profile.features["x"].values
    assert isinstance(values, ExponentialHistogram)
    return profile.predictions.total(), profile.duration.total, values.total
