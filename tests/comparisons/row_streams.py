"""Seeded rows of several features in time order, and the windows that follow a reference."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import numpy.typing as npt
from scipy import signal

from modelwatch.comparisons.correlation import correlation_drift
from modelwatch.comparisons.gaussian_kl import gaussian_kl
from modelwatch.comparisons.hotelling import hotelling
from modelwatch.comparisons.joint_effect import JointEffect, fit_joint_effect
from modelwatch.comparisons.joint_reference import JointReference, JointStatistic
from modelwatch.comparisons.reconstruction import reconstruction_drift
from modelwatch.sketches import JointMoments

FloatArray = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator, int, int], FloatArray]
Judge = Callable[[JointReference, JointMoments, JointEffect | None], JointStatistic]

ROWS_A_DAY = 1_440
STATISTICS: Mapping[str, Judge] = {
    "correlation": correlation_drift,
    "mean": hotelling,
    "reconstruction": reconstruction_drift,
    "gaussian_kl": gaussian_kl,
}


def names(features: int) -> list[str]:
    """Return names for so many features."""
    return [f"feature_{at}" for at in range(features)]


def moments(rows: FloatArray, shift: FloatArray | None = None) -> JointMoments:
    """Fold in rows."""
    joint = JointMoments(names(rows.shape[1]), rows.mean(axis=0) if shift is None else shift)
    joint.update(rows)
    return joint


def reference_of(rows: FloatArray) -> JointReference:
    """Prepare the reference of rows."""
    return JointReference.of(moments(rows))


def independent(rng: np.random.Generator, rows: int, features: int) -> FloatArray:
    """Draw independent N(0, 1)."""
    return rng.normal(size=(rows, features))


def correlated(rng: np.random.Generator, rows: int, features: int) -> FloatArray:
    """Draw independent rows whose features have correlations of .5."""
    common = rng.normal(size=(rows, 1))
    return np.asarray((common + rng.normal(size=(rows, features))) / np.sqrt(2))


def autoregressive(coefficient: float) -> Draw:
    """Return what draws features that each follow an autoregression of first order."""

    def draw(rng: np.random.Generator, rows: int, features: int) -> FloatArray:
        noise = rng.normal(size=(rows, features)) * np.sqrt(1 - coefficient**2)
        noise[0] = rng.normal(size=features)
        return np.asarray(signal.lfilter([1.0], [1.0, -coefficient], noise, axis=0))

    return draw


def levels(rng: np.random.Generator, rows: int, features: int) -> FloatArray:
    """Draw rows with a level of their own, of .3 sd, for each 500 of them."""
    level = 0.3 * rng.normal(size=(rows // 500 + 1, features))
    return rng.normal(size=(rows, features)) + np.repeat(level, 500, axis=0)[:rows]


def cycle(rng: np.random.Generator, rows: int, features: int) -> FloatArray:
    """Draw rows that follow a daily cycle of .5 sd, each feature at its own hour."""
    hour = np.arange(rows)[:, None] / ROWS_A_DAY + np.arange(features) / features / 2
    return rng.normal(size=(rows, features)) + 0.5 * np.sin(2 * np.pi * hour)


def log_normal(rng: np.random.Generator, rows: int, features: int) -> FloatArray:
    """Draw independent log-normal values."""
    return rng.lognormal(size=(rows, features))


def exponential(rng: np.random.Generator, rows: int, features: int) -> FloatArray:
    """Draw independent exponential values."""
    return rng.exponential(size=(rows, features))


def student(rng: np.random.Generator, rows: int, features: int) -> FloatArray:
    """Draw independent values of Student's law of five degrees of freedom."""
    return rng.standard_t(5, size=(rows, features))


def log_normal_together(rng: np.random.Generator, rows: int, features: int) -> FloatArray:
    """Draw log-normal features whose logarithms have correlations of .5."""
    return np.asarray(np.exp(correlated(rng, rows, features)))


def student_together(rng: np.random.Generator, rows: int, features: int) -> FloatArray:
    """Draw rows of the multivariate Student law: no correlations, but a common scale."""
    scale = np.sqrt(rng.chisquare(5, size=(rows, 1)) / 5)
    return np.asarray(rng.normal(size=(rows, features)) / scale)


def windows_after(
    draw: Draw,
    rng: np.random.Generator,
    *,
    reference_rows: int,
    window_rows: int,
    windows: int,
    features: int = 10,
) -> tuple[FloatArray, Iterator[FloatArray]]:
    """Return a reference and the windows that follow it on the same path."""
    rows = draw(rng, reference_rows + windows * window_rows, features)
    later = rows[reference_rows:].reshape(windows, window_rows, features)
    return rows[:reference_rows], iter(later)


def p_values(
    draw: Draw, seed: int, *, reference_rows: int, window_rows: int, windows: int, references: int
) -> dict[str, FloatArray]:
    """Return the p-values of windows in which nothing changed, 1 where they are not judged."""
    found: dict[str, list[float]] = {name: [] for name in STATISTICS}
    for at in range(references):
        reference, later = windows_after(
            draw,
            np.random.default_rng([seed, at]),
            reference_rows=reference_rows,
            window_rows=window_rows,
            windows=windows,
        )
        effect = fit_joint_effect(reference, names(reference.shape[1]))
        prepared = reference_of(reference)
        for window in later:
            current = moments(window, prepared.moments.shift)
            for name, judge in STATISTICS.items():
                chance = judge(prepared, current, effect).p_value
                found[name].append(1.0 if chance is None else chance)
    return {name: np.array(chances) for name, chances in found.items()}
