"""Calls of a version in a window, as a comparison of versions counts them. Pure."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from modelwatch.collector.storing.store import WindowProfiles
from modelwatch.profile import DURATION_BOUNDS_SECONDS
from modelwatch.rollout.measures import Calls
from modelwatch.sketches import Moments

__all__ = ["calls_of", "seconds_of"]

LONGEST_FACTOR: Final = 2.0
"""Calls beyond the last bound are taken to have lasted so many times that."""


def calls_of(observed: WindowProfiles) -> Calls:
    """Return the calls of a window, of all senders and by whatever baseline they counted."""
    calls = failed = 0
    seconds = Moments()
    for profile in observed.profiles.values():
        calls += profile.predictions.total()
        failed += profile.predictions.total() - profile.predictions[""]
        counts = np.asarray(profile.duration.counts, dtype=np.float64)
        seconds = seconds.merge(seconds_of(counts, profile.duration_sum_seconds))
    return Calls(calls, failed, seconds)


def seconds_of(counts: np.ndarray, total_seconds: float) -> Moments:
    """Return the moments of how long calls took.

    The mean is exact where the sum is known. The variance is that of calls spread evenly over the
    logarithm within each bin.

    Args:
        counts: calls by bin of `DURATION_BOUNDS_SECONDS`, shape (bins,).
        total_seconds: sum of all; NaN where some of it is not known.

    >>> found = seconds_of(np.eye(18)[8] * 10, 0.4)
    >>> found.n, round(found.mean, 3), 0 < found.standard_deviation < 0.025
    (10, 0.04, True)
    """
    n = int(counts.sum())
    if not n:
        return Moments()
    lower = np.array([0.0, *DURATION_BOUNDS_SECONDS])
    upper = np.array([*DURATION_BOUNDS_SECONDS, DURATION_BOUNDS_SECONDS[-1] * LONGEST_FACTOR])
    ratio = np.log(upper[1:] / lower[1:])
    firsts = np.concatenate([[upper[0] / 2], (upper[1:] - lower[1:]) / ratio])
    squares = np.concatenate([[upper[0] ** 2 / 3], (upper[1:] ** 2 - lower[1:] ** 2) / (2 * ratio)])
    binned = float(counts @ firsts) / n
    m2 = float(counts @ squares) - n * binned**2
    mean = total_seconds / n if math.isfinite(total_seconds) and total_seconds > 0 else binned
    return Moments(n=n, mean_offset=mean, m2=max(m2, 0.0))
