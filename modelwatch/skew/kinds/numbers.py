"""Numbers that were turned into others by arithmetic: sign, factor, offset, both."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from modelwatch.skew.kinds.case import Case
from modelwatch.skew.kinds.kind import Found

__all__ = ["densest", "factor", "linear", "offset", "sign"]

FloatArray = npt.NDArray[np.float64]

FEWEST_POINTS: Final = 3
"""Different values from which a factor or an offset is one; two more for a line."""

SAME_UNIT: Final = 1e-4
"""How near a factor must come to that of a unit to be told by its name."""

UNITS: Final[tuple[tuple[float, str], ...]] = (
    (0.01, "percent and fractions"),
    (0.001, "thousands"),
    (1e-6, "millions"),
    (1e-9, "billions"),
    (1 / 60, "seconds and minutes, or minutes and hours"),
    (1 / 3600, "seconds and hours"),
    (1 / 24, "hours and days"),
    (1 / 86400, "seconds and days"),
    (1 / 7, "days and weeks"),
    (1 / 12, "months and years"),
    (1 / 1.609344, "kilometres and miles"),
    (1 / 2.54, "centimetres and inches"),
    (0.3048, "feet and metres"),
    (0.45359237, "pounds and kilograms"),
    (0.44704, "miles an hour and metres a second"),
    (1 / 3.6, "kilometres an hour and metres a second"),
    (1 / 1024, "bytes and kilobytes"),
    (np.pi / 180, "degrees and radians"),
    (np.log(2), "logarithms of base 2 and natural ones"),
    (1 / np.log(10), "natural logarithms and those of base 10"),
)
"""The factor of one direction, below 1, and which units it is between."""


def sign(case: Case) -> Found | None:
    """Name numbers whose sign is changed, or lost."""
    explained = case.fits(-case.r)
    if not explained.any():
        return None
    r, s = case.r[explained], case.s[explained]
    if (r < 0).all() and _had_positive(case):
        text = "sign lost: served is the absolute value"
    elif (s < 0).all() and _had_positive(case.reversed):
        text = "sign lost in training: recomputed is the absolute value"
    else:
        text = "sign flipped"
    return Found("sign", text, explained)


def factor(case: Case) -> Found | None:
    """Name numbers that were multiplied by one number, as by another unit."""
    r = case.r
    there = np.isfinite(r) & (r != 0.0) & np.isfinite(case.s)
    if np.unique(r[there]).size < FEWEST_POINTS:
        return None
    ratios = case.s[there] / r[there]
    k = densest(ratios, 4 * case.relative * np.abs(ratios))
    if not np.isfinite(k) or k == 0.0:
        return None
    explained = case.fits(k * r)
    if np.unique(r[explained]).size < FEWEST_POINTS:
        return None
    return Found("factor", f"served is {k:.6g} times recomputed{_unit(k)}", explained)


def offset(case: Case) -> Found | None:
    """Name numbers to which one number was added."""
    differences = case.s - case.r
    there = np.isfinite(differences)
    if np.unique(case.r[there]).size < FEWEST_POINTS:
        return None
    scale = np.maximum(np.abs(case.s[there]), np.abs(case.r[there]))
    width = 4 * case.relative * float(np.median(scale))
    found = densest(differences[there], np.full(int(there.sum()), width))
    explained = case.fits(case.r + found, case.r)
    if np.unique(case.r[explained]).size < FEWEST_POINTS:
        return None
    return Found("offset", f"served is recomputed {found:+.6g}", explained)


def linear(case: Case) -> Found | None:
    """Name numbers that were both multiplied and moved, as Fahrenheit, or as normalised ones."""
    there = np.isfinite(case.s) & np.isfinite(case.r)
    if np.unique(case.r[there]).size < FEWEST_POINTS + 2:
        return None
    line = _line(case.r[there], case.s[there])
    if line is None:
        return None
    slope, start = line
    model = slope * case.r + start
    explained = case.fits(model, np.abs(slope * case.r) + abs(start))
    if explained.any():
        explained = _refit(case, explained)
    if np.unique(case.r[explained]).size < FEWEST_POINTS + 2:
        return None
    slope, start = _least_squares(case.r[explained], case.s[explained])
    text = f"served is {slope:.6g} times recomputed {start:+.6g}{_scale(case, slope, start)}"
    return Found("linear", text, explained)


def densest(values: FloatArray, widths: FloatArray) -> float:
    """Return the middle of the narrow span that holds the most values.

    Args:
        values: one or more, finite.
        widths: of the span that begins at each value.

    >>> densest(np.array([1.0, 2.0, 2.00001, 9.0]), np.full(4, 0.001))
    2.000005
    """
    order = np.argsort(values, kind="stable")
    values, widths = values[order], widths[order]
    ends = np.searchsorted(values, values + widths, side="right")
    best = int(np.argmax(ends - np.arange(values.size)))
    return float(np.median(values[best : ends[best]]))


def _had_positive(case: Case) -> bool:
    """Tell whether positive numbers, which an absolute value leaves alone, are equal."""
    return bool((case.recomputed.data[~case.unequal & ~case.recomputed.missing] > 0).any())


def _unit(k: float) -> str:
    size = abs(k)
    for known, words in UNITS:
        if abs(size / known - 1.0) < SAME_UNIT or abs(size * known - 1.0) < SAME_UNIT:
            return f" ({words}?)"
    return ""


def _line(r: FloatArray, s: FloatArray) -> tuple[float, float] | None:
    """Return slope and start of the line through most points, by the median of far pairs."""
    order = np.argsort(r, kind="stable")
    half = order.size // 2
    low, high = order[:half], order[order.size - half :]
    apart = r[high] - r[low]
    if not (apart > 0).any():
        return None
    slope = float(np.median((s[high] - s[low])[apart > 0] / apart[apart > 0]))
    if not np.isfinite(slope) or slope == 0.0:
        return None
    return slope, float(np.median(s - slope * r))


def _refit(case: Case, explained: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Fit again by all points on the line: two of them, rounded, do not tell the slope well."""
    if np.unique(case.r[explained]).size < FEWEST_POINTS:
        return explained
    slope, start = _least_squares(case.r[explained], case.s[explained])
    return case.fits(slope * case.r + start, np.abs(slope * case.r) + abs(start))


def _least_squares(r: FloatArray, s: FloatArray) -> tuple[float, float]:
    """Return slope and start of the line by least squares; the points differ in `r`."""
    middle = float(r.mean())
    apart = r - middle
    slope = float((apart * s).sum() / (apart * apart).sum())
    return slope, float(s.mean()) - slope * middle


def _scale(case: Case, slope: float, start: float) -> str:
    if abs(slope - 1.8) < 1e-3 and abs(start - 32) < 1e-2:
        return " (Celsius in training, Fahrenheit in serving?)"
    if abs(slope - 1 / 1.8) < 1e-3 and abs(start + 32 / 1.8) < 1e-2:
        return " (Fahrenheit in training, Celsius in serving?)"
    mean, deviation = float(case.all_r.mean()), float(case.all_r.std())
    if abs(slope * deviation - 1.0) < 0.2 and abs(slope * mean + start) < 0.2:
        return " (normalised in serving alone?)"
    if abs(mean) < 0.2 and abs(deviation - 1.0) < 0.2:
        return " (normalised in training alone?)"
    return ""
