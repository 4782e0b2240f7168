"""One thread that owns the writing connection, and commits what is queued in groups.

An fsync takes milliseconds whatever it covers, so all work that waits is done in one transaction:
each piece in a savepoint of its own, so that one bad piece fails alone. A result is handed out
only after the commit, and what is kept in memory beside the file changes only then.
"""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from modelwatch.collector.storing.store_file import remedy_of
from modelwatch.errors import StoreBusy, StoreError

__all__ = ["GroupCommitWriter"]

Result = TypeVar("Result")
Work = Callable[[sqlite3.Connection], Any]
AfterCommit = Callable[[Any], None]

LARGEST_GROUP = 256
"""Pieces of work in one transaction; bounds how long the first of them waits."""

SAY_AGAIN_SECONDS = 60.0
"""Between two lines of the log on a fault that lasts: a full disk must not be filled by them."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Task:
    work: Work
    after_commit: AfterCommit | None
    future: Future[Any]
    result: Any = None
    error: BaseException | None = None

    def publish(self) -> None:
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class GroupCommitWriter:
    """Runs work on one SQLite connection, in one thread, with group commit.

    Thread-safety: `submit` and `close` may be called from any thread.
    Memory: at most ``queue_size`` pieces of work wait.

    Args:
        connection: in autocommit mode; closed by `close`.
        queue_size: pieces of work that may wait.
        require_writable: raises a `StoreError` where what is committed now would be lost.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        queue_size: int,
        require_writable: Callable[[], None] = lambda: None,
    ) -> None:
        self._connection = connection
        self._require_writable = require_writable
        self._failed = 0
        self._say_again = 0.0
        self._queue: queue.Queue[_Task | None] = queue.Queue(maxsize=queue_size)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="modelwatch-store", daemon=True)
        self._thread.start()

    def submit(
        self,
        work: Callable[[sqlite3.Connection], Result],
        after_commit: Callable[[Result], None] | None = None,
    ) -> Future[Result]:
        """Queue work; the future resolves after the commit that contains it.

        Args:
            work: is given the connection.
            after_commit: is called in the writer's thread with what the work returned, once that
                is committed and before anything else is run. It must not fail.

        Raises:
            StoreBusy: the queue is full.
            StoreError: the store has been closed.
        """
        if self._closing.is_set():
            raise StoreError("the store is closed: nothing more can be written to it.")
        future: Future[Result] = Future()
        # Running, so that a waiter who gives up cannot cancel what may be committed already.
        future.set_running_or_notify_cancel()
        try:
            self._queue.put_nowait(_Task(work, after_commit, future))
        except queue.Full:
            raise StoreBusy(
                f"the store's queue of {self._queue.maxsize} writes is full: send again later."
            ) from None
        return future

    def close(self) -> None:
        """Commit what is queued, and close the connection."""
        if not self._closing.is_set():
            self._closing.set()
            self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        closing = False
        while not closing:
            group, closing = self._next_group()
            self._commit(group)
            for task in group:
                task.publish()
            for task in group:
                if task.error is None and task.after_commit is not None:
                    task.after_commit(task.result)
        self._fail_leftovers()
        self._connection.close()

    def _fail_leftovers(self) -> None:
        # A submit that raced with close may sit behind the end mark: answer it, never hang it.
        while not self._queue.empty():
            task = self._queue.get_nowait()
            if task is not None:
                task.future.set_exception(StoreError("the store was closed before this write."))

    def _next_group(self) -> tuple[list[_Task], bool]:
        group: list[_Task] = []
        task = self._queue.get()
        while task is not None:
            group.append(task)
            if len(group) == LARGEST_GROUP or self._queue.empty():
                return group, False
            task = self._queue.get()
        return group, True

    def _commit(self, group: list[_Task]) -> None:
        if not group:
            return
        try:
            self._require_writable()
            self._connection.execute("BEGIN IMMEDIATE")
            for task in group:
                self._run_one(task)
            self._require_writable()
            self._connection.execute("COMMIT")
            self._say_cured()
        except (sqlite3.Error, StoreError) as error:
            self._say(error)
            self._roll_back()
            told = f"the store failed: {error}{remedy_of(error)} (nothing of this write was kept)"
            failure = StoreError(told)
            for task in group:
                task.error = task.error or failure

    def _run_one(self, task: _Task) -> None:
        self._connection.execute("SAVEPOINT one")
        try:
            task.result = task.work(self._connection)
        except sqlite3.Error:
            raise
        except BaseException as error:  # handed to the waiter, as an executor does
            task.error = error
            self._connection.execute("ROLLBACK TO one")
        self._connection.execute("RELEASE one")

    def _say(self, error: Exception) -> None:
        self._failed += 1
        if self._failed == 1 or time.monotonic() >= self._say_again:
            self._say_again = time.monotonic() + SAY_AGAIN_SECONDS
            told = f"{error}{remedy_of(error)}"
            logger.error("the store failed: %s (%d times since it worked)", told, self._failed)

    def _say_cured(self) -> None:
        if self._failed:
            logger.info("the store works again, after it had failed %d times", self._failed)
            self._failed = 0

    def _roll_back(self) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            logger.exception("the store could not roll back")
