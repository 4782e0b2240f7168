"""Another unit, or any other factor: current = factor * reference. Minus one: a sign flip."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from modelwatch.diagnosis.agreement import Comparison, affine
from modelwatch.diagnosis.cause import Cause
from modelwatch.diagnosis.whole_multiples import native_step

__all__ = ["scale_change", "sign_flip"]

UNIT_FACTORS: tuple[tuple[float, str, str], ...] = (
    (1.609344, "miles", "kilometres"),
    (1.852, "nautical miles", "kilometres"),
    (1.150779, "knots", "miles per hour"),
    (2.236936, "metres per second", "miles per hour"),
    (3.6, "metres per second", "kilometres per hour"),
    (0.3048, "feet", "metres"),
    (2.54, "inches", "centimetres"),
    (25.4, "inches", "millimetres"),
    (0.45359237, "pounds", "kilograms"),
    (3.785412, "gallons", "litres"),
    (28.34952, "ounces", "grams"),
    (33.86389, "inches of mercury", "millibars"),
    (57.29578, "radians", "degrees"),
)
"""Factors that are told apart by their own digits."""

ROUND_FACTORS: tuple[tuple[float, str], ...] = (
    (1000.0, "a thousandfold unit"),
    (0.001, "a thousandth unit"),
    (1e6, "a millionfold unit"),
    (1e-6, "a millionth unit"),
    (100.0, "fractions to percent"),
    (0.01, "percent to fractions"),
    (60.0, "minutes to seconds, or hours to minutes"),
    (1 / 60, "seconds to minutes, or minutes to hours"),
    (3600.0, "hours to seconds"),
    (1 / 3600, "seconds to hours"),
    (24.0, "days to hours"),
    (1 / 24, "hours to days"),
    (1440.0, "days to minutes"),
    (1 / 1440, "minutes to days"),
    (86400.0, "days to seconds"),
    (1 / 86400, "seconds to days"),
)

KNOWN_FACTORS: tuple[tuple[float, str], ...] = (
    *((factor, f"{before} to {now}") for factor, before, now in UNIT_FACTORS),
    *((1 / factor, f"{now} to {before}") for factor, before, now in UNIT_FACTORS),
    *ROUND_FACTORS,
)

UNIT_TOLERANCE = 0.1
"""How near a ratio must come to a unit's factor for the unit to be tried: the mean also follows
what else has changed, such as a season's other mix of routes (by 5% in the flights of the example).
"""

ROUNDED_TOLERANCE = 0.04
"""The same where the values' grid should tell of the unit, but they were rounded once more."""

SMALLEST_SCALING = math.log(1.33)
"""Factors nearer to one than this are drift, such as of prices; by the logarithm."""

SMALLEST_EXACT = math.log(1.05)
"""The same where the values' own resolution or their extremes tell of arithmetic."""

SMALLEST_SPREADING = math.log(2.1)
"""The same where the mean is so near zero that a change of spread about it looks alike."""

NEAR_ZERO = 0.3
"""Such a mean, by what the factor makes of it in standard deviations of the reference."""

LARGE_SCALING = math.log(8.0)
"""Plain drift does not come to this."""

CALM_SCALING, CALM = math.log(2.0), 0.2
"""Nor to this where the baseline's own blocks differ by no more, of the KS statistic."""

LEAST_DIFFERENCE = 0.05
"""Differences below this, of the KS statistic, have no cause to be told."""

CLEAR_MISFIT, CLEAR_EXPLAINS = 0.08, 0.6
"""What a factor may leave unexplained, beside chance, and must explain, where plain drift is out
of question: other drift goes on beneath a fault."""

STRICT_MISFIT, STRICT_EXPLAINS = 0.02, 0.8
"""The same where plain drift may bring about a factor."""

LARGEST_RESTLESSNESS = 0.13
"""Where the baseline's own blocks differ by more than this, of the KS statistic, no factor is told
from plain drift unless that is out of question."""

