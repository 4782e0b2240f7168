"""Times of another zone, and hours of the day of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from modelwatch.skew.kinds.case import Case
from modelwatch.skew.kinds.kind import EXPLAINS, FEWEST_ROWS, Found
from modelwatch.skew.values import Mask

__all__ = ["duration_words", "moved_times", "time_zone"]

HOUR: Final = 3_600_000_000
QUARTER: Final = HOUR // 4
DAY: Final = 24 * HOUR
FARTHEST: Final = 14 * HOUR
"""No zone is farther from UTC."""

LEAST_SEASON: Final = 0.02
"""Share of rows an hour beside the others from which daylight saving time is told."""

DAYS_PARTS: Final = ((24, 1), (1_440, 60))
"""Parts of a day, and of an hour, in which a feature may count a time of the day."""

LEAST_TIMES: Final = 12
"""Different values that a feature must have to be a time of the day."""


def time_zone(case: Case) -> Found | None:
    """Name times that are whole hours off, or hours of the day that are."""
    if case.kind == "time":
        return _of_times(case)
    if case.kind != "number" or case.distinct_r < LEAST_TIMES:
        return None
    found = (_of_day(case, day, hour) for day, hour in DAYS_PARTS)
    return next((one for one in found if one is not None), None)


def moved_times(case: Case) -> Found | None:
    """Name times or durations that are all off by the same span."""
    moved = (case.s - case.r).astype(np.int64)
    shift = _most_common(moved)
    explained = moved == shift
    if case.distinct_r < 3 or explained.mean() < EXPLAINS:
        return None
    way = "later" if shift > 0 else "earlier"
    return Found("offset", f"served is {duration_words(abs(shift))} {way}", np.asarray(explained))


def duration_words(micro: int) -> str:
    """Return a span of time in its largest whole unit.

    >>> duration_words(7_200_000_000), duration_words(1_500_000)
    ('2 hours', '1.5 seconds')
    """
    for size, unit in ((DAY, "day"), (HOUR, "hour"), (60_000_000, "minute")):
        if micro >= size and micro % size == 0:
            count = micro // size
            return f"{count} {unit}{'s' if count != 1 else ''}"
    return f"{micro / 1e6:g} seconds"


def _of_times(case: Case) -> Found | None:
    moved = (case.s - case.r).astype(np.int64)
    is_zone = (moved % QUARTER == 0) & (np.abs(moved) <= FARTHEST)
    if is_zone.mean() < EXPLAINS or case.distinct_r < 3:
        return None
    shift = _most_common(moved[is_zone])
    return _with_season(moved, shift, HOUR, lambda micro: f"{micro / HOUR:+g}")


def _of_day(case: Case, day: int, hour: int) -> Found | None:
    """Tell times of the day, which begin again at midnight: else they may be any number."""
    s, r = case.s, case.r
    is_time = [(one >= 0) & (one < day) & (one == np.rint(one)) for one in (s, r)]
    if not (is_time[0] & is_time[1]).all() or case.all_r.max() >= day:
        return None
    moved = ((s - r) % day).astype(np.int64)
    shift = _most_common(moved)
    if shift % hour or not ((s < r).any() and (s > r).any()):
        return None
    return _with_season(moved, shift, hour, lambda parts: f"{(parts // hour + 12) % 24 - 12:+d}")


def _with_season(
    moved: npt.NDArray[np.int64], shift: int, hour: int, words: Callable[[int], str]
) -> Found | None:
    shifts = [shift, max((shift - hour, shift + hour), key=lambda one: int((moved == one).sum()))]
    shares = [float((moved == one).mean()) for one in shifts]
    has_season = shares[1] >= LEAST_SEASON and int((moved == shifts[1]).sum()) >= FEWEST_ROWS
    explained: Mask = np.isin(moved, shifts[: 1 + has_season])
    if explained.mean() < EXPLAINS:
        return None
    told = " and ".join(words(one) for one in sorted(shifts[: 1 + has_season]))
    text = f"served is {told} hours off (another time zone"
    return Found("time_zone", f"{text}{' and its summer time' if has_season else ''}?)", explained)


def _most_common(values: npt.NDArray[np.int64]) -> int:
    found, counts = np.unique(values, return_counts=True)
    return int(found[np.argmax(counts)]) if found.size else 0
