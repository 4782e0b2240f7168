"""Exact test of two rates, fit for events that the reference hardly knows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["rate_p_value", "rate_p_value_each"]

FloatArray = npt.NDArray[np.float64]


def rate_p_value(
    reference_events: float, reference_rows: float, current_events: float, current_rows: float
) -> float:
    """Return the p-value of the hypothesis that events come at one rate, two-sided.

    Given all events, those among the current rows are binomial with the share of current rows
    (Przyborowski and Wilenski, 1940). Exact for rare events, where chi-square is not; conservative
    for common ones.

    Args:
        reference_events: how many reference rows had the event, 0 to `reference_rows`; divided
            by a design effect where rows come in clusters.
        reference_rows: all reference rows.
        current_events: likewise.
        current_rows: likewise.

    Returns:
        In (0, 1]; 1.0 where there was no event or no row.

    >>> round(rate_p_value(0, 99_000, 1, 1_000), 6)
    0.02
    """
    counts = (reference_events, reference_rows, current_events, current_rows)
    return float(rate_p_value_each(*(np.array([float(count)]) for count in counts))[0])


def rate_p_value_each(
    reference_events: FloatArray,
    reference_rows: FloatArray,
    current_events: FloatArray,
    current_rows: FloatArray,
) -> FloatArray:
    """Return `rate_p_value` of each; all have one shape."""
    from scipy import special  # a watched service loads this module, and never calls this

    events, found = np.rint(reference_events + current_events), np.rint(current_events)
    is_any = (events > 0) & (reference_rows > 0) & (current_rows > 0)
    share = current_rows / np.where(is_any, current_rows + reference_rows, 1.0)
    lower = special.bdtr(found, events.astype(np.int64), share)
    upper = special.bdtrc(found - 1, events.astype(np.int64), share)
    return np.where(is_any, np.minimum(1.0, 2 * np.minimum(lower, upper)), 1.0)
