from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

import modelwatch as mw
from modelwatch.collector.receiving.exports import Exports, ReceiverLimits
from modelwatch.collector.receiving.received import ReceiverCounts
from modelwatch.collector.receiving.request_head import RequestHead
from modelwatch.collector.receiving.signals import SIGNALS
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.collector.storing.store import NO_MEMORIES, SenderMemory, Written
from modelwatch.errors import StoreError
from modelwatch.telemetry.wire import Arrival, encode_metrics
from tests.collector.conftest import MODEL, NOW_NS, SECOND, VERSION

LIMITS = ReceiverLimits(max_body_bytes=10**6, max_decompressed_bytes=10**6, max_requests=9)
HEAD = RequestHead.of({"headers": [(b"content-type", b"application/x-protobuf")]})


class SlowSink:
    """A store that commits once it is let, whoever waits for it, and may then fail."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self.recall = store.recall
        self.asked = asyncio.Event()
        self.let = asyncio.Event()
        self.error: Exception | None = None

    async def write(
        self, arrivals: Sequence[Arrival], memories: Mapping[int, SenderMemory] = NO_MEMORIES
    ) -> Written:
        """Commit what came."""
        writing = asyncio.create_task(self._write(arrivals, memories))
        self.asked.set()
        return await asyncio.shield(writing)

    async def _write(
        self, arrivals: Sequence[Arrival], memories: Mapping[int, SenderMemory]
    ) -> Written:
        await self.let.wait()
        written = await self._store.write(arrivals, memories)
        if self.error is not None:
            raise self.error
        return written


def counted(rows: int, seconds: int) -> bytes:
    """Return an export of what a sender counted until a time."""
    profile = mw.Profile.empty(MODEL, VERSION, instance="a", start_ns=NOW_NS - 60 * SECOND)
    profile.rows, profile.end_ns = rows, NOW_NS + seconds * SECOND
    return encode_metrics(profile, resource={}, temporality="cumulative")


async def test_what_a_client_did_not_wait_for_is_remembered(store: SqliteStore) -> None:
    """A call that is cancelled is committed all the same, and its counts are not told again."""
    sink = SlowSink(store)
    exports = Exports(sink, LIMITS, ReceiverCounts())
    call = asyncio.create_task(exports.take(SIGNALS["metrics"], HEAD, counted(3, 1)))
    await sink.asked.wait()
    call.cancel()
    later = asyncio.create_task(exports.take(SIGNALS["metrics"], HEAD, counted(5, 2)))
    gone = asyncio.create_task(exports.take(SIGNALS["metrics"], HEAD, counted(9, 9)))
    await asyncio.sleep(0)
    gone.cancel()  # before its turn: nothing of it is written
    sink.let.set()
    await later
    for left in (call, gone):
        with pytest.raises(asyncio.CancelledError):
            await left
    assert store.versions()[0].rows == 5


async def test_what_failed_may_have_been_committed(store: SqliteStore) -> None:
    """After a commit whose answer was lost, the store says what was counted."""
    sink = SlowSink(store)
    sink.let.set()
    exports = Exports(sink, LIMITS, ReceiverCounts())
    await exports.take(SIGNALS["metrics"], HEAD, counted(3, 1))
    sink.error = StoreError("the disk was slow to answer")
    with pytest.raises(StoreError):
        await exports.take(SIGNALS["metrics"], HEAD, counted(5, 2))
    sink.error = None
    await exports.take(SIGNALS["metrics"], HEAD, counted(6, 3))
    assert store.versions()[0].rows == 6
