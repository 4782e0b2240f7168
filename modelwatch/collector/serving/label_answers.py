"""What the API answers of predictions and their labels."""

from __future__ import annotations

from typing import Any, Final

from modelwatch.collector.outcomes.protocols import LabelCounts, LabelCoverage
from modelwatch.collector.serving import answers
from modelwatch.collector.windows import NANOSECONDS, TimeWindow

__all__ = ["coverage_shown", "whole_spans"]

_SHARES: Final = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
_OF_PREDICTIONS: Final = "predictions:"

_DAY_NS: Final = 86_400 * NANOSECONDS


def whole_spans(asked: TimeWindow, grain_seconds: int) -> TimeWindow:
    """Return the window that a window is widened to, such that what is counted lies in it whole.

    It begins and ends with the short spans in which predictions are counted; a window of two days
    or more begins with a day, as old spans are put together to days.

    Args:
        asked: the window.
        grain_seconds: length of the short spans.

    >>> second = 1_000_000_000
    >>> whole_spans(TimeWindow(90 * second, 130 * second), 60) == TimeWindow(
    ...     60 * second, 180 * second
    ... )
    True
    """
    grain_ns = grain_seconds * NANOSECONDS
    first_ns = _DAY_NS if asked.end_ns - asked.start_ns >= 2 * _DAY_NS else grain_ns
    return TimeWindow(
        max(asked.start_ns // first_ns * first_ns, 0), -(-asked.end_ns // grain_ns) * grain_ns
    )


def coverage_shown(found: LabelCoverage, counts: LabelCounts, span: TimeWindow) -> dict[str, Any]:
    """Return how many predictions of a window have a label, in plain values.

    Args:
        found: of the window.
        counts: of the model.
        span: the window.
    """
    delays = found.delays if found.delays is not None and found.delays.total else None
    return {
        "window": answers.window(span),
        "predictions": found.predictions,
        "labelled": found.labelled,
        "coverage": found.share if found.predictions else None,
        "delay_seconds": None
        if delays is None
        else {name: delays.quantile(share) for name, share in _SHARES.items()},
        "of_model": {
            "waiting": counts.waiting,
            "predictions": {
                name.removeprefix(_OF_PREDICTIONS): number
                for name, number in counts.outcomes.items()
                if name.startswith(_OF_PREDICTIONS)
            },
            "labels": {
                name: number
                for name, number in counts.outcomes.items()
                if not name.startswith(_OF_PREDICTIONS)
            },
        },
    }
