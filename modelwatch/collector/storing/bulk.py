"""Many rows in one statement.

SQLite is left and entered again for every step of a statement, and with it the interpreter's lock,
which a busy event loop holds for milliseconds: a hundred rows in one step wait once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

__all__ = ["insert_rows", "select_rows"]

Value = str | int | float | bytes | None

_LARGEST: Final = 64
"""Rows in one statement: a power of two. Smaller ones make up the rest, each prepared once."""


def insert_rows(
    connection: sqlite3.Connection, statement: str, rows: Sequence[Sequence[Value]]
) -> int:
    """Insert rows of one width.

    Args:
        connection: in a transaction.
        statement: with {} in the place of the rows.
        rows: their values.

    Returns:
        The number of the last row, where the table has numbers.
    """
    last = 0
    done = 0
    while done < len(rows):
        part = rows[done : done + _largest(len(rows) - done)]
        values = [value for row in part for value in row]
        last = (
            connection.execute(_filled(statement, len(part), len(part[0])), values).lastrowid or 0
        )
        done += len(part)
    return last


def select_rows(
    connection: sqlite3.Connection, statement: str, keys: Sequence[Sequence[Value]]
) -> list[tuple[Any, ...]]:
    """Return the rows that some keys of one width find.

    Args:
        connection: any.
        statement: with {} in the place of the keys.
        keys: their values.
    """
    found: list[tuple[Any, ...]] = []
    for first in range(0, len(keys), _LARGEST):
        part = list(keys[first : first + _LARGEST])
        part += [part[0]] * (_LARGEST - len(part))
        values = [value for key in part for value in key]
        found += connection.execute(_filled(statement, _LARGEST, len(part[0])), values).fetchall()
    return found


def _largest(left: int) -> int:
    return min(_LARGEST, 1 << (left.bit_length() - 1))


@lru_cache(maxsize=64)
def _filled(statement: str, rows: int, width: int) -> str:
    row = f"({', '.join('?' * width)})"
    return statement.format(", ".join([row] * rows))
