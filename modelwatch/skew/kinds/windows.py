"""Counts, sums and means over a window of another length."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from modelwatch.diagnosis.count_window import FRACTIONS
from modelwatch.skew.kinds.case import Case
from modelwatch.skew.kinds.kind import EXPLAINS, FEWEST_ROWS, Found
from modelwatch.skew.kinds.places import FEWEST_KNOWN, tried_rows
from modelwatch.skew.kinds.times import duration_words
from modelwatch.skew.values import Mask, Rows

__all__ = ["window_by_history", "window_by_ratio"]

FloatArray = npt.NDArray[np.float64]

MULTIPLES: Final = (2, 3, 4, 5, 6, 7)
"""How many short windows may make a long one, where the history tells."""

FEWEST_RATIOS: Final = 20
FULL_COUNT: Final = 10.0
"""A count below has seldom anything outside the short window."""

NEAR: Final = 0.12
"""How near the ratio must come to a simple fraction: traffic is not even in time."""

LEAST_SCATTER: Final = 0.01
"""Spread of the ratios: without any it is a factor."""

EVEN: Final = 0.25
"""By how much, as a part, the ratio of small values may differ from that of large ones."""

LEAST_CORRELATION: Final = 0.3


def window_by_history(case: Case) -> Found | None:
    """Name values that add up, over the same entity's earlier ones, to the other side's."""
    if not case.has_history or case.kind != "number":
        return None
    return _adds_up(case) or _adds_up(case.reversed)


def window_by_ratio(case: Case) -> Found | None:
    """Name values, never negative, that are a simple fraction of the others but for scatter."""
    return _fraction(case) or _fraction(case.reversed)


def _adds_up(case: Case) -> Found | None:
    """Find recomputed(t) = served(t) + served(t - w) + ..., or the mean of these."""
    tried = case.at(tried_rows(case.rows))
    best: tuple[float, int, int, bool] = (0.0, 0, 0, False)
    for lag in case.neighbours.lags(tried.rows):
        for count, is_mean, total, known in _sums(tried, lag):
            share = float(_is_total(tried, total, count, is_mean)[known].mean())
            best = max(best, (share, -lag, -count, is_mean))
    share, lag, count, is_mean = best[0], -best[1], -best[2], best[3]
    if share < EXPLAINS:
        return None
    for found, as_mean, total, known in _sums(case, lag):
        if (found, as_mean) == (count, is_mean):
            explained = _is_total(case, total, count, is_mean) | ~known
            return Found("time_window", _words(case, lag, count, is_mean), explained)
    return None


def _sums(case: Case, lag: int) -> list[tuple[int, bool, FloatArray, Mask]]:
    """Return sums of the served values over more and more windows, and where all are known."""
    values = np.where(case.served.missing, np.nan, case.served.data.astype(np.float64))
    total, known = case.s.copy(), np.ones(case.rows.size, dtype=bool)
    found: list[tuple[int, bool, FloatArray, Mask]] = []
    for count in MULTIPLES:
        before: Rows = case.neighbours.earlier(case.rows, lag * (count - 1))
        known = known & (before >= 0)
        if known.sum() < max(FEWEST_ROWS, FEWEST_KNOWN * known.size):
            break
        total = total + values[before]
        if np.unique((total - case.s)[known]).size >= 3:
            found += [(count, False, total, known), (count, True, total, known)]
    return found


def _is_total(case: Case, total: FloatArray, count: int, is_mean: bool) -> Mask:
    model = total / count if is_mean else total
    with np.errstate(invalid="ignore"):
        largest = np.maximum(np.abs(case.r), np.abs(model))
        return np.asarray(np.abs(case.r - model) <= 10 * case.relative * largest)


def _words(case: Case, lag: int, count: int, is_mean: bool) -> str:
    short, long = ("served", "recomputed") if case.is_served_changed else ("recomputed", "served")
    what = "the mean of" if is_mean else "the sum of"
    span = duration_words(lag)
    return (
        f"{long} is {what} {count} values of {short}, {span} apart: {short} covers {span}, "
        f"{long} {count} times that"
    )


def _fraction(case: Case) -> Found | None:
    s, r = case.s, case.r
    explained = (s >= 0) & (r > 0) & (s <= r)
    if case.kind != "number" or explained.mean() < EXPLAINS:
        return None
    is_count = bool((s == np.rint(s)).all() and (r == np.rint(r)).all())
    full = explained & (r >= (FULL_COUNT if is_count else np.median(r)))
    if full.sum() < FEWEST_RATIOS or np.unique(r[full]).size < 3:
        return None
    ratio = float(s[full].sum() / r[full].sum())
    known, words = min(FRACTIONS, key=lambda one: abs(ratio / one[0] - 1.0))
    if abs(ratio / known - 1.0) > NEAR or np.std(s[full] / r[full]) < LEAST_SCATTER:
        return None
    if not _is_even(s[full], r[full]) or np.corrcoef(s[full], r[full])[0, 1] < LEAST_CORRELATION:
        return None
    short, long = ("served", "recomputed") if case.is_served_changed else ("recomputed", "served")
    text = (
        f"{short} is {ratio:.2g} times {long} on the whole, never more: counted over {words} "
        "the time?"
    )
    return Found("time_window", text, np.asarray(explained))


def _is_even(short: FloatArray, long: FloatArray) -> bool:
    """Tell whether small values keep the same part as large ones, as with no bent scale."""
    is_large = long > np.median(long)
    if not is_large.any() or not short[is_large].any():
        return False
    small, large = (float(short[part].sum() / long[part].sum()) for part in (~is_large, is_large))
    return abs(small / large - 1.0) <= EVEN
