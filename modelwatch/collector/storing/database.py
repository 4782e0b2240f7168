"""The embedded database: one SQLite file in WAL mode, one writer thread, readers beside it.

Readers are lent a read-only connection of their own, so that they never wait for the writer nor it
for them.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from modelwatch.collector.storing.companions import accompanied
from modelwatch.collector.storing.opening import open_for_writing
from modelwatch.collector.storing.readers import Readers
from modelwatch.collector.storing.store_file import StoreFile, remedy_of
from modelwatch.collector.storing.writer import GroupCommitWriter
from modelwatch.errors import StoreError

__all__ = ["Database"]

Result = TypeVar("Result")
Value = str | int | float | bytes | None


class Database:
    """The open file that all parts of the collector keep their tables in.

    Thread-safety: every method may be called from any thread or event loop.

    Args:
        path: the file; its folder is made where it is absent.
        queue_size: writes that may wait; one more raises `StoreBusy`.
        lock_seconds: how long a write waits where another program holds the file's lock.

    Raises:
        StoreError: the file cannot be opened or written, belongs to another program, or has a
            newer schema.
    """

    def __init__(
        self, path: str | Path, *, queue_size: int = 1_024, lock_seconds: float = 5.0
    ) -> None:
        self._path = Path(path).absolute()
        connection = open_for_writing(self._path)
        connection.execute(f"PRAGMA busy_timeout = {round(lock_seconds * 1_000)}")
        self._file = StoreFile(self._path)
        self._readers = Readers(self._path)
        self._writer = GroupCommitWriter(
            connection, queue_size=queue_size, require_writable=self._file.require_unchanged
        )

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def close(self) -> None:
        """Commit what is queued and close the file."""
        self._readers.close()  # first: who closes last puts the log into the file, if it can write
        self._writer.close()

    async def write(
        self,
        work: Callable[[sqlite3.Connection], Result],
        after_commit: Callable[[Result], None] | None = None,
    ) -> Result:
        """Run work in the writer's thread, inside a transaction; return once it is committed.

        Args:
            work: is given the writing connection. Where it raises, its own changes alone are
                undone, and the error is raised here.
            after_commit: is called in the writer's thread with what the work returned, once that
                is committed and before other work is run. It must not fail.

        Raises:
            StoreBusy: too many writes wait; nothing was done.
            StoreError: the database failed, or is closed; nothing was kept.
        """
        return await asyncio.wrap_future(self.submit(work, after_commit))

    def submit(
        self,
        work: Callable[[sqlite3.Connection], Result],
        after_commit: Callable[[Result], None] | None = None,
    ) -> Future[Result]:
        """Do as `write` does, for who does not run in an event loop.

        What accompanies the work is that of the context in which this is called.
        """
        return self._writer.submit(accompanied(work), after_commit)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection that can only read, and sees what is committed. Blocking.

        Raises:
            StoreError: the file was replaced, or cannot be read.
        """
        self._file.require_unchanged()
        try:
            with self._readers.lend() as connection:
                yield connection
        except sqlite3.Error as error:
            raise StoreError(
                f"the store {self._path} cannot be read: {error}{remedy_of(error)}."
            ) from error

    def read(
        self, statement: str, *arguments: str | int | float | bytes | None
    ) -> list[tuple[Any, ...]]:
        """Return all rows that one statement finds. Blocking.

        Raises:
            StoreError: the file was replaced, or cannot be read.
        """
        with self.reading() as connection:
            return connection.execute(statement, arguments).fetchall()
