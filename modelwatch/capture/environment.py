"""The watch that a process has from its environment alone, for code that is left as it is."""

from __future__ import annotations

import logging
import os
import threading
from typing import Final

from modelwatch import settings
from modelwatch.capture.watch import Watch
from modelwatch.errors import ConfigurationError, ModelwatchError

__all__ = [
    "SHARED",
    "EnvironmentWatch",
    "is_serving_from_environment",
    "routes_from_environment",
    "watch_from_environment",
]

_logger = logging.getLogger("modelwatch")


class EnvironmentWatch:
    """The one watch of this process that is made from environment variables.

    Made when it is first asked for. Thread-safe and fork-safe.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards the two below, and that one watch is made
        self._watch: Watch | None = None
        self._is_made = False
        self._is_fork_known = False

    def reset(self) -> None:
        """Shut down the watch, if there is one, and forget it; for tests."""
        with self._lock:
            watch, self._watch, self._is_made = self._watch, None, False
        if watch is not None:
            watch.shutdown()

    def get(self) -> Watch | None:
        """Return the watch; None where the environment does not make one, which is logged once."""
        if self._is_made:
            return self._watch
        with self._lock:
            if not self._is_made:
                self._make()
        return self._watch

    def _make(self) -> None:
        if not self._is_fork_known:
            self._is_fork_known = True
            os.register_at_fork(after_in_child=self._after_fork)
        try:
            self._watch = _watch()
        except ModelwatchError as error:
            _logger.warning("modelwatch: installed, but nothing is watched: %s", error)
        self._is_made = True

    def _after_fork(self) -> None:
        """Take a new lock: another thread of the parent may have held it."""
        self._lock = threading.Lock()


SHARED: Final = EnvironmentWatch()


def watch_from_environment() -> Watch | None:
    """Return this process's watch of the model that the environment names; the same each time.

    It is of model ``MODELWATCH_MODEL`` and version ``MODELWATCH_VERSION``, and compares with
    ``MODELWATCH_BASELINE``, a file or the URL of a collector. Never raises: where that cannot
    work, a warning is logged once, and nothing is watched. Thread-safe and fork-safe.

    Returns:
        The watch, or None.
    """
    return SHARED.get()


def routes_from_environment() -> list[str] | None:
    """Return the paths of ``MODELWATCH_ROUTES``; None where it names none."""
    paths = [path.strip() for path in settings.read("MODELWATCH_ROUTES").split(",")]
    return [path for path in paths if path] or None


def is_serving_from_environment() -> bool:
    """Tell whether ``MODELWATCH_SERVING`` is true; a value that is neither is logged, and false."""
    try:
        return settings.read_boolean("MODELWATCH_SERVING")
    except ConfigurationError as error:
        _logger.warning("modelwatch: predictions of estimators are not watched: %s", error)
        return False


def _watch() -> Watch:
    missing = [
        name for name in ("MODELWATCH_MODEL", "MODELWATCH_VERSION") if not settings.read(name)
    ]
    if missing:
        raise ConfigurationError(f"set {' and '.join(missing)}.")
    return Watch(
        settings.read("MODELWATCH_MODEL"),
        version=settings.read("MODELWATCH_VERSION"),
        baseline=settings.read("MODELWATCH_BASELINE") or None,
    )
