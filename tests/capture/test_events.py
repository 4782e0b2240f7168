from __future__ import annotations

from typing import Any

from modelwatch.capture.events import EventLog
from modelwatch.capture.sampling import RowBudget
from modelwatch.telemetry.wire import Event
from tests.watched import Watched


def event() -> Event:
    """Return an event."""
    return Event(name="something", time_ns=1)


def test_what_is_beyond_the_rate_is_counted() -> None:
    """So many events a second are kept, the others are counted and never made."""
    log = EventLog(RowBudget(3.0, clock=lambda: 0.0))
    made: list[Event] = []

    def make() -> Event:
        made.append(event())
        return made[-1]

    for _ in range(10):
        log.add(make)
    events, dropped = log.take()
    assert (events, len(made)) == (made, 3)
    assert dropped == {"rate_limited": 7}
    assert log.take() == ([], {})


def test_no_more_than_fit_are_kept() -> None:
    """Events that nobody takes need no more memory in the end."""
    log = EventLog(RowBudget(1e9))
    for _ in range(1_100):
        log.add(event)
    events, dropped = log.take()
    assert (len(events), dropped) == (1_000, {"queue_full": 100})


def test_outliers_are_sent_as_events(watched: Watched, row: dict[str, Any]) -> None:
    """A row with outliers leaves as a log record, with names and rules and without values."""

    @watched.watch
    def predict(features: dict[str, Any]) -> float:
        return 0.5

    predict(row)
    predict({**row, "city": "Atlantis"})
    assert watched.watch.flush(timeout_seconds=10.0)
    logs = [body for signal, body in watched.transport.sent if signal == "logs"]
    (told,) = [body for body in logs if b"modelwatch.outlier.features" in body]
    assert b"unseen_category" in told
    assert b"Atlantis" not in told
