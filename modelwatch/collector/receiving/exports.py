"""What is done with a request that has been read, in whichever encoding it came.

Decompressed, decoded, held to the limits, cumulative points turned into what is new of them,
committed; then offered to be sent on. In this order, so that what is acknowledged is committed, and
what must be sent again is not sent on twice.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeVar

from google.protobuf.message import DecodeError

from modelwatch.collector.receiving.admission import Admission
from modelwatch.collector.receiving.bodies import decompress
from modelwatch.collector.receiving.cumulative_points import CumulativePoints
from modelwatch.collector.receiving.forwarding import Forwarder
from modelwatch.collector.receiving.json_messages import from_json
from modelwatch.collector.receiving.outcome_intake import OutcomeIntake
from modelwatch.collector.receiving.received import ReceiverCounts
from modelwatch.collector.receiving.request_head import RequestHead
from modelwatch.collector.receiving.rpc_status import JSON
from modelwatch.collector.receiving.signals import Signal
from modelwatch.collector.storing.store import ArrivalSink, ExampleSink, Written
from modelwatch.errors import BodyTooLarge, UndecodableTelemetry
from modelwatch.telemetry.wire import Decoded, decode_logs, decode_metrics
from modelwatch.telemetry.wire.arrivals import Arrival
from modelwatch.telemetry.wire.examples import Example

__all__ = ["Exports", "ReceiverLimits", "Refused", "read_export"]

Result = TypeVar("Result")

SMALL_BODY_BYTES: Final = 65_536
"""A body up to this, and what comes of it up to 16 times as much, is read in the event loop, in a
millisecond or so; to hand it to a thread would take as long. Larger ones are read in threads."""

SMALL_CONTENT_BYTES: Final = 16 * SMALL_BODY_BYTES

_JSON_SHARE: Final = 4
"""Of JSON, a quarter of ``max_decompressed_bytes`` is taken: its objects take far more memory."""

_LOCKS: Final = 64


@dataclass(frozen=True, kw_only=True)
class ReceiverLimits:
    """What bounds the memory that requests can take.

    Attributes:
        max_body_bytes: most bytes of a body as sent.
        max_decompressed_bytes: most bytes of a body decompressed; of one in JSON, a quarter.
        max_requests: requests handled at the same time; one more is answered with 503.
        max_reading: bodies read at the same time; one more is answered with 503.
        body_timeout_seconds: how long a body may take to arrive; after that, 408.
    """

    max_body_bytes: int
    max_decompressed_bytes: int
    max_requests: int
    max_reading: int = 1_024
    body_timeout_seconds: float = 10.0


class Refused(NamedTuple):
    """What of a request was not taken: how many points, and why."""

    points: int
    message: str


def read_export(signal: Signal, head: RequestHead, body: bytes, *, limit: int) -> Decoded:
    """Return what a body tells.

    Args:
        signal: which kind of request it is.
        head: its headers.
        body: as it came.
        limit: most bytes decompressed.

    Raises:
        BodyTooLarge: it is larger than ``limit`` decompressed.
        UndecodableTelemetry: it is damaged.
    """
    is_json = head.media_type == JSON
    content = decompress(body, head.encoding, limit=limit // _JSON_SHARE if is_json else limit)
    if is_json:
        message = signal.request()
        from_json(content, message)
        content = message.SerializeToString()
    if signal.name == "metrics":
        return decode_metrics(content, cumulative=True)
    if signal.name == "logs":
        return decode_logs(content)
    try:
        signal.request.FromString(content)
    except DecodeError as error:
        raise UndecodableTelemetry(
            f"{len(content)} bytes are no {signal.request.__name__}: send OTLP."
        ) from error
    return Decoded()


class Exports:
    """Takes requests, over one sink. Belongs to one event loop.

    Args:
        sink: commits.
        limits: what bounds memory.
        counts: is told of all.
        admission: holds to the limits of names and times.
        forwarder: sends on, where anything is.
        examples: keeps traces that show something; nobody does where None.
        outcomes: takes predictions and labels; they are rejected where None.
    """

    def __init__(
        self,
        sink: ArrivalSink,
        limits: ReceiverLimits,
        counts: ReceiverCounts,
        *,
        admission: Admission | None = None,
        forwarder: Forwarder | None = None,
        examples: ExampleSink | None = None,
        outcomes: OutcomeIntake | None = None,
    ) -> None:
        self._sink = sink
        self._outcomes = outcomes
        self._examples = examples
        self._limits = limits
        self._counts = counts
        self._admission = admission or Admission()
        self._forwarder = forwarder
        self._cumulative = CumulativePoints()
        self._locks = [asyncio.Lock() for _ in range(_LOCKS)]

    async def take(self, signal: Signal, head: RequestHead, body: bytes) -> Refused:
        """Take a request; return once what it tells is committed.

        Raises:
            BodyTooLarge: the body is too large.
            StoreError: the store cannot take it now.
            UndecodableTelemetry: the body is damaged.
        """
        decoded = await self._read(signal, head, body)
        admitted = self._admission.admit(decoded.arrivals)
        written = await self._write(admitted.arrivals)
        await self._keep_examples(decoded.examples)
        outcomes = await self._keep_outcomes(decoded)
        counts = self._counts
        counts.traces += signal.name == "traces"
        counts.foreign += decoded.foreign
        counts.points += written.stored
        counts.duplicates += written.duplicates + decoded.duplicates
        refused = decoded.rejected + written.rejected + admitted.refused.total() + outcomes.points
        counts.rejected += refused
        for reason, points in admitted.refused.items():
            counts.refused_by_limit[reason] = counts.refused_by_limit.get(reason, 0) + points
        if self._forwarder is not None and not head.is_forwarded:
            self._forwarder.offer(
                signal.path, body, media_type=head.media_type, encoding=head.encoding
            )
        impossible = "Points with impossible times were rejected." if written.rejected else ""
        told = (decoded.message, admitted.message, impossible, outcomes.message)
        return Refused(refused, " ".join(filter(None, told)))

    async def _read(self, signal: Signal, head: RequestHead, body: bytes) -> Decoded:
        limit = self._limits.max_decompressed_bytes
        if len(body) <= SMALL_BODY_BYTES:
            try:
                return read_export(signal, head, body, limit=min(limit, SMALL_CONTENT_BYTES))
            except BodyTooLarge:
                if limit <= SMALL_CONTENT_BYTES:
                    raise
        return await asyncio.to_thread(read_export, signal, head, body, limit=limit)

    async def _write(self, arrivals: Sequence[Arrival]) -> Written:
        """Commit arrivals of either temporality."""
        if not arrivals:
            return Written(stored=0, duplicates=0, rejected=0)
        cumulative = [one for one in arrivals if one.temporality == "cumulative"]
        if not cumulative:
            return await self._sink.write(arrivals)
        deltas = [one for one in arrivals if one.temporality == "delta"]
        return await self._write_cumulative(deltas, cumulative)

    async def _write_cumulative(
        self, deltas: Sequence[Arrival], cumulative: Sequence[Arrival]
    ) -> Written:
        """Commit arrivals of deltas, and what is new of cumulative ones."""
        points = self._cumulative
        async with self._turn({one.sender for one in cumulative}):
            while unknown := points.unknown(cumulative):
                points.learn(unknown, await asyncio.to_thread(self._sink.recall, unknown))
            change = points.change(cumulative)
            writing = self._sink.write([*deltas, *change.arrivals], change.memories())
            try:
                written = await _to_its_end(writing)
            except BaseException:
                points.forget(change)
                raise
            points.keep(change)
        self._counts.begun += change.begun
        return Written(
            stored=written.stored,
            duplicates=written.duplicates + change.ignored,
            rejected=written.rejected,
        )

    async def _keep_examples(self, examples: Sequence[Example]) -> None:
        """Keep traces that show something; those beyond a limit are counted and refuse nothing."""
        if self._examples is None or not examples:
            return
        taken, refused = self._admission.admit_examples(examples)
        kept = await self._examples.keep_examples(taken) if taken else 0
        self._counts.examples += kept
        self._counts.examples_left_out += len(taken) - kept + refused.total()

    async def _keep_outcomes(self, decoded: Decoded) -> Refused:
        """Keep predictions and labels; return how many events have a row that is not taken."""
        events = [*decoded.predictions, *decoded.labels]
        if self._outcomes is None:
            return Refused(len(events), "Predictions and labels are not kept here." * bool(events))
        found = []
        if decoded.predictions:
            found.append(await self._outcomes.take_predictions(decoded.predictions))
        if decoded.labels:
            found.append(await self._outcomes.take_labels(decoded.labels))
        message = " ".join(dict.fromkeys(one.message for one in found if one.message))
        return Refused(sum(one.incomplete for one in found), message)

    @contextlib.asynccontextmanager
    async def _turn(self, senders: set[int]) -> AsyncIterator[None]:
        """Let one request at a time tell of a sender's cumulative points."""
        async with contextlib.AsyncExitStack() as turns:
            for number in sorted({sender % _LOCKS for sender in senders}):
                await turns.enter_async_context(self._locks[number])
            yield


async def _to_its_end(work: Coroutine[Any, Any, Result]) -> Result:
    """Return what work comes to; where the client leaves meanwhile, that is told once it is done.

    The next request of the sender must not be read by what was known before.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise
