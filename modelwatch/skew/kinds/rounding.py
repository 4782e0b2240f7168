"""Values that lost digits: rounded, cut to whole numbers, of few digits, of half precision."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from modelwatch.skew.kinds.case import Case
from modelwatch.skew.kinds.kind import EXPLAINS, Found, both_ways
from modelwatch.skew.values import Mask

__all__ = ["rounding"]

FloatArray = npt.NDArray[np.float64]

GRIDS: Final = tuple(10.0**power for power in range(6, -7, -1))
TIME_GRIDS: Final = (
    (86_400_000_000.0, "the day"),
    (3_600_000_000.0, "the hour"),
    (60_000_000.0, "the minute"),
    (1_000_000.0, "the second"),
    (1_000.0, "the millisecond"),
)
MOST_DIGITS: Final = 7

FLOAT32: Final = 2.0**-23
"""What a rounded value may miss its place on the grid by, as a part of itself."""

LEAST_CLEAR: Final = 0.05
"""Part of a grid's step beyond which such a miss leaves its place unknown."""


def rounding(case: Case) -> Found | None:
    """Name values that lost digits, in serving or in training."""
    return both_ways(case, _rounding)


def _rounding(case: Case, where: str) -> Found | None:
    if case.distinct_r < 3:
        return None
    if case.kind in ("time", "duration"):
        for step, words in TIME_GRIDS:
            found = _on_grid(case, step)
            if found is not None:
                return Found("rounding", f"{found[0]} to {words} {where}", found[1])
        return None
    for step in GRIDS:
        found = _on_grid(case, step)
        if found is not None:
            return Found("rounding", f"{found[0]} to {_step_words(step)} {where}", found[1])
    return _of_few_digits(case, where)


def _on_grid(case: Case, step: float) -> tuple[str, Mask] | None:
    """Tell how values were brought onto whole multiples of a step; None where they are not."""
    s, r = case.s / step, case.r / step
    with np.errstate(invalid="ignore"):
        miss = np.maximum(np.abs(s) * FLOAT32, 1e-9)
        whole = (np.abs(s - np.rint(s)) <= miss) & (miss < LEAST_CLEAR)
    if whole.mean() < EXPLAINS:
        return None
    ways = {
        "rounded": np.abs(s - r) <= 0.5 + miss,
        "cut": (np.abs(s) <= np.abs(r) + miss) & (np.abs(s - r) < 1.0) & (s * r >= 0),
        "rounded down": (s <= r + miss) & (r - s < 1.0),
        "rounded up": (s >= r - miss) & (s - r < 1.0),
    }
    way = max(ways, key=lambda name: float(ways[name].mean()))
    explained = ways[way] & whole
    return (way, explained) if explained.mean() >= EXPLAINS else None


def _step_words(step: float) -> str:
    if step == 1.0:
        return "whole numbers"
    if step > 1.0:
        return f"multiples of {step:,.0f}"
    places = round(-np.log10(step))
    return f"{places} decimal{'s' if places != 1 else ''}"


def _of_few_digits(case: Case, where: str) -> Found | None:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        half = case.r.astype(np.float16).astype(np.float64)
        exponents = np.floor(np.log10(np.abs(case.r)))
    explained = _is_same(case, half)
    if explained.mean() >= EXPLAINS:
        return Found("rounding", f"of half precision (float16) {where}", explained)
    exponents = np.where(np.isfinite(exponents), exponents, 0.0)
    for digits in range(1, MOST_DIGITS + 1):
        step = 10.0 ** (exponents - digits + 1)
        explained = _is_same(case, np.rint(case.r / step) * step)
        if explained.mean() >= EXPLAINS:
            words = f"rounded to {digits} significant digit{'s' if digits != 1 else ''} {where}"
            return Found("rounding", words, explained)
    return None


def _is_same(case: Case, model: FloatArray) -> Mask:
    return np.asarray(np.abs(case.s - model) <= np.abs(model) * FLOAT32)