FITTED = 0.9
UNPROVEN = 0.95
"""A fitted factor counts for less than a unit's that explains as much; there are many units too."""

FINER = 20.0
"""How many times finer than the mapped grid values are rounded to at most."""

GRID_TOLERANCE = math.log(2.0)
"""How near a ratio must come to a unit's factor, by the logarithm, where the values' own grid tells
of the factor."""

SKEWED = math.log(2.0)
"""Tails of such lengths, by the logarithm of their ratio, tell left from right."""

TURNED = 0.9
"""Evidence of a sign flip where all signs turned, whatever else drifted."""

LEAST_FLIP, FLIP_EXPLAINS = 0.1, 0.6
"""KS statistic from which a sign flip is told, and the share of it that it must explain."""

MIDDLE = np.linspace(0.1, 0.9, 17)


def scale_change(data: Comparison) -> Cause | None:
    """Name a change of scale: a unit's factor before any other.

    Plain drift may scale values too, as prices rise. It is out of question where the factor is
    large, or where minimum and maximum are scaled to the digit; else the fit must be close, and the
    baseline's own blocks alike, unless values left the grid that the reference's lie on.
    """
    if data.difference < LEAST_DIFFERENCE:
        return None
    ratios = list(_ratios(data))
    pairs = dict.fromkeys(
        (factor, unit)
        for ratio in (*ratios, *_extreme_ratios(data))
        for factor, unit in _candidates(data, ratio)
    )
    found = [
        (evidence, factor, unit)
        for factor, unit in pairs
        if (evidence := _evidence(data, factor, unit)) is not None
    ]
    if not found or not ratios:
        return None
    units = {unit for _, factor, unit in found if unit and data.may_be(factor)}
    told = units if len(units) == 1 else set()  # several cannot be told apart
    measured = min(ratios, key=lambda ratio: data.fit(affine(ratio)).misfit)
    causes = [_cause(data, *pair, told=told, measured=measured) for pair in found]
    return max(filter(None, causes), key=lambda cause: cause.evidence, default=None)


def _cause(
    data: Comparison,
    evidence: float,
    factor: float,
    unit: str | None,
    *,
    told: set[str],
    measured: float,
) -> Cause | None:
    """Return the cause in words: a unit is named where it is proven, or alone possible."""
    if evidence < 1.0 and unit not in told:
        if abs(math.log(measured)) < _smallest(data, measured, clear=data.grid == "left"):
            return None
        evidence *= FITTED / UNPROVEN if unit else 1.0
        factor, unit = measured, None
    text = f"values are {factor:.4g} times the baseline's{f' ({unit})' if unit else ''}"
    return Cause(name="scale_change", text=text, evidence=evidence)


def _evidence(data: Comparison, factor: float, unit: str | None) -> float | None:
    """Return the evidence of a factor, 1.0 where it is proven to the digit; None without any."""
    exact = data.is_exact(factor)
    proven = unit is not None and data.follows_grid(factor)
    arithmetic = exact or proven or data.grid == "left"
    if data.grid != "none" and not (exact or proven or _may_be_rounded(data, factor, unit)):
        return None
    size = abs(math.log(factor))
    if size < _smallest(data, factor, clear=data.grid == "left" or proven):
        return None
    calm = size >= CALM_SCALING and data.restlessness <= CALM
    clear = exact or size >= LARGE_SCALING
    if not (clear or arithmetic or calm) and data.restlessness > LARGEST_RESTLESSNESS:
        return None
    fit = data.fit(affine(factor))
    allowed, least = (CLEAR_MISFIT, CLEAR_EXPLAINS) if clear else (STRICT_MISFIT, STRICT_EXPLAINS)
    if not proven and (fit.misfit > allowed + data.noise or fit.explained < least):
        return None
    return 1.0 if exact or proven else fit.explained * (UNPROVEN if unit else FITTED)


