"""The watches of this process, told of forks and of the process's end."""

from __future__ import annotations

import atexit
import multiprocessing
import multiprocessing.util
import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol
from weakref import WeakSet, WeakValueDictionary

from modelwatch import settings

__all__ = ["ProcessBound", "find", "register"]


class ProcessBound(Protocol):
    """Something with threads, locks and counts that belong to one process."""

    def after_fork(self) -> None:
        """Start anew, in the child."""

    def before_exit(self, timeout_seconds: float) -> None:
        """Begin to end; returns at once."""

    def at_exit(self, timeout_seconds: float) -> None:
        """End in good order; called again where the process is told to exit meanwhile."""


_EXIT_PRIORITY: Final = 10
_MOST_ORDERS: Final = 10
"""To exit, that are heard while one thing ends; one more ends the process."""

_live: WeakSet[ProcessBound] = WeakSet()
_by_token: WeakValueDictionary[str, object] = WeakValueDictionary()
_hooked = False
_exit_timeout_seconds = 0.0


def register(token: str, watch: object, bound: ProcessBound) -> None:
    """Tell what belongs to a watch of forks and of the process's end, for as long as it lives.

    Args:
        token: finds the watch again, in this process, while it lives.
        watch: the watch.
        bound: what belongs to it; its threads may keep it alive for longer than the watch.

    Raises:
        ConfigurationError: where ``MODELWATCH_EXIT_TIMEOUT`` is no number.
    """
    global _hooked, _exit_timeout_seconds
    _exit_timeout_seconds = settings.read_number("MODELWATCH_EXIT_TIMEOUT")
    _live.add(bound)
    _by_token[token] = watch
    if not _hooked:
        _hooked = True
        os.register_at_fork(after_in_child=_after_fork)
        atexit.register(_at_exit)
        multiprocessing.util.register_after_fork(_after_fork, _hook_child)
        _hook_child(None)


def find(token: str) -> object:
    """Return the living watch of this process that was registered by a token, or None."""
    return _by_token.get(token)


def _hook_child(_: object) -> None:
    """Have a child of multiprocessing end in good order; it does not run what atexit knows."""
    if multiprocessing.parent_process() is not None:
        multiprocessing.util.Finalize(None, _at_exit, exitpriority=_EXIT_PRIORITY)


def _after_fork() -> None:
    for bound in list(_live):
        bound.after_fork()


def _at_exit() -> None:
    """End all together: what one of them waits for costs the others none of their time."""
    deadline = time.monotonic() + _exit_timeout_seconds
    living = list(_live)
    for bound in living:
        _despite_orders(bound.before_exit, deadline)
    for bound in living:
        _despite_orders(bound.at_exit, deadline)


def _despite_orders(end: Callable[[float], None], deadline: float) -> None:
    """Call what ends something until it returns, however often the process is told to exit.

    One Ctrl-C sends SIGINT to the workers of gunicorn, and its arbiter SIGQUIT; each raises
    SystemExit, wherever the main thread is.
    """
    for _ in range(_MOST_ORDERS):
        with suppress(SystemExit):
            end(max(deadline - time.monotonic(), 0.0))
            return
