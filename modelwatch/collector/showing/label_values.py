"""Texts of users as values of labels: of bounded length, and of characters that can be sent."""

from __future__ import annotations

import hashlib

__all__ = ["MOST_CHARACTERS", "label_value"]

MOST_CHARACTERS = 200
_DIGITS = 12


def label_value(text: str) -> str:
    r"""Return a text as a label's value; quotes, backslashes and line ends are escaped later.

    What is too long ends in a digest of the whole, so that two names never become one.

    >>> label_value("age \"years\" \ud800")
    'age "years" ?'
    >>> len(label_value("x" * 1_000)), label_value("x" * 1_000) == label_value("x" * 1_001)
    (200, False)
    """
    if text.isascii() and len(text) <= MOST_CHARACTERS:
        return text
    sendable = text.encode("utf-8", "replace").decode("utf-8")
    if len(sendable) <= MOST_CHARACTERS:
        return sendable
    digest = hashlib.sha256(sendable.encode()).hexdigest()[:_DIGITS]
    return f"{sendable[: MOST_CHARACTERS - _DIGITS - 1]}~{digest}"
