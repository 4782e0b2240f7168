"""The thread that folds captured rows into profiles."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from modelwatch.capture.guard import Guard

__all__ = ["FoldThread"]

_PAUSE_SECONDS: Final = 0.1
"""Between two looks at the buffer. Polling keeps all signalling out of the watched call."""


class FoldThread:
    """Folds at short intervals, in a daemon thread that is started once per process. Thread-safe.

    Args:
        work: folds; called in the thread, every tenth of a second.
        guard: keeps the thread alive through faults.
    """

    def __init__(self, work: Callable[[], None], guard: Guard) -> None:
        self._work = work
        self._guard = guard
        self.reset()

    def reset(self) -> None:
        """Forget the thread: what a forked child needs, as it has not inherited it."""
        self._lock = threading.Lock()  # guards _thread
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def start(self) -> None:
        """Start the thread, unless it runs."""
        with self._lock:
            if self._thread is not None or self._stopping.is_set():
                return
            self._thread = threading.Thread(target=self._run, name="modelwatch-fold", daemon=True)
            thread = self._thread
        thread.start()

    def stop(self) -> None:
        """End the thread soon; what is not folded then is folded when the window is cut."""
        self._stopping.set()

    def _run(self) -> None:
        stopping = self._stopping
        while not stopping.wait(_PAUSE_SECONDS):
            with self._guard:
                self._work()
