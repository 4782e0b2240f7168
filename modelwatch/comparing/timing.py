"""Whether it is known when the compared rows came."""

from __future__ import annotations

import logging

from modelwatch.baseline import Baseline
from modelwatch.profile import Profile

__all__ = ["timing_note"]

_logger = logging.getLogger("modelwatch")


def timing_note(baseline: Baseline, profile: Profile) -> str | None:
    """Return, in words, that seasons are left out as no timestamp can be read; log it too.

    Returns:
        None where times were read or there are none to read, or where no feature has seasons.
    """
    if not profile.untimed or profile.hours:
        return None
    if not any(feature.seasons for feature in baseline.features.values()):
        return None
    note = (
        f"no value of the timestamp column {baseline.timestamp!r} is a time: compared with all "
        "hours and weekdays alike. Give numbers, times or ISO 8601 texts"
    )
    _logger.warning("%s.", note)
    return note
