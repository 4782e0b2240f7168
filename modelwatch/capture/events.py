"""Events that wait to be sent: what happened to single predictions."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from modelwatch.capture.prediction import Prediction, identified
from modelwatch.capture.sampling import RowBudget
from modelwatch.telemetry import names
from modelwatch.telemetry.wire.events import Event

__all__ = ["EventLog", "outlier_event"]

_EVENTS_PER_SECOND: Final = 10.0
"""A flood of outliers is told by their rate; examples of it are enough."""

_MOST_WAITING: Final = 1_000


class EventLog:
    """Keeps events until they are sent: ten a second on average, and a thousand at most.

    What is beyond is counted. Thread-safe.

    Args:
        budget: how many events are kept.
    """

    def __init__(self, budget: RowBudget | None = None) -> None:
        self._budget = RowBudget(_EVENTS_PER_SECOND) if budget is None else budget
        self.reset()

    def reset(self) -> None:
        """Forget all events, and take a new lock: what a forked child needs."""
        self._budget.reset()
        self._lock = threading.Lock()  # guards the two below
        self._events: list[Event] = []
        self._dropped: Counter[str] = Counter()

    def add(self, event: Callable[[], Event]) -> None:
        """Keep an event, which is made only if there is room for it."""
        reason = "" if self._budget.take() else "rate_limited"
        if not reason and len(self._events) >= _MOST_WAITING:
            reason = "queue_full"
        made = event() if not reason else None
        with self._lock:
            if made is None:
                self._dropped[reason] += 1
            else:
                self._events.append(made)

    def add_examples(self, events: Sequence[Event]) -> None:
        """Keep events that are few already, beside the ten a second."""
        with self._lock:
            kept = events[: max(0, _MOST_WAITING - len(self._events))]
            self._events += kept
            if len(kept) < len(events):
                self._dropped["queue_full"] += len(events) - len(kept)

    def take(self) -> tuple[list[Event], Counter[str]]:
        """Return what waits, and how many were dropped for which reason, and forget both."""
        with self._lock:
            taken = self._events, self._dropped
            self._events, self._dropped = [], Counter()
        return taken


def outlier_event(
    prediction: Prediction, model: str, version: str, span: tuple[int, int, int] = (0, 0, 0)
) -> Event:
    """Tell of a prediction whose inputs have outliers; of their names, not of their values.

    Args:
        prediction: the prediction.
        model: the model's name.
        version: its version.
        span: trace id, span id and trace flags of the span that it is made in; zeros without one.
    """
    trace_id, span_id, trace_flags = span
    return Event(
        name=names.OUTLIER,
        time_ns=time.time_ns(),
        attributes={
            names.MODEL_NAME: model,
            names.MODEL_VERSION: version,
            names.PREDICTION_ID: identified(prediction),
            names.OUTLIER_FEATURES: list(prediction.outliers),
            names.OUTLIER_RULES: list(prediction.outliers.values()),
        },
        trace_id=trace_id,
        span_id=span_id,
        trace_flags=trace_flags,
    )
