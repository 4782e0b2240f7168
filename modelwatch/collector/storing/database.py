"""The embedded database: one SQLite file in WAL mode, one writer thread, readers beside it.

Readers open a read-only connection of their own, so that they never wait for the writer nor it
for them.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from modelwatch.collector.storing import schema
from modelwatch.collector.storing.companions import accompanied
from modelwatch.collector.storing.store_file import StoreFile
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

    Raises:
        StoreError: the file cannot be opened or written, belongs to another program, or has a
            newer schema.
    """

    def __init__(self, path: str | Path, *, queue_size: int = 1_024) -> None:
        self._path = Path(path).absolute()
        connection = _open(self._path)
        self._file = StoreFile(self._path)
        self._writer = GroupCommitWriter(
            connection, queue_size=queue_size, require_writable=self._file.require_unchanged
        )

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def close(self) -> None:
        """Commit what is queued and close the file."""
        self._writer.close()

    async def write(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run work in the writer's thread, inside a transaction; return once it is committed.

        Args:
            work: is given the writing connection. Where it raises, its own changes alone are
                undone, and the error is raised here.

        Raises:
            StoreBusy: too many writes wait; nothing was done.
            StoreError: the database failed, or is closed; nothing was kept.
        """
        return await asyncio.wrap_future(self._writer.submit(accompanied(work)))

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Open a connection that can only read, and sees what is committed. Blocking.

        Raises:
            StoreError: the file was replaced, or cannot be read.
        """
        self._file.require_unchanged()
        uri = f"{self._path.as_uri()}?mode=ro"
        try:
            with closing(sqlite3.connect(uri, uri=True, timeout=10.0)) as connection:
                yield connection
        except sqlite3.Error as error:
            raise StoreError(f"the store {self._path} cannot be read: {error}.") from error

    def read(
        self, statement: str, *arguments: str | int | float | bytes | None
    ) -> list[tuple[Any, ...]]:
        """Return all rows that one statement finds. Blocking.

        Raises:
            StoreError: the file was replaced, or cannot be read.
        """
        with self.reading() as connection:
            return connection.execute(statement, arguments).fetchall()


def _open(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Autocommit mode: the writer sets its own transactions. Opened here, used in its thread.
        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=10.0
        )
    except (OSError, sqlite3.Error) as error:
        raise StoreError(
            f"the store {path} cannot be opened: {error}. Give a file in a folder that can be "
            "written to."
        ) from error
    try:
        schema.prepare(connection, path)
    except StoreError:
        connection.close()
        raise
    return connection
