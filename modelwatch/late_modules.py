"""Modules that a thread of ours loads when it first needs them, and that a fork waits for.

A thread that imports holds the lock of the module, and a child that is forked meanwhile inherits
that lock held for good: its first import of the same module never returns.
"""

from __future__ import annotations

import importlib
import os
import threading
from typing import Final

__all__ = ["load_modules"]

_LONGEST_WAIT_SECONDS: Final = 10.0
"""For which a fork waits until modules are loaded; then the child may lack what they do."""


class _Loading:
    """Lets one thread load at a time, and none while a process is being forked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # held by who loads, and by who forks
        self._is_held_by_fork = False
        self._is_hooked = False

    def load(self, names: tuple[str, ...]) -> None:
        with self._lock:
            if not self._is_hooked:
                self._is_hooked = True
                os.register_at_fork(
                    before=self._before_fork,
                    after_in_parent=self._after_fork,
                    after_in_child=self._in_child,
                )
            for name in names:
                importlib.import_module(name)

    def _before_fork(self) -> None:
        self._is_held_by_fork = self._lock.acquire(timeout=_LONGEST_WAIT_SECONDS)

    def _after_fork(self) -> None:
        if self._is_held_by_fork:
            self._is_held_by_fork = False
            self._lock.release()

    def _in_child(self) -> None:
        self._lock = threading.Lock()
        self._is_held_by_fork = False


_loading: Final = _Loading()


def load_modules(*names: str) -> None:
    """Load modules that a statement further on imports; quick where they are loaded already.

    Thread-safety: safe; a fork waits, for at most ten seconds, until it has returned. Not to be
    called by what such a module does while it is loaded.

    Args:
        names: full names of modules.

    Raises:
        ImportError: where there is no such module.
    """
    _loading.load(names)
