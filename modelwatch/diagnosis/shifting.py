"""Values moved by a constant, and temperatures in another unit."""

from __future__ import annotations

from typing import Literal

import numpy as np

from modelwatch.diagnosis.agreement import Comparison, affine
from modelwatch.diagnosis.cause import Cause
from modelwatch.sketches import Moments

__all__ = ["offset", "temperature_unit"]

SMALLEST_OFFSET = 1.5
"""In standard deviations of the reference. A smaller shift that keeps the shape is what slow drift
looks like in a window."""

FITTED = 0.9
"""A fitted offset counts for less than a known map that explains as much."""

SMALLEST_EXACT = 1.0
"""The same where the values' own resolution or their extremes tell of arithmetic."""

LARGE_OFFSET = 10.0
"""Plain drift does not come to this."""

CALM_OFFSET, CALM = 2.5, 0.2
"""Nor to this where the baseline's own blocks differ by no more, of the KS statistic."""

CLEAR_MISFIT, CLEAR_EXPLAINS = 0.08, 0.7
"""What an offset may leave unexplained, beside chance, and must explain, where plain drift is out
of question."""

STRICT_MISFIT, STRICT_EXPLAINS = 0.02, 0.88
LARGEST_RESTLESSNESS = 0.13
"""Where the baseline's own blocks differ by more, of the KS statistic, they shift by themselves."""

Unit = Literal["Fahrenheit", "Celsius", "Kelvin"]

DEGREES: dict[Unit, tuple[float, float]] = {
    "Fahrenheit": (-80.0, 150.0),
    "Celsius": (-60.0, 65.0),
    "Kelvin": (210.0, 340.0),
}
"""What nearly all temperatures of air, water and bodies lie between."""

TEMPERATURES: tuple[tuple[float, float, Unit, Unit], ...] = (
    (5 / 9, -160 / 9, "Fahrenheit", "Celsius"),
    (9 / 5, 32.0, "Celsius", "Fahrenheit"),
    (1.0, 273.15, "Celsius", "Kelvin"),
    (1.0, -273.15, "Kelvin", "Celsius"),
    (5 / 9, 273.15 - 160 / 9, "Fahrenheit", "Kelvin"),
    (9 / 5, 32.0 - 273.15 * 9 / 5, "Kelvin", "Fahrenheit"),
)

TEMPERATURE_MISFIT = 0.15
"""What the conversion may leave unexplained, beside chance: seasons go on beneath a fault."""

TEMPERATURE_EXPLAINS = 0.7
KELVIN = 200.0
"""No plain drift moves a temperature by this many degrees."""

PROVEN = 0.9
"""Evidence of a conversion that the values' own grid or Kelvin tells of, whatever the season."""

MIDDLE = np.linspace(0.1, 0.9, 17)


def offset(data: Comparison) -> Cause | None:
    """Name a constant that was added to each value.

    Plain drift moves the mean and something else of the shape; what keeps all of the shape and
    moved far, or moved minimum and maximum by the same amount to the digit, was added.
    """
    before, now = data.quantiles(MIDDLE)
    moved = [
        data.b.minimum - data.a.minimum,
        data.b.maximum - data.a.maximum,
        data.b.mean - data.a.mean,
        float(np.median(now - before)),
    ]
    if data.grid == "kept" and data.step is not None:
        moved = [round(amount / data.step) * data.step for amount in moved]
    found = [cause for amount in moved if (cause := _moved_by(data, amount)) is not None]
    return max(found, key=lambda cause: cause.evidence, default=None)


def _moved_by(data: Comparison, amount: float) -> Cause | None:
    size = abs(amount) / data.a.standard_deviation
    exact = data.grid != "kept" and data.is_exact(1.0, amount)
    arithmetic = exact or data.is_grid_shifted
    if size < (SMALLEST_EXACT if arithmetic else SMALLEST_OFFSET):
        return None
    calm = size >= CALM_OFFSET and data.restlessness <= CALM
    clear = arithmetic or calm or size >= LARGE_OFFSET
    if not clear and data.restlessness > LARGEST_RESTLESSNESS:
        return None
    fit = data.fit(affine(1.0, amount))
    allowed, least = (CLEAR_MISFIT, CLEAR_EXPLAINS) if clear else (STRICT_MISFIT, STRICT_EXPLAINS)
    if fit.misfit > allowed + data.noise or fit.explained < least:
        return None
    text = (
        f"values are {abs(amount):.4g} {'higher' if amount > 0 else 'lower'} than the baseline's, "
        f"with the same spread and shape: mean went from {data.a.mean:.4g} to {data.b.mean:.4g} "
        f"({data.shift:+.2f} standard deviations)"
    )
    return Cause(name="offset", text=text, evidence=1.0 if arithmetic else FITTED * fit.explained)


def temperature_unit(data: Comparison) -> Cause | None:
    """Name a conversion between degrees Fahrenheit, Celsius and Kelvin."""
    found = [
        cause
        for factor, constant, before, now in TEMPERATURES
        if _could_be(data.a, before)
        and _could_be(data.b, now)
        and (cause := _converted(data, factor, constant, f"{before} to {now}")) is not None
    ]
    return max(found, key=lambda cause: cause.evidence, default=None)


def _converted(data: Comparison, factor: float, constant: float, words: str) -> Cause | None:
    follows = data.follows_grid(factor, constant)
    kelvin = abs(constant) > KELVIN and data.is_plausible(factor, constant)
    if not (follows or kelvin or data.step is None):
        return None
    fit = data.fit(affine(factor, constant))
    matches = (
        fit.misfit <= TEMPERATURE_MISFIT + data.noise and fit.explained >= TEMPERATURE_EXPLAINS
    )
    if not (follows or kelvin or matches):
        return None
    moved = f"{abs(constant):.4g} {'higher' if constant > 0 else 'lower'} than the baseline's"
    if factor != 1.0:
        moved = f"{factor:.4g} times the baseline's {constant:+.4g}"
    text = f"values are {moved} ({words}): mean went from {data.a.mean:.4g} to {data.b.mean:.4g}"
    proven = PROVEN + (1.0 - PROVEN) * fit.explained / 2 if follows or kelvin else 0.0
    return Cause(name="temperature_unit", text=text, evidence=max(fit.explained, proven))


def _could_be(moments: Moments, unit: Unit) -> bool:
    """Tell whether values within two standard deviations of the mean could be temperatures."""
    reach = 2.0 * moments.standard_deviation
    low, high = DEGREES[unit]
    return low <= moments.mean - reach and moments.mean + reach <= high
