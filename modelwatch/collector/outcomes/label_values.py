"""Labels as the store holds them: a kind, and a value of SQLite's own types."""

from __future__ import annotations

import math
from enum import IntEnum
from typing import Final

from modelwatch.telemetry.wire.outcomes import OutcomeValue

__all__ = ["LONGEST_LABEL", "LabelFault", "LabelKind", "label_of", "stored_label"]

LONGEST_LABEL: Final = 1_024
"""Characters of a label that is a text."""

StoredValue = str | int | float | None


class LabelKind(IntEnum):
    """What a label is; it lies in the file, so that numbers never change."""

    NONE = 0
    BOOLEAN = 1
    NUMBER = 2
    TEXT = 3


class LabelFault(ValueError):
    """A label that can never be stored; its text is the reason, in one word."""


def stored_label(value: OutcomeValue) -> tuple[int, StoredValue]:
    """Return the kind of a label, and how it is stored.

    Raises:
        LabelFault: it is no number, infinite, too large or too long.

    >>> stored_label(True), stored_label("spam"), stored_label(None)
    ((1, 1), (3, 'spam'), (0, None))
    """
    if value is None:
        return 0, None
    if isinstance(value, bool):
        return 1, int(value)
    if isinstance(value, str):
        return 3, _checked_text(value)
    return 2, _checked_number(value)


def label_of(kind: int, value: StoredValue) -> OutcomeValue:
    """Return the label that was stored; whole numbers come back as such."""
    if kind == LabelKind.NONE:
        return None
    if kind == LabelKind.BOOLEAN:
        return bool(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value


def _checked_text(value: str) -> str:
    if len(value) > LONGEST_LABEL:
        raise LabelFault("too_long")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise LabelFault("encoding") from error
    return value


def _checked_number(value: float) -> float:
    try:
        number = float(value)
    except OverflowError as error:
        raise LabelFault("too_large") from error
    if not math.isfinite(number):
        raise LabelFault("not_finite")
    return number
