"""Normalisation that was lost or done where it was not due, and logarithms likewise.

What is known exactly is the reference's mean and deviation. So values that came normalised are
tested without a free parameter; raw values where the reference is normalised have two.
"""

from __future__ import annotations

import math

import numpy as np

from modelwatch.diagnosis.agreement import Comparison, Map, affine
from modelwatch.diagnosis.cause import Cause
from modelwatch.diagnosis.whole_multiples import native_step

__all__ = ["log_transform", "normalisation"]

NEAR_STANDARD = 0.1
"""How near to mean 0 and deviation 1 a reference must lie to count as standardised."""

LEAST_DIFFERENCE = 0.2
"""Of the KS statistic: lost normalisation is not subtle."""

LEAST_CHANGE_OF_SPREAD = math.log(2.2)
LEAST_SHIFT = 0.25
"""Of the mean, in current standard deviations: a change of spread about zero is something else."""

LARGE_LOG = math.log(8.0)
LARGE_CHANGE = math.log(4.0)
"""Plain drift does not change a spread by this factor."""

EXPLAINS = 0.7
LOG_EXPLAINS = 0.6
RAW_EXPLAINS = 0.5
"""The same where values that were multiples of nothing lie on a grid."""

UNPROVEN = 0.94
"""What is not told by the values' own grid counts for less."""

SHRUNK = 0.85
"""Evidence of a change of spread that plain drift does not bring about."""

KNOWN_MISFIT = 0.15
"""What a map with known constants may leave, beside chance: other drift goes on beneath."""

LOG_MISFIT, LARGE_LOG_MISFIT = 0.06, 0.35
"""The same for a logarithm; and where it changed the spread as plain drift does not."""

FITTED_MISFIT = 0.04

MARGIN = 0.02
"""By how much a rarer logarithm must fit better: log(1 + x) is log(x) for large values."""

LARGEST_EXPONENT = 700.0
"""e to the power of more is no 64-bit float."""

LOGARITHMS: tuple[tuple[str, Map], ...] = (
    ("the natural logarithm", Map(np.log, np.exp)),
    ("the logarithm to base 10", Map(np.log10, lambda y: 10.0**y)),
    ("log(1 + x)", Map(np.log1p, np.expm1)),
    ("the logarithm to base 2", Map(np.log2, np.exp2)),
)


def normalisation(data: Comparison) -> Cause | None:
    """Name values that came raw where they were normalised, or the other way round."""
    if data.difference < LEAST_DIFFERENCE:
        return None
    if _is_standard(data):
        return _lost(data)
    a = data.a
    sample = a.standard_deviation
    population = sample * math.sqrt((a.n - 1) / a.n)
    found = [
        cause
        for lowest, unit, words in (
            (a.mean, sample, "mean 0 and deviation 1"),
            (a.mean, population, "mean 0 and deviation 1"),
            (a.minimum, a.maximum - a.minimum, "the range 0 to 1"),
        )
        if (cause := _normalised(data, 1 / unit, -lowest / unit, words)) is not None
    ]
    return max(found, key=lambda cause: cause.evidence, default=None)


def _normalised(data: Comparison, factor: float, constant: float, words: str) -> Cause | None:
    fit = data.fit(affine(factor, constant))
    proven = data.follows_grid(factor, constant)
    matches = fit.misfit <= KNOWN_MISFIT + data.noise and fit.explained >= EXPLAINS
    shrunk = abs(math.log(factor)) >= LARGE_CHANGE and data.is_plausible(factor, constant)
    if not (proven or matches or shrunk) or data.grid == "kept":
        return None
    text = f"values are normalised to {words} where the baseline's are not: {_moments(data)}"
    evidence = 1.0 if proven else UNPROVEN * max(fit.explained, SHRUNK * shrunk)
    return Cause(name="doubled_normalisation", text=text, evidence=evidence)


