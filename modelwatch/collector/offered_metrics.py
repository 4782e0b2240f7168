"""Metrics that installed packages offer."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from modelwatch.outcomes.custom_metrics import MAX_METRICS, CustomMetric, CustomMetrics
from modelwatch.performance.explaining import MEASURES

__all__ = ["GROUP", "MetricFaults", "offered_metrics"]

GROUP: Final = "modelwatch.metrics"
"""Of entry points; each one's name is that of a metric, and what it names the function."""

TAKEN: Final = frozenset({*MEASURES, "bias", "expected_calibration_error", "r2"})
"""Names of the metrics that there are anyway."""

TAKEN_START: Final = "pinball_"

SECONDS_BETWEEN_LOGS: Final = 60.0

_logger = logging.getLogger("modelwatch")


class MetricFaults:
    """Logs that a metric failed, at most once a minute for each. Safe to call from any thread.

    Args:
        clock: seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._logged: dict[str, float] = {}

    def __call__(self, name: str, error: Exception) -> None:
        """Take note of a fault."""
        now = self._clock()
        if now - self._logged.get(name, -SECONDS_BETWEEN_LOGS) < SECONDS_BETWEEN_LOGS:
            return
        self._logged[name] = now
        _logger.warning(
            "metric %r failed, and is left out of these labels: %s: %s. Mend the package that "
            "offers it, or uninstall it.",
            name,
            type(error).__name__,
            error,
        )


def offered_metrics(points: Iterable[EntryPoint] | None = None) -> CustomMetrics:
    """Load the metrics that installed packages offer by entry points of the group.

    What cannot be loaded, cannot be called, has the name of another metric, or comes after the
    20th, is left out, and a log record says why.

    Args:
        points: the entry points; those of the installed packages where None.
    """
    found: dict[str, CustomMetric] = {}
    for point in sorted(entry_points(group=GROUP) if points is None else points):
        reason = _refusal(point.name, found)
        if reason:
            _say(point, reason)
            continue
        try:
            metric = point.load()
        except Exception as error:  # of foreign code, while the collector starts
            _say(point, f"{type(error).__name__}: {error}")
            continue
        if callable(metric):
            found[point.name] = metric
        else:
            _say(point, f"it is a {type(metric).__name__}, and no function")
    return CustomMetrics(metrics=found, on_fault=MetricFaults())


def _refusal(name: str, found: dict[str, CustomMetric]) -> str:
    if name in TAKEN or name.startswith(TAKEN_START):
        return "it has the name of a metric that modelwatch computes"
    if name in found:
        return "another package offers one of this name"
    return f"{MAX_METRICS} others come before it" if len(found) == MAX_METRICS else ""


def _say(point: EntryPoint, reason: str) -> None:
    _logger.warning("metric %r (%s) is left out: %s.", point.name, point.value, reason)
