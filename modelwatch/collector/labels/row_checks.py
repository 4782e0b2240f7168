"""What may stand in one row of labels: an id, what turned out to be true, and when that was known.

Refused is what could be taken for something else: a truth value for an id, milliseconds for a time.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import Any, Final

from modelwatch.collector.windows import LATEST_NS, NANOSECONDS
from modelwatch.tables.data_files import NULL_TEXTS
from modelwatch.telemetry.wire.outcomes import (
    MOST_ID_CHARACTERS,
    MOST_TEXT_CHARACTERS,
    OutcomeValue,
)

__all__ = [
    "BadValue",
    "checked_id",
    "checked_label",
    "checked_model",
    "checked_time",
    "typed_text",
]

_LARGEST_INTEGER: Final = 2**63
_LATEST_SECONDS: Final = LATEST_NS // NANOSECONDS
_FIRST_NANOSECONDS: Final = 10**17
"""From here on a time is one in nanoseconds. What lies between is none: it is in milliseconds."""

_NULLS: Final = frozenset(NULL_TEXTS)
_TRUTHS: Final = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)
_TIME_REMEDY: Final = (
    "give RFC 3339 such as 2026-01-31T12:00:00Z, or Unix seconds or nanoseconds, or leave it out"
)


class BadValue(Exception):
    """A row that cannot be taken.

    Args:
        problem: what is wrong.
        remedy: what to do.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}: {remedy}.")
        self.problem = problem
        self.remedy = remedy


def checked_id(value: Any) -> str:
    """Return the id of a prediction; a whole number stands for its digits.

    Raises:
        BadValue: it is none.

    >>> checked_id(17)
    '17'
    """
    if type(value) is int and abs(value) < _LARGEST_INTEGER:
        return str(value)
    if not isinstance(value, str) or not value:
        what = "no prediction_id" if value in (None, "") else f"prediction_id {_shown(value)}"
        raise BadValue(what, "give the id that the prediction was answered with, as a text")
    if len(value) > MOST_ID_CHARACTERS:
        raise BadValue(
            f"prediction_id of {len(value)} characters", f"give at most {MOST_ID_CHARACTERS}"
        )
    return value


def checked_label(value: Any) -> OutcomeValue:
    """Return a label: a class, a number, a truth value, or None, which takes one back.

    Raises:
        BadValue: it is none.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        if value and len(value) <= MOST_TEXT_CHARACTERS:
            return value
        raise BadValue(
            f"label of {len(value)} characters",
            f"give 1 to {MOST_TEXT_CHARACTERS}, or null to take a label back",
        )
    if isinstance(value, int) and -_LARGEST_INTEGER <= value < _LARGEST_INTEGER:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise BadValue(
        f"label {_shown(value)}",
        "give a text, true or false, a finite number, or null to take a label back",
    )


def checked_model(value: Any) -> str:
    """Return the name of a model.

    Raises:
        BadValue: it is none.
    """
    if isinstance(value, str) and 0 < len(value) <= MOST_TEXT_CHARACTERS:
        return value
    what = "no model" if value in (None, "") else f"model {_shown(value)}"
    raise BadValue(what, "name it in the row, or for all rows as the parameter model")


def checked_time(value: Any) -> int:
    """Return when a label became known, Unix nanoseconds; 0 where that is not told.

    Args:
        value: a date and time, or RFC 3339, in UTC where it names no zone; Unix seconds or
            nanoseconds, also as text.

    Raises:
        BadValue: it is none of them.

    >>> checked_time("1970-01-01T00:01:00Z"), checked_time(60), checked_time("1700000000.5")
    (60000000000, 60000000000, 1700000000500000000)
    """
    if value is None or value == "":
        return 0
    if isinstance(value, str):
        return _time_of_text(value)
    if isinstance(value, dt.datetime):
        return _time_of_moment(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _time_of_number(value)
    raise BadValue(f"time {_shown(value)}", _TIME_REMEDY)


def typed_text(text: str) -> OutcomeValue:
    """Return what a value of a CSV file stands for, as a baseline's file is read.

    >>> [typed_text(text) for text in ("true", "7", "0.5", "late", "NA")]
    [True, 7, 0.5, 'late', None]
    """
    if text in _NULLS:
        return None
    if text in _TRUTHS:
        return _TRUTHS[text]
    if _INTEGER.fullmatch(text) and abs(int(text)) < _LARGEST_INTEGER:
        return int(text)
    if _NUMBER.fullmatch(text):
        return float(text)
    return text


def _time_of_number(value: float) -> int:
    if 0 <= value <= _LATEST_SECONDS:
        return value * NANOSECONDS if isinstance(value, int) else round(value * NANOSECONDS)
    if _FIRST_NANOSECONDS <= value <= LATEST_NS:
        return int(value)
    raise BadValue(f"time {_shown(value)}", _TIME_REMEDY)


def _time_of_text(text: str) -> int:
    if _INTEGER.fullmatch(text):
        return _time_of_number(int(text))
    if _NUMBER.fullmatch(text):
        return _time_of_number(float(text))
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise BadValue(f"time {_shown(text)}", _TIME_REMEDY) from None
    return _time_of_moment(moment)


def _time_of_moment(moment: dt.datetime) -> int:
    try:
        aware = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
        microseconds = round(aware.timestamp() * 1_000_000)
    except (ValueError, OverflowError):
        microseconds = -1
    if not 0 <= microseconds * 1_000 <= LATEST_NS:
        raise BadValue(f"time {_shown(moment.isoformat())}", _TIME_REMEDY)
    return microseconds * 1_000


def _shown(value: Any) -> str:
    try:
        return f"{value!r:.60}"
    except ValueError:  # a whole number of thousands of digits
        return "of too many digits"