def _lost(data: Comparison) -> Cause | None:
    """Tell raw values from those normalised twice.

    Raw values are often recorded to some decimals; normalised ones are multiples of nothing. Else,
    as most raw values are positive and spread by more than one, they lie above zero and spread
    wider; normalising once more, by the raw mean and deviation, does the opposite.
    """
    factor = data.b.standard_deviation / data.a.standard_deviation
    before, now = data.quantiles(np.array([0.25, 0.5, 0.75]))
    if before[2] > before[0] and now[2] > now[0]:
        steep = (now[2] - now[0]) / (before[2] - before[0])
    else:
        steep = factor
    fits = [
        (data.fit(affine(slope, constant)), slope)
        for slope, constant in (
            (factor, data.b.mean - factor * data.a.mean),
            (steep, now[1] - steep * before[1]),
        )
    ]
    fit, slope = min(fits, key=lambda pair: pair[0].misfit)
    raw = native_step(data.b) is not None
    if abs(math.log(slope)) < (LEAST_CHANGE_OF_SPREAD if raw else LARGE_CHANGE):
        return None
    matches = fit.misfit <= FITTED_MISFIT + data.noise and fit.explained >= EXPLAINS
    if not matches and not (raw and fit.explained >= RAW_EXPLAINS):
        return None
    shift = data.b.mean / data.b.standard_deviation
    if raw or (slope > 1.0 and shift >= LEAST_SHIFT):
        text = f"values are not normalised, as the baseline's are: {_moments(data)}"
        evidence = 1.0 if raw else fit.explained
        return Cause(name="lost_normalisation", text=text, evidence=evidence)
    if slope < 1.0 and shift <= -LEAST_SHIFT:
        text = f"values seem to be normalised twice: {_moments(data)}"
        return Cause(name="doubled_normalisation", text=text, evidence=fit.explained)
    return None


def log_transform(data: Comparison) -> Cause | None:
    """Name a logarithm that was taken, or left out."""
    spread = data.b.standard_deviation / data.a.standard_deviation
    if data.difference < LEAST_DIFFERENCE or abs(math.log(spread)) < LEAST_CHANGE_OF_SPREAD:
        return None
    if data.grid == "kept":
        return None
    best: Cause | None = None
    for words, logarithm in LOGARITHMS:
        for taken in (True, False):
            cause = _logarithm(data, words, logarithm, taken=taken)
            if cause and (best is None or cause.evidence > best.evidence + MARGIN):
                best = cause
    return best


def _logarithm(data: Comparison, words: str, logarithm: Map, *, taken: bool) -> Cause | None:
    mapping = logarithm if taken else Map(logarithm.inverse, logarithm.forward)
    if taken and not _has_logarithm(data.a.minimum, logarithm):
        return None
    if not taken and (
        data.a.maximum > LARGEST_EXPONENT or not _has_logarithm(data.b.minimum, logarithm)
    ):
        return None
    fit = data.fit(mapping)
    spread = data.b.standard_deviation / data.a.standard_deviation
    is_large = abs(math.log(spread)) >= LARGE_LOG
    allowed = LARGE_LOG_MISFIT if is_large else LOG_MISFIT
    if fit.misfit > allowed + data.noise or fit.explained < LOG_EXPLAINS:
        return None
    done = "was taken of the values" if taken else "was not taken of the values"
    means = f"mean went from {data.a.mean:.4g} to {data.b.mean:.4g}"
    return Cause(name="log_transform", text=f"{words} {done}: {means}", evidence=fit.explained)


def _has_logarithm(minimum: float, logarithm: Map) -> bool:
    with np.errstate(all="ignore"):
        return bool(np.isfinite(logarithm.forward(np.array([minimum])))[0])


def _is_standard(data: Comparison) -> bool:
    a = data.a
    return abs(a.mean) < NEAR_STANDARD and abs(a.standard_deviation - 1.0) < NEAR_STANDARD


def _moments(data: Comparison) -> str:
    a, b = data.a, data.b
    return (
        f"mean went from {a.mean:.4g} to {b.mean:.4g}, standard deviation from "
        f"{a.standard_deviation:.4g} to {b.standard_deviation:.4g}"
    )