def _smallest(data: Comparison, factor: float, *, clear: bool) -> float:
    if abs(factor - 1.0) * abs(data.a.mean) < NEAR_ZERO * data.a.standard_deviation:
        return SMALLEST_SPREADING
    return SMALLEST_EXACT if clear else SMALLEST_SCALING


def _may_be_rounded(data: Comparison, factor: float, unit: str | None) -> bool:
    """Tell whether values beside the grid that a factor makes of the reference's are still its.

    They were rounded once more where they lie on decimals about as coarse; and a factor that was
    fitted has no grid to speak of.
    """
    if unit is None:
        return data.grid == "left" and not data.is_grid_shifted
    if data.grid == "kept" and data.b.minimum >= 0.0 and data.b.mean < data.a.mean:
        return False  # fewer of what is counted, rather
    step = native_step(data.b)
    return step is not None and step >= (data.step or 0.0) * factor / FINER


def sign_flip(data: Comparison) -> Cause | None:
    """Name values whose sign was turned.

    Either all of one sign came with the other, or minus one explains the difference.
    """
    a, b = data.a, data.b
    turned = (a.minimum >= 0.0 >= b.maximum) or (a.maximum <= 0.0 <= b.minimum)
    same_size = data.is_plausible(-1.0)
    may_match = data.difference >= LEAST_FLIP and _tails_turned(data)
    if not may_match and not (turned and same_size):
        return None
    fit = data.fit(affine(-1.0))
    matches = fit.explained >= FLIP_EXPLAINS and fit.misfit <= CLEAR_MISFIT + data.noise
    if not (may_match and matches) and not (turned and same_size):
        return None
    text = f"values have the opposite sign (values are -1 times the baseline's): {_means(data)}"
    return Cause(name="sign_flip", text=text, evidence=max(fit.explained, TURNED * turned))


def _tails_turned(data: Comparison) -> bool:
    """Tell whether the longer tail came to the other side, where one is much the longer."""
    a, b = data.a, data.b
    if not (a.minimum < a.mean < a.maximum and b.minimum < b.mean < b.maximum):
        return False  # one of them is of one value, and has no tails
    before = math.log((a.maximum - a.mean) / (a.mean - a.minimum))
    now = math.log((b.maximum - b.mean) / (b.mean - b.minimum))
    return abs(before) < SKEWED or before * now < 0.0


def _means(data: Comparison) -> str:
    return f"mean went from {data.a.mean:.4g} to {data.b.mean:.4g}"


def _ratios(data: Comparison) -> Iterator[float]:
    """Yield the factor as means, spreads and middle quantiles have it, where positive."""
    before, now = data.quantiles(MIDDLE)
    squares = float(np.square(before).sum())
    found = [
        data.b.mean / data.a.mean if data.a.mean else 0.0,
        data.b.standard_deviation / data.a.standard_deviation,
        float((before * now).sum()) / squares if squares else 0.0,
    ]
    yield from (ratio for ratio in found if ratio > 0.0 and math.isfinite(ratio))


def _extreme_ratios(data: Comparison) -> Iterator[float]:
    """Yield the factor as the extremes have it, where positive: to the digit, or far off."""
    for before, now in _extremes(data):
        if before and now / before > 0.0 and math.isfinite(now / before):
            yield now / before


def _extremes(data: Comparison) -> tuple[tuple[float, float], ...]:
    return (data.a.minimum, data.b.minimum), (data.a.maximum, data.b.maximum)


def _candidates(data: Comparison, ratio: float) -> list[tuple[float, str | None]]:
    """Return the factors worth trying: the units' near the ratio or on its grid, and itself."""
    tolerance = UNIT_TOLERANCE if data.step is None else ROUNDED_TOLERANCE
    near: list[tuple[float, str | None]] = [
        (known, unit)
        for known, unit in KNOWN_FACTORS
        if abs(ratio / known - 1) < tolerance
        or (abs(math.log(ratio / known)) < GRID_TOLERANCE and data.follows_grid(known))
    ]
    return [*near, (ratio, None)]
