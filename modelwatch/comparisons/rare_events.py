"""Exact test of two rates, fit for events that the reference hardly knows."""

from __future__ import annotations

__all__ = ["rate_p_value"]


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
    from scipy import special  # a watched service loads this module, and never calls this

    events = round(reference_events + current_events)
    if not (events and reference_rows and current_rows):
        return 1.0
    share = current_rows / (current_rows + reference_rows)
    found = round(current_events)
    lower = float(special.bdtr(found, events, share))
    upper = float(special.bdtrc(found - 1, events, share))
    return min(1.0, 2 * min(lower, upper))
