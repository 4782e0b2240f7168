"""Values of another place: of another row, another time of the same entity, another column."""

from __future__ import annotations

from typing import Final

import numpy as np

from modelwatch.skew.kinds.case import Case
from modelwatch.skew.kinds.kind import EXPLAINS, FEWEST_ROWS, Found
from modelwatch.skew.kinds.times import duration_words
from modelwatch.skew.values import Rows

__all__ = ["FEWEST_KNOWN", "shifted_rows", "stale", "tried_rows"]

MOST_SHIFT: Final = 3
"""Rows by which a join may be off to be found."""

MOST_STEPS: Final = 5
"""Earlier rows of an entity that are tried where no span of time fits."""

TRIED_ROWS: Final = 2_000
"""Rows on which each span of time is tried before all are asked."""

FEWEST_KNOWN: Final = 0.5
"""Share of the rows whose earlier row must be known."""


def shifted_rows(case: Case) -> Found | None:
    """Name values of the row before or behind, in the order of either file."""
    orders = {
        "served": np.arange(len(case.served)),
        "recomputed": case.neighbours.recomputed_order,
    }
    for words, order in orders.items():
        place = np.empty_like(order)
        place[order] = np.arange(order.size)
        for distance in [way * step for step in range(1, MOST_SHIFT + 1) for way in (1, -1)]:
            others = place[case.rows] - distance
            is_inside = (others >= 0) & (others < order.size)
            rows = np.where(is_inside, order[np.clip(others, 0, order.size - 1)], -1)
            explained = case.equals(rows)
            share = float(explained.mean())
            if share >= EXPLAINS and not case.is_chance(share):
                count = abs(distance)
                way = "before" if distance > 0 else "behind"
                what = "the row" if count == 1 else f"the row {count}"
                text = f"served is the value of {what} {way}, in the order of the {words} rows"
                return Found("shifted_rows", f"{text} (joined off by {count}?)", explained)
    return None


def stale(case: Case) -> Found | None:
    """Name values that the same entity had a constant span of time before, or behind."""
    if not case.has_history:
        return None
    return _by_time(case) or _by_time(case.reversed) or _by_step(case) or _by_step(case.reversed)


def tried_rows(rows: Rows) -> Rows:
    """Return some of the rows, spread evenly."""
    if rows.size <= TRIED_ROWS:
        return rows
    return rows[np.linspace(0, rows.size - 1, TRIED_ROWS).astype(np.intp)]


def _by_time(case: Case) -> Found | None:
    tried = case.at(tried_rows(case.rows))
    shares: dict[int, float] = {}
    for lag in case.neighbours.lags(tried.rows):
        before = case.neighbours.earlier(tried.rows, lag)
        known = before >= 0
        if known.sum() >= max(FEWEST_ROWS, FEWEST_KNOWN * known.size):
            shares[lag] = float(tried.equals(before)[known].mean())
    if not shares:
        return None
    lag = max(sorted(shares), key=shares.__getitem__)
    if shares[lag] < EXPLAINS or tried.is_chance(shares[lag]):
        return None
    before = case.neighbours.earlier(case.rows, lag)
    return _found(case, before, duration_words(lag))


def _by_step(case: Case) -> Found | None:
    tried = case.at(tried_rows(case.rows))
    for steps in range(1, MOST_STEPS + 1):
        before = case.neighbours.previous(tried.rows, steps)
        known = before >= 0
        if known.sum() < max(FEWEST_ROWS, FEWEST_KNOWN * known.size):
            return None
        share = float(tried.equals(before)[known].mean())
        if share >= EXPLAINS and not tried.is_chance(share):
            words = f"{steps} row{'s' if steps != 1 else ''} of the entity"
            return _found(case, case.neighbours.previous(case.rows, steps), words)
    return None


def _found(case: Case, before: Rows, span: str) -> Found | None:
    """Count rows without a known earlier one as explained: nothing speaks against it."""
    explained = case.equals(before) | (before < 0)
    if explained.mean() < EXPLAINS:
        return None
    if case.is_served_changed:
        text = f"served is what recomputed has {span} before (stale, or training looks ahead?)"
    else:
        text = f"recomputed is what served has {span} before (stale in training?)"
    return Found("stale", text, explained)
