"""What waits to be sent, in bounded memory.

What was sent once is kept as the same bytes until it is taken or finally refused, so that a
receiver can tell a repetition. What was never sent waits as profiles, and neighbours are merged
when too much waits: an outage costs resolution in time before it costs rows.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final, Protocol

from modelwatch.errors import ProfileMismatch
from modelwatch.lazy import cached_property
from modelwatch.profile import Profile
from modelwatch.telemetry.cumulative import CumulativeProfiles, SeriesKey
from modelwatch.telemetry.export_options import ExportOptions
from modelwatch.telemetry.privacy import Privacy
from modelwatch.telemetry.transport import Outcome, Signal
from modelwatch.telemetry.wire import (
    Event,
    LabelRows,
    PredictionRows,
    SelfMetrics,
    encode_events,
    encode_logs,
    encode_metrics,
    label_events,
    prediction_events,
)
from modelwatch.telemetry.wire.splitting import halves

__all__ = ["ExportQueue", "FaultGuard", "Message", "Told"]

Told = Event | PredictionRows | LabelRows
"""What is sent beside profiles."""

MOST_WAITING: Final = 32
"""Profiles that wait unsent; beyond it the two oldest neighbours are merged, where they can be."""

EVENTS_AT_ONCE: Final = 512
"""Events in one message."""

BODY_BYTES_AT_ONCE: Final = 1024 * 1024
"""Bytes of their bodies in one message, but for a single one; gRPC servers take four times that."""

EVENTS_SHARE: Final = 4
"""Events take at most a quarter of the bytes that may wait."""

_QUEUE_FULL, _REFUSED, _FAULT = "export_queue_full", "export_refused", "fault"


class FaultGuard(AbstractContextManager[Any], Protocol):
    """Swallows faults inside a ``with`` block, and logs notices once per kind."""

    def notice(self, kind: str, message: str) -> None:
        """Log a warning, once per kind and interval."""


class _Waiting:
    """A profile that was never sent, and how large its messages would be."""

    def __init__(self, profile: Profile, options: ExportOptions) -> None:
        self.profile = profile
        self._options = options

    @cached_property
    def size_bytes(self) -> int:
        size = len(encode_logs(self.profile, resource={}))
        if self._options.temporality == "delta":
            size += len(encode_metrics(self.profile, resource={}))
        return size

    def merge(self, other: _Waiting) -> _Waiting:
        """Return both as one.

        Raises:
            ProfileMismatch: where they cannot be merged.
        """
        return _Waiting(self.profile.merge(other.profile), self._options)


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message that was sent, or is about to be.

    Attributes:
        signal: its kind.
        body: its bytes.
        rows: the rows that are lost if it is refused.
        events: likewise the events.
        dropped: the dropped rows that it reports, by reason; if it is refused they are to be
            reported again.
        own: what it tells of the exporter, likewise.
        series: the sum that it tells, where it is cumulative: it need not be sent again then, as a
            later one holds it too.
    """

    signal: Signal
    body: bytes
    rows: int = 0
    events: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    own: SelfMetrics = field(default_factory=SelfMetrics)
    series: SeriesKey | None = None


