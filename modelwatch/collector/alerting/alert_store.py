"""What is kept of alerts, and the Protocols by which it is asked for.

`modelwatch.collector.alerting.sqlite_alerts` is the embedded implementation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from modelwatch.collector.alerting.alert import Alert, Transition
from modelwatch.collector.alerting.facts import WindowFacts
from modelwatch.collector.alerting.muting import Silence
from modelwatch.collector.alerting.notices import Notice
from modelwatch.collector.alerting.state_machine import RuleKey, RuleState
from modelwatch.collector.rollouts.made import SuggestionNotice

__all__ = [
    "AlertLog",
    "AlertStore",
    "Change",
    "Delivery",
    "Event",
    "Kept",
    "Outbox",
    "Page",
    "VersionKey",
    "Waiting",
]

VersionKey = tuple[str, str]
"""Model and version."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """All that a collector needs to know of alerts when it starts."""

    states: Sequence[RuleState]
    facts: Mapping[VersionKey, Sequence[WindowFacts]]
    silences: Sequence[Silence]


@dataclass(frozen=True, kw_only=True)
class Change:
    """What one round changes; committed as a whole or not at all.

    Attributes:
        at_ns: when.
        facts: windows that were judged.
        states: what is known now, where that changed.
        forgotten: what is no longer looked at.
        transitions: what happened to alerts, in order.
        notices: who is to be told what: names of targets, and notices.
        keep_windows: how many windows of a version are kept.
        keep_ends_ns: ends of windows that are kept though they are not among the latest.
        ended_before_ns: alerts that were resolved before that are removed.
    """

    at_ns: int
    facts: Sequence[tuple[VersionKey, WindowFacts]] = ()
    states: Sequence[RuleState] = ()
    forgotten: Sequence[RuleKey] = ()
    transitions: Sequence[Transition] = ()
    notices: Sequence[tuple[str, Notice]] = ()
    keep_windows: int = 12
    keep_ends_ns: Mapping[VersionKey, Sequence[int]] = field(default_factory=dict)
    ended_before_ns: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to commit."""
        return not (self.facts or self.states or self.forgotten or self.transitions)


@dataclass(frozen=True, kw_only=True)
class Event:
    """One line of an alert's history."""

    kind: str
    at_ns: int
    detail: str


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some alerts, the newest first, and where the next ones start; None at the end."""

    alerts: Sequence[Alert]
    cursor: int | None


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A notice that waits to be sent to one target.

    Attributes:
        number: its place in the order.
        target: name of the target.
        notice: what is to be sent; None where it is damaged.
        created_ns: since when it waits.
        attempts: how often it was tried.
    """

    number: int
    target: str
    notice: Notice | SuggestionNotice | None
    created_ns: int
    attempts: int


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """How it goes with one target. Times are Unix nanoseconds.

    Attributes:
        waiting: notices that wait to be sent.
        sent: notices that were sent.
        failures: tries that failed.
        given_up: notices that were given up, or dropped since too many waited.
        last_sent_ns: when the last one was sent.
        last_failed_ns: when the last try failed.
        last_error: why; holds no secrets.
    """

    waiting: int = 0
    sent: int = 0
    failures: int = 0
    given_up: int = 0
    last_sent_ns: int | None = None
    last_failed_ns: int | None = None
    last_error: str = ""


class AlertLog(Protocol):
    """Answers what alerts there are and were. Blocking: call it off the event loop."""

    def alerts(
        self,
        *,
        states: Sequence[str],
        model: str | None,
        may_read: Callable[[str], bool],
        limit: int,
        before: int | None,
    ) -> Page:
        """Return the newest alerts, or those after a cursor.

        Args:
            states: in one of these.
            model: of this model; of all where None.
            may_read: tells of a model whether its alerts are told.
            limit: how many at most.
            before: the cursor.
        """
        ...

    def alert(self, alert_id: str) -> Alert | None:
        """Return one alert."""
        ...

    def history(self, alert_id: str) -> Sequence[Event]:
        """Return what happened to an alert, oldest first."""
        ...


class Outbox(Protocol):
    """Keeps notices until they were sent."""

    def due(self, now_ns: int) -> Sequence[Waiting]:
        """Return notices to send now, of each target and alert the oldest only. Blocking."""
        ...

    def next_due_ns(self) -> int | None:
        """Return when the next notice is due; None where none waits. Blocking."""
        ...

    async def delivered(self, waiting: Waiting, *, now_ns: int) -> None:
        """Commit that a notice was sent."""
        ...

    async def failed(
        self, waiting: Waiting, *, error: str, retry_ns: int | None, now_ns: int
    ) -> None:
        """Commit that a try failed, and when to try again; None gives the notice up."""
        ...

    def deliveries(self) -> Mapping[str, Delivery]:
        """Return how it goes, by target. Blocking."""
        ...


class AlertStore(AlertLog, Outbox, Protocol):
    """All of the above, and what only the alerting itself writes."""

    def load(self) -> Kept:
        """Return what is known. Blocking."""
        ...

    async def commit(self, change: Change) -> None:
        """Commit what one round changes, notices too, in one transaction."""
        ...

    async def put_silence(self, silence: Silence) -> None:
        """Commit a silence, in place of one of the same id."""
        ...
