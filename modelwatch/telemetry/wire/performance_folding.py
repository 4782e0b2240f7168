"""What the events on performance add to a profile."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from modelwatch.errors import UndecodableTelemetry
from modelwatch.performance.quadratic_moments import QuadraticMoments
from modelwatch.performance.score_summary import ScoreSummary
from modelwatch.performance_columns import merged
from modelwatch.profile import Profile

__all__ = ["inputs", "scores"]

Attributes = Mapping[str, Any]
Fold = Callable[[Profile], None]


def scores(record: Any, _attributes: Attributes) -> Fold:
    """Read the event with the scores by bin."""
    summary = ScoreSummary.from_dict(_body(record))

    def fold(profile: Profile) -> None:
        profile.scores = merged(profile.scores, summary)

    return fold


def inputs(record: Any, _attributes: Attributes) -> Fold:
    """Read the event with the moments of the inputs that errors depend on."""
    moments = QuadraticMoments.from_dict(_body(record))

    def fold(profile: Profile) -> None:
        profile.quadratic = merged(profile.quadratic, moments)

    return fold


def _body(record: Any) -> dict[str, Any]:
    try:
        found = json.loads(record.body.string_value)
    except (ValueError, RecursionError) as error:
        raise UndecodableTelemetry(f"its body is no JSON: {error}.") from error
    if not isinstance(found, dict):
        raise UndecodableTelemetry(f"its body is no JSON object: a {type(found).__name__}.")
    return found
