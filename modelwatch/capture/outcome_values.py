"""Ids, outputs, features and labels in the few types in which they are sent."""

from __future__ import annotations

import decimal
import math
import numbers
import uuid
from typing import Any, Final

import numpy as np

from modelwatch.capture.plain_values import is_plain_type
from modelwatch.tables.columns import ABSENT, RawColumn, category_key
from modelwatch.tables.value_kinds import BOOLEANS, NULL_NAMES
from modelwatch.telemetry.wire.outcomes import MOST_ID_CHARACTERS, OutcomeValue

__all__ = ["MOST_CHARACTERS", "outcome_value", "outcome_values", "row_id", "row_ids"]

MOST_CHARACTERS: Final = 256
"""Characters that are sent of a text."""

_PLAIN: Final = frozenset({float, bool, type(None)})
_LARGEST_INTEGER: Final = 2**63 - 1


def outcome_values(values: RawColumn) -> list[OutcomeValue]:
    """Return the values of a column; what has no value that can be sent is None.

    >>> outcome_values([0.5, True, "yes", None, ABSENT, object()])
    [0.5, True, 'yes', None, None, None]
    """
    listed: list[Any] = values.tolist() if isinstance(values, np.ndarray) else list(values)
    return listed if _PLAIN.issuperset(map(type, listed)) else [*map(outcome_value, listed)]


def outcome_value(value: Any) -> OutcomeValue:
    """Return a value as a text, a number or a truth value; None where it is none of these.

    Texts are cut at `MOST_CHARACTERS`; integers beyond 64 bits become floats.

    >>> import numpy as np
    >>> outcome_value(np.int64(3)), outcome_value(np.True_), outcome_value(b"bytes")
    (3, True, None)
    """
    if value is None or value is ABSENT or type(value).__name__ in NULL_NAMES:
        return None
    if isinstance(value, BOOLEANS):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value) if abs(int(value)) <= _LARGEST_INTEGER else _as_float(value)
    if isinstance(value, (numbers.Real, decimal.Decimal)):
        return _as_float(value)
    if isinstance(value, bytes) or not is_plain_type(type(value)):
        return None
    return category_key(value)[:MOST_CHARACTERS]


def row_id(value: Any) -> str | None:
    """Return the id that a row holds; None where it holds none that can be sent.

    >>> row_id("order-7"), row_id(7), row_id(7.0), row_id(""), row_id(None), row_id(True)
    ('order-7', '7', '7', None, None, None)
    """
    if isinstance(value, (str, uuid.UUID)) or _is_whole(value):
        found = category_key(value)
        return found if 0 < len(found) <= MOST_ID_CHARACTERS else None
    return None


def row_ids(column: RawColumn) -> list[str | None]:
    """Return the id of each row, as `row_id` does."""
    listed = column.tolist() if isinstance(column, np.ndarray) else column
    return [row_id(value) for value in listed]


def _is_whole(value: Any) -> bool:
    if isinstance(value, BOOLEANS):
        return False
    if isinstance(value, (float, np.floating)):
        return float(value).is_integer()
    return isinstance(value, (int, np.integer))


def _as_float(value: Any) -> float | None:
    try:
        found = float(value)
    except (OverflowError, ValueError, TypeError):
        return None
    return found if math.isfinite(found) else None
