"""One value in the place of many: a default value, or a limit at which values are cut off."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from modelwatch.skew.kinds.case import Case
from modelwatch.skew.kinds.kind import EXPLAINS, FEWEST_ROWS, Found, both_ways
from modelwatch.skew.tolerance import equal_values
from modelwatch.skew.values import Column, Mask

__all__ = ["clipping", "default_value", "part_with_default"]

LEAST_PART, FEWEST_OF_PART, LIFT = 0.05, 10, 3.0
"""Share and number of the rows left from which one value among them is a default value by itself,
and how many times as often as among the recomputed values it must come."""

CHANCE: Final = 1e-6
"""Probability that all rows of a default value lie on one side of it, below which it is a limit."""

NEAR_MEAN: Final = 0.02
"""Standard deviations from the mean up to which a default value is said to be the mean."""


def default_value(case: Case) -> Found | None:
    """Name one value that stands in the place of others."""
    return both_ways(case, _default)


def part_with_default(case: Case) -> Found | None:
    """Name one value that a part of the rows has in the place of others."""
    return both_ways(case, _default_of_part)


def clipping(case: Case) -> Found | None:
    """Name limits at which values are cut off: only those beyond are changed."""
    return both_ways(case, _clipping)


def _default(case: Case, where: str) -> Found | None:
    mode, explained = _mode(case.served.take(case.rows))
    if explained.mean() < EXPLAINS or _is_renaming(case):
        return None
    return _found(case, mode, explained, where)


def _default_of_part(case: Case, where: str) -> Found | None:
    mode, explained = _mode(case.served.take(case.rows))
    count, share = int(explained.sum()), float(explained.mean())
    if count < FEWEST_OF_PART or share < LEAST_PART:
        return None
    if np.unique(case.recomputed.data[case.rows][explained]).size < FEWEST_OF_PART // 3:
        return None
    if share < LIFT * _share_of(case, explained) + LEAST_PART / 2:
        return None
    return _found(case, mode, explained, where)


def _mode(column: Column) -> tuple[int, Mask]:
    """Return a row with the most frequent value, and which rows have it, up to float32."""
    values = column.data
    if column.kind == "number" and values.dtype.kind == "f":
        with np.errstate(over="ignore"):
            values = values.astype(np.float32)
    _, first, codes, counts = np.unique(
        values, return_index=True, return_inverse=True, return_counts=True
    )
    best = int(np.argmax(counts))
    return int(first[best]), np.asarray(codes == best)


def _is_renaming(case: Case) -> bool:
    """Tell whether one text stands for one other, wherever that comes."""
    if case.kind != "text" or case.distinct_r > 1:
        return False
    code = case.recomputed.data[case.rows[0]]
    has_it = (case.recomputed.data == code) & ~case.recomputed.missing
    return bool(case.unequal[has_it].mean() >= EXPLAINS)


def _share_of(case: Case, explained: Mask) -> float:
    """Return how often the value comes where it belongs: among all recomputed values."""
    row = case.rows[int(np.argmax(explained))]
    column = case.served.take(np.full(len(case.recomputed), row))
    return float(equal_values(column, case.recomputed, case.tolerance).mean())


def _found(case: Case, place: int, explained: Mask, where: str) -> Found:
    value = case.served.value(int(case.rows[place]))
    shown = f"{value:.6g}" if isinstance(value, float) else str(value)
    others = np.unique(case.recomputed.data[case.rows][explained]).size
    rest = f"{where} in place of {others:,} other value{'s' if others != 1 else ''}"
    if case.kind == "text":
        return Found("default_value", f"one text {rest}", explained, repr(value))
    return Found("default_value", f"{shown} {rest}{_mean_words(case, value)}", explained)


def _mean_words(case: Case, value: object) -> str:
    if case.kind != "number" or not isinstance(value, (int, float)) or case.all_r.size < 2:
        return ""
    near = NEAR_MEAN * float(case.all_r.std())
    if abs(value - float(case.all_r.mean())) <= near:
        return ", and is their mean (imputed?)"
    if abs(value - float(np.median(case.all_r))) <= near:
        return ", and is their median (imputed?)"
    return ""


def _clipping(case: Case, where: str) -> Found | None:
    s, r = case.s, case.r
    limits = [_limit(case, s < r, 1.0), _limit(case, s > r, -1.0)]
    upper, lower = limits
    if upper is not None and lower is not None and not lower < upper:
        return None
    explained = np.zeros(s.size, dtype=bool)
    words = []
    for limit, way, is_beyond in ((lower, "below", s > r), (upper, "above", s < r)):
        if limit is not None:
            explained |= is_beyond & (np.abs(s - limit) <= case.relative * abs(limit))
            words.append(f"{way} {_shown(case, limit)}")
    if explained.mean() < EXPLAINS:
        return None
    return Found("clipping", f"cut off {' and '.join(words)} {where}", explained)


def _limit(case: Case, beyond: Mask, side: float) -> float | None:
    """Return the one value of the rows beyond it, where chance does not put all of them there."""
    count = int(beyond.sum())
    if count < FEWEST_ROWS:
        return None
    limit = float(np.median(case.s[beyond]))
    if np.mean(np.abs(case.s[beyond] - limit) <= case.relative * abs(limit)) < EXPLAINS:
        return None
    apart = side * (case.all_r - limit)
    apart = apart[apart != 0]
    share = float((apart > 0).mean()) if apart.size else 1.0
    is_chance = count * math.log(max(share, 1e-300)) > math.log(CHANCE)
    return None if is_chance else limit


def _shown(case: Case, limit: float) -> str:
    if case.kind == "time":
        return str(np.datetime64(int(limit), "us").astype("M8[s]"))
    return f"{limit:.6g}"
