"""From counts to shares: what counts must be, and where empty bins get a share above zero."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from modelwatch.errors import ConfigurationError
from modelwatch.parameter_checks import number, shown

__all__ = [
    "JEFFREYS",
    "checked",
    "checked_row",
    "checked_smoothing",
    "rows_of",
    "shares",
    "steps_of",
]

JEFFREYS = 0.5
"""Pseudo-count a bin: the Jeffreys prior of a multinomial. 0 gives the textbook formulas."""

LARGEST_COUNT = 1e140
"""Squares of larger ones leave the range of a double."""

FloatArray = npt.NDArray[np.float64]


def shares(counts: npt.ArrayLike, smoothing: float = JEFFREYS) -> FloatArray:
    """Return each bin's share of its distribution's total, smoothed.

    Args:
        counts: shape (..., bins), zero or more.
        smoothing: added to every bin, zero or more.

    Returns:
        Shares that sum to one along the last axis; all zero where there is nothing to share.

    >>> shares([0, 3], smoothing=0.5).tolist()
    [0.125, 0.875]
    """
    smoothed = np.asarray(counts, dtype=np.float64) + smoothing
    total = smoothed.sum(axis=-1, keepdims=True)
    if total.all():
        return np.asarray(smoothed / total)
    return np.asarray(np.divide(smoothed, total, out=np.zeros_like(smoothed), where=total > 0))


def rows_of(
    reference: npt.ArrayLike, current: npt.ArrayLike, smoothing: float = 0.0
) -> tuple[FloatArray, FloatArray]:
    """Return both sides' shares, all zero in a row of which one side is empty.

    Args:
        reference: counts, shape (features, bins).
        current: counts on the same bins.
        smoothing: pseudo-count a bin.
    """
    p, q = shares(reference, smoothing), shares(current, smoothing)
    is_filled = (np.sum(reference, axis=-1) > 0) & (np.sum(current, axis=-1) > 0)
    if not is_filled.all():
        p[~is_filled], q[~is_filled] = 0.0, 0.0
    return p, q


def steps_of(reference: npt.ArrayLike, current: npt.ArrayLike) -> FloatArray:
    """Return by how much the current distribution function is above the reference's.

    Args:
        reference: counts on ordered bins, shape (features, bins).
        current: counts on the same bins.

    Returns:
        The difference at the upper edge of each bin, of that shape; zeros where a side is empty.

    >>> steps_of([[10, 10, 0]], [[0, 10, 10]]).tolist()
    [[-0.5, -0.5, 0.0]]
    """
    p, q = rows_of(reference, current)
    return np.asarray(np.cumsum(q - p, axis=-1))


def checked(reference: npt.ArrayLike, current: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return the counts of one pair of distributions, each of shape (1, bins).

    Args:
        reference: counts, shape (bins,), each in [0, 1e140].
        current: counts on the same bins.

    Raises:
        ConfigurationError: where a side is no row of numbers, both differ in length, or a count is
            negative, NaN or too large.

    >>> checked([1, 2], [3, 4])
    (array([[1., 2.]]), array([[3., 4.]]))
    """
    x, y = checked_row("reference", reference), checked_row("current", current)
    for name, row in (("reference", x), ("current", y)):
        wrong = ~((row >= 0.0) & (row <= LARGEST_COUNT))
        if wrong.any():
            raise ConfigurationError(
                f"{name} holds {row[wrong][0]}: give counts from 0 to {LARGEST_COUNT:g}."
            )
    if x.size != y.size:
        raise ConfigurationError(
            f"current has {y.size} bins, reference {x.size}: count both on the same bins."
        )
    return x[None, :], y[None, :]


def checked_row(name: str, values: npt.ArrayLike) -> FloatArray:
    """Return one row of numbers, shape (n,).

    Args:
        name: of the argument, for the message.
        values: what was given.

    Raises:
        ConfigurationError: where it is no row, or not of numbers.
    """
    try:
        row = np.asarray(values)
    except ValueError:  # lists of different lengths
        row = np.empty((0, 0))
    if row.dtype.kind not in "biuf":
        raise ConfigurationError(f"{name} is {shown(values)}: give one number a bin.")
    if row.ndim != 1:
        raise ConfigurationError(
            f"{name} is {shown(values)}, of shape {row.shape}: give one row of numbers."
        )
    return row.astype(np.float64)


def checked_smoothing(smoothing: float) -> float:
    """Return a pseudo-count.

    Raises:
        ConfigurationError: where it is no number of 0 or more.
    """
    return number("smoothing", smoothing, least=0.0, most=LARGEST_COUNT)