class ExportQueue:
    """Profiles and events in, messages out, oldest first. For one thread at a time.

    Rows of a refused message are counted as dropped (``export_refused``) by the next profile. Where
    a receiver takes a part of a message only, how many rows it refused cannot be known from its
    answer, and none are counted.

    Memory: `ExportOptions.queue_bytes`, the one or two messages that are being sent, and the last
    profile, however large; for cumulative temporality the sums of `CumulativeProfiles` besides.

    Args:
        resource: returns the attributes of the process.
        options: what is sent, and how much may wait.
        guard: logs notices.
        privacy: returns what is held back of all that comes in.

    Attributes:
        refusals: how many messages were refused for good, in part or as a whole.
    """

    def __init__(
        self,
        *,
        resource: Callable[[], Mapping[str, str | int | float | bool]],
        options: ExportOptions,
        guard: FaultGuard,
        privacy: Callable[[], Privacy] = Privacy,
    ) -> None:
        self._resource = resource
        self._privacy = privacy
        self._options = options
        self._guard = guard
        self._sending: deque[Message] = deque()
        self._waiting: list[_Waiting] = []
        self._events: deque[Message] = deque()
        is_cumulative = options.temporality == "cumulative"
        self._totals = CumulativeProfiles() if is_cumulative else None
        self._dropped: Counter[str] = Counter()  # not reported so far, as the two below
        self._failures: Counter[str] = Counter()
        self._events_dropped: Counter[str] = Counter()
        self.refusals = 0

    @property
    def is_empty(self) -> bool:
        """Whether all has been taken or finally refused."""
        has_totals = self._totals is not None and self._totals.is_changed
        return not (self._sending or self._waiting or self._events or has_totals)

    @property
    def size_bytes(self) -> int:
        """Return what waits, in the size it has when it is sent."""
        messages = sum(len(message.body) for message in (*self._sending, *self._events))
        return messages + sum(waiting.size_bytes for waiting in self._waiting)

    def add(
        self,
        profiles: Sequence[Profile],
        events: Sequence[Told] = (),
        events_dropped: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        """Take what ended and what happened, and let go of what is too much.

        Args:
            profiles: what ended.
            events: what happened, was predicted or became known.
            events_dropped: how many events were lost before they came here, by reason.
        """
        self._events_dropped.update(events_dropped)
        privacy = self._privacy()
        profiles = [privacy.applied(profile) for profile in profiles]
        told = [shown for event in events for shown in _shown(event, privacy)]
        for profile in profiles:
            self._add(profile)
        if "logs" in self._options.signals:
            for batch in _batches(told):
                self._events.extend(self._encode_events(batch))
        self._shorten_events()
        if len(self._waiting) > 1:
            self._shorten_waiting()

    def head(self) -> Message | None:
        """Return the message to send next; None where there is none.

        It stays in the queue until its outcome is told by `settle`.
        """
        if not self._sending:
            if self._waiting:
                self._sending.extend(self._encode(self._waiting.pop(0).profile))
                return self.head()
            if self._totals is not None and self._totals.is_changed:
                self._sending.append(self._encode_total(*self._totals.take()))
            elif self._events:
                self._sending.append(self._events.popleft())
        return self._sending[0] if self._sending else None

    def settle(self, outcome: Outcome) -> bool:
        """Take note of what became of the head; False where nothing is to be sent for a while."""
        message = self._sending.popleft()
        if outcome.status == "accepted":
            return True
        self._failures[outcome.status] += 1
        match outcome.status:
            case "unreachable":
                self._keep(message)
                return False
            case "too_large":
                self._split(message)
            case "refused":
                self._give_up(message)
            case "partial":
                self.refusals += 1
        return True

    def _add(self, profile: Profile) -> None:
        if self._totals is not None and "metrics" in self._options.signals:
            profile.dropped.update(+self._dropped)
            self._dropped.clear()
            self._lose(self._totals.add(profile))
            if "logs" not in self._options.signals:
                return
        if self._options.signals:
            self._waiting.append(_Waiting(profile, self._options))

    def _keep(self, message: Message) -> None:
        """Keep a message that has to be sent again; a cumulative one is encoded anew."""
        if message.series is not None and self._totals is not None:
            self._totals.untake(message.series)
        else:
            self._sending.appendleft(message)

    def _split(self, message: Message) -> None:
        """Send in two messages what was refused for its size: the receiver took nothing of it."""
        parts = halves(message.signal, message.body)
        if parts is None:
            self._guard.notice(
                "export too large",
                f"a message of {len(message.body)} bytes that cannot be split is too large for "
                "the receiver: raise its limit on the size of a request.",
            )
            self._give_up(message)
            return
        first_events = message.events // 2
        second = replace(message, body=parts[1], events=message.events - first_events)
        first = Message(
            signal=message.signal, body=parts[0], events=first_events, series=message.series
        )
        self._sending.extendleft((second, first))

    def _give_up(self, message: Message) -> None:
        """Count what a refused message held, to be reported by a later one."""
        self.refusals += 1
        if message.events:
            self._events_dropped[_REFUSED] += message.events
        if message.series is not None:
            return
        self._dropped.update(message.dropped)
        if message.rows:
            self._dropped[_REFUSED] += message.rows
        self._failures.update(message.own.export_failures)
        self._events_dropped.update(message.own.events_dropped)

    def _encode(self, profile: Profile) -> list[Message]:
        """Return the messages of a profile that is no longer kept."""
        messages: list[Message] = []
        done = False
        try:
            if self._totals is None and "metrics" in self._options.signals:
                messages.append(self._encode_window(profile))
            if "logs" in self._options.signals:
                logs = encode_logs(profile, resource=self._resource())
                messages += [Message(signal="logs", body=logs)] if logs else []
            done = True
        finally:
            if not done:
                self._dropped[_FAULT] += profile.rows
        return messages

    def _encode_window(self, profile: Profile) -> Message:
        profile.dropped.update(+self._dropped)
        self._dropped.clear()
        own = self._own_metrics()
        body = encode_metrics(profile, resource=self._resource(), own=own)
        self._failures.clear()
        self._events_dropped.clear()
        return Message(
            signal="metrics",
            body=body,
            rows=profile.rows,
            dropped=Counter(profile.dropped),
            own=own,
        )

    def _encode_total(self, key: SeriesKey, total: Profile) -> Message:
        """Encode a sum; that of all traffic tells of the exporter too, since its own start."""
        own = self._own_metrics() if total.segment is None else SelfMetrics()
        body = encode_metrics(total, resource=self._resource(), own=own, temporality="cumulative")
        return Message(signal="metrics", body=body, series=key)

    def _own_metrics(self) -> SelfMetrics:
        return SelfMetrics(
            export_failures=dict(self._failures), events_dropped=dict(self._events_dropped)
        )

    def _encode_events(self, events: Sequence[Event]) -> Iterator[Message]:
        """Yield a message with all that can be sent; the rest is counted as lost."""
        try:
            body = encode_events(events, resource=self._resource())
        except (TypeError, ValueError, OverflowError):
            if len(events) > 1:
                middle = len(events) // 2
                yield from self._encode_events(events[:middle])
                yield from self._encode_events(events[middle:])
                return
            self._events_dropped[_FAULT] += events[0].tells
            self._guard.notice("event", f"an event {events[0].name} cannot be sent.")
            return
        yield Message(signal="logs", body=body, events=sum(event.tells for event in events))

    def _shorten_events(self) -> None:
        limit = self._options.queue_bytes // EVENTS_SHARE
        size = sum(len(message.body) for message in self._events)
        while size > limit:
            lost = self._events.popleft()
            size -= len(lost.body)
            self._events_dropped[_QUEUE_FULL] += lost.events
            self._guard.notice("event queue", f"{lost.events} events were lost: too many wait.")

    def _shorten_waiting(self) -> None:
        """Merge the oldest neighbours that can be; lose the oldest for want of bytes alone."""
        limit = self._options.queue_bytes - self._options.queue_bytes // EVENTS_SHARE
        while len(self._waiting) > 1:
            is_full = sum(waiting.size_bytes for waiting in self._waiting) > limit
            if len(self._waiting) <= MOST_WAITING and not is_full:
                return
            if self._merge_neighbours():
                continue
            if not is_full:
                return
            lost = self._waiting.pop(0)
            self._lose(lost.profile.rows if self._totals is None else 0)

    def _merge_neighbours(self) -> bool:
        for index in range(len(self._waiting) - 1):
            with suppress(ProfileMismatch):
                merged = self._waiting[index].merge(self._waiting[index + 1])
                self._waiting[index : index + 2] = [merged]
                return True
        return False

    def _lose(self, rows: int) -> None:
        if rows:
            self._dropped[_QUEUE_FULL] += rows
            self._guard.notice("export queue", f"{rows} rows were lost: too much waits.")


def _shown(told: Told, privacy: Privacy) -> list[Event]:
    """Return events of what may be told."""
    if isinstance(told, PredictionRows):
        rows = privacy.applied_to_predictions(told)
        return [] if rows is None else prediction_events(rows)
    if isinstance(told, LabelRows):
        return label_events(privacy.applied_to_labels(told))
    attributes = privacy.applied_to_event(told.attributes)
    return [] if attributes is None else [replace(told, attributes=attributes)]


def _batches(events: Sequence[Event]) -> Iterator[list[Event]]:
    """Put events together that go into one message."""
    batch: list[Event] = []
    size = 0
    for event in events:
        weight = len(event.body) if isinstance(event.body, (str, bytes)) else 0
        if batch and (len(batch) >= EVENTS_AT_ONCE or size + weight > BODY_BYTES_AT_ONCE):
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += weight
    if batch:
        yield batch
