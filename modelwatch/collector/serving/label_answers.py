"""What the API answers of predictions and their labels."""

from __future__ import annotations

from typing import Any, Final

from modelwatch.collector.outcomes.protocols import LabelCounts, LabelCoverage
from modelwatch.collector.serving import answers
from modelwatch.collector.windows import TimeWindow

__all__ = ["coverage_shown"]

_SHARES: Final = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
_OF_PREDICTIONS: Final = "predictions:"


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
