"""A loud word where a watch is installed and captures nothing, and why."""

from __future__ import annotations

import logging
import os

from modelwatch.capture.guard import Guard
from modelwatch.capture.recorder import Recorder

__all__ = ["say_disabled", "say_if_nothing_captured"]

_logger = logging.getLogger("modelwatch")


def say_if_nothing_captured(recorder: Recorder, guard: Guard, *, is_end: bool = False) -> None:
    """Log a warning where no row was captured in this process, once in a while at most.

    Args:
        recorder: what captures.
        guard: logs.
        is_end: whether the process ends. One that was never asked is then usual, as a server's
            parent or a worker in reserve is, and spoken of as information only.
    """
    if recorder.folder.rows_captured:
        return
    calls = recorder.folder.calls_seen
    message = (
        f"installed for model {recorder.model} version {recorder.version}, but captured 0 rows in "
        f"process {os.getpid()}, which saw {calls} calls. {_reason(recorder, calls)}"
    )
    if is_end and not calls:
        _logger.info("modelwatch: %s", message)
    else:
        guard.notice("nothing captured", message)


def say_disabled(model: str, version: str) -> None:
    """Log that a watch was switched off by the environment."""
    _logger.info(
        "modelwatch: model %s version %s is not watched: MODELWATCH_ENABLED is false, or "
        "OTEL_SDK_DISABLED is true.",
        model,
        version,
    )


def _reason(recorder: Recorder, calls: int) -> str:
    if recorder.steering.enabled is False:
        return "The collector has switched capturing off (see: modelwatch capture)."
    if calls:
        return "All were sampled out, or their features could not be read (then it is logged)."
    return "Is the watched function the one that the service calls?"
