"""Lets what a request writes be accompanied by a note of it, in one and the same transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, TypeVar

__all__ = ["accompanied", "accompanied_by"]

Result = TypeVar("Result")
Companion = Callable[[sqlite3.Connection], None]

_companion: Final[ContextVar[Companion | None]] = ContextVar("modelwatch_companion", default=None)


@contextmanager
def accompanied_by(companion: Companion) -> Iterator[None]:
    """Have all writes from within also do this, in their own transaction, after their work."""
    token = _companion.set(companion)
    try:
        yield
    finally:
        _companion.reset(token)


def accompanied(work: Callable[[sqlite3.Connection], Result]) -> Callable[..., Result]:
    """Return the work, with what accompanies it here."""
    companion = _companion.get()
    if companion is None:
        return work

    def both(connection: sqlite3.Connection) -> Result:
        result = work(connection)
        companion(connection)
        return result

    return both
