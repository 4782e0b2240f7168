"""Labels that the service itself comes to know, until they are sent."""

from __future__ import annotations

import datetime as dt
import math
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, TypeGuard

import numpy as np

from modelwatch.capture.outcome_values import MOST_CHARACTERS, outcome_value, row_id
from modelwatch.errors import ConfigurationError
from modelwatch.parameter_checks import shown
from modelwatch.telemetry.wire.outcomes import LabelRows, OutcomeValue

__all__ = ["MOST_WAITING", "Label", "LabelLog", "checked_label", "checked_labels"]

MOST_WAITING: Final = 65_536
"""Labels that wait to be sent; those beyond are counted as dropped."""

_LATEST_SECONDS: Final = 9e9
"""In the year 2255: Unix nanoseconds of 64 bits end soon after."""

LabelTime = dt.datetime | float | None


class Label(NamedTuple):
    """What turned out to be true of a prediction; None takes it back."""

    prediction_id: str
    value: OutcomeValue
    time_ns: int


class LabelLog:
    """Keeps labels until they are taken: 65,536 at most. Thread-safe.

    Args:
        model: the model's name.
    """

    def __init__(self, model: str) -> None:
        self._model = model
        self.reset()

    def reset(self) -> None:
        """Forget all labels, and take a new lock: what a forked child needs."""
        self._lock = threading.RLock()  # guards the two below; the garbage collector may come in
        self._waiting: deque[Label] = deque()
        self._dropped = 0

    def add(self, labels: Sequence[Label]) -> int:
        """Keep labels, as many as fit; return how many did not, which are counted."""
        with self._lock:
            kept = labels[: MOST_WAITING - len(self._waiting)]
            self._waiting.extend(kept)
            lost = len(labels) - len(kept)
            self._dropped += lost
        return lost

    def take(self) -> tuple[LabelRows | None, Counter[str]]:
        """Return what waits, and how many were dropped for which reason, and forget both."""
        with self._lock:
            waiting, lost = self._waiting, self._dropped
            self._waiting, self._dropped = deque(), 0
        dropped = Counter({"queue_full": lost} if lost else {})
        if not waiting:
            return None, dropped
        ids, labels, times_ns = (list(column) for column in zip(*waiting, strict=True))
        return LabelRows(model=self._model, ids=ids, labels=labels, times_ns=times_ns), dropped


def checked_label(
    prediction_id: object,
    label: object,
    known: object = None,
    *,
    where: str = "",
    clock_ns: Callable[[], int] = time.time_ns,
) -> Label:
    """Return a label as it is sent.

    Args:
        prediction_id: the prediction's id.
        label: what turned out to be true of it.
        known: when that became known: a datetime, Unix seconds, or None for now.
        where: says in errors which of several it is.
        clock_ns: Unix time in nanoseconds.

    Raises:
        ConfigurationError: where one of them cannot be.
    """
    found = row_id(prediction_id)
    if found is None:
        raise ConfigurationError(
            f"prediction_id{where} is {shown(prediction_id)}: give the id that the prediction was "
            "returned with, a text of 1 to 256 characters."
        )
    return Label(found, _value(label, where), _time_ns(known, where, clock_ns))


def checked_labels(prediction_ids: object, labels: object, known: object = None) -> list[Label]:
    """Return many labels as they are sent; all of them, or none.

    Args:
        prediction_ids: one of each prediction: a list, array or column of a frame.
        labels: as many, likewise.
        known: as many times, likewise, or one for all, as of `checked_label`.

    Raises:
        ConfigurationError: where one of them cannot be, which it names by its place.
    """
    ids, values = _listed("prediction_ids", prediction_ids), _listed("labels", labels)
    if len(values) != len(ids):
        raise ConfigurationError(
            f"there are {len(values)} labels for {len(ids)} prediction_ids: give one for each."
        )
    if _is_many(known):
        times = _listed("times", known)
        if len(times) != len(ids):
            raise ConfigurationError(
                f"there are {len(times)} times for {len(ids)} prediction_ids: give one for each, "
                "or one for all."
            )
    else:
        times = [known] * len(ids)
    now_ns = time.time_ns()
    return [
        checked_label(one, label, when, where=f"s[{place}]", clock_ns=lambda: now_ns)
        for place, (one, label, when) in enumerate(zip(ids, values, times, strict=True))
    ]


def _value(label: Any, where: str) -> OutcomeValue:
    found = outcome_value(label)
    is_text = isinstance(label, str)
    if (found is None and label is not None) or (is_text and len(label) > MOST_CHARACTERS):
        what = f"label{where}"
        raise ConfigurationError(
            f"{what} is {shown(label)}: give a class (a text of at most {MOST_CHARACTERS} "
            "characters, a whole number or a truth value) or a finite number; None takes a label "
            "back."
        )
    return found


def _time_ns(known: object, where: str, clock_ns: Callable[[], int]) -> int:
    if known is None:
        return clock_ns()
    seconds: float = math.nan
    if isinstance(known, dt.datetime):
        # A NaT of pandas is a datetime, and has no time.
        aware = known if known.tzinfo is not None else known.replace(tzinfo=dt.UTC)
        seconds = _timestamp(aware)
    elif isinstance(known, np.datetime64):
        seconds = float((known - np.datetime64(0, "s")) / np.timedelta64(1, "s"))
    elif isinstance(known, (int, float, np.number)) and not isinstance(known, bool):
        seconds = float(known)
    if not 0.0 < seconds < _LATEST_SECONDS:
        raise ConfigurationError(
            f"time{where} is {shown(known)}: give a datetime (UTC where it names no zone) or "
            "seconds since 1970, or None for now."
        )
    return round(seconds * 1e6) * 1_000


def _timestamp(aware: dt.datetime) -> float:
    try:
        return aware.timestamp()
    except (OverflowError, ValueError):
        return math.nan


def _is_many(values: object) -> TypeGuard[Sequence[Any]]:
    if isinstance(values, (str, bytes, dict)):
        return False
    return (
        isinstance(values, Sequence)
        or getattr(values, "ndim", 0) == 1
        or (hasattr(values, "to_list"))
    )


def _listed(name: str, values: object) -> list[Any]:
    if not _is_many(values):
        raise ConfigurationError(
            f"{name} is {shown(values)}: give a list, an array of one dimension or a column of a "
            "frame."
        )
    return list(values)
