"""Connections that can only read, kept open between uses: opening one costs more than a look."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

__all__ = ["Readers"]

MOST_IDLE: Final = 4
"""Connections kept open while nobody reads, each with up to 2 MB of pages."""

WAIT_SECONDS: Final = 10.0
"""How long a reader waits where another program holds the file's lock."""


class Readers:
    """Lends connections out, each to one reader at a time.

    Thread-safety: every method may be called from any thread.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._uri = f"{path.as_uri()}?mode=ro"
        self._lock = threading.Lock()  # guards what follows; no file is opened or read under it
        self._idle: list[sqlite3.Connection] = []
        self._is_closed = False

    @contextmanager
    def lend(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection that is in no transaction; one that is left open ends with the loan.

        Raises:
            sqlite3.Error: the file cannot be opened.
        """
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            connection = sqlite3.connect(
                self._uri, uri=True, timeout=WAIT_SECONDS, check_same_thread=False
            )
        try:
            yield connection
            connection.rollback()
        except BaseException:
            connection.close()
            raise
        self._take_back(connection)

    def close(self) -> None:
        """Close what is idle now, and from now on all that comes back."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _take_back(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            is_kept = not self._is_closed and len(self._idle) < MOST_IDLE
            if is_kept:
                self._idle.append(connection)
        if not is_kept:
            connection.close()
