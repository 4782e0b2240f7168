"""Whether all values of a window are multiples of a step, as far as its moments tell."""

from __future__ import annotations

import math

from modelwatch.sketches import Moments

__all__ = ["are_multiples", "ends_are_multiples", "native_step", "sums_are_multiples"]

DECIMALS = tuple(10.0**k for k in range(6, -7, -1))
"""Steps that values are recorded in, from the largest on. Only powers of ten: by chance extremes
and sums of some columns are multiples of twice their step, of ten times hardly any."""

WHOLE = 1e-3
"""How near to a whole number a sum must come."""

DIGITS = 1e-14
"""Relative error of a sum of 64-bit floats, some tens of additions deep."""

ROUNDING_ERROR = 1e-9
"""Relative error of a single value that was scaled and added to."""


def ends_are_multiples(moments: Moments, step: float, offset: float = 0.0) -> bool:
    """Tell whether minimum and maximum are multiples of a step above zero, beyond an offset.

    >>> import numpy as np
    >>> moments = Moments()
    >>> moments.update(np.array([0.5, 1.0, 4.5]))
    >>> ends_are_multiples(moments, 0.5), ends_are_multiples(moments, 1.0)
    (True, False)
    """
    ends = ((moments.minimum - offset) / step, (moments.maximum - offset) / step)
    return all(
        math.isfinite(end) and abs(end - round(end)) <= ROUNDING_ERROR * max(abs(end), 1.0)
        for end in ends
    )


def sums_are_multiples(moments: Moments, step: float, offset: float = 0.0) -> bool | None:
    """Tell whether the sums of values and of squares are whole in units of a step.

    Values that are not would have whole sums by a chance of some 4 in a million. The sum of squares
    is asked only where its digits suffice.

    Args:
        moments: of a window with one value or more.
        step: above zero.
        offset: subtracted from each value first.

    Returns:
        None where even the sum's digits do not suffice.

    >>> import numpy as np
    >>> moments = Moments()
    >>> moments.update(np.array([0.5, 1.5]))
    >>> sums_are_multiples(moments, 0.5), sums_are_multiples(moments, 1.0)
    (True, False)
    """
    n, mean = moments.n, (moments.mean - offset) / step
    largest = max(map(abs, (moments.minimum, moments.maximum, moments.shift, offset))) / step
    if not n * largest * DIGITS <= WHOLE / 10:
        return None
    if abs(n * mean - round(n * mean)) > WHOLE:
        return False
    if n * largest * largest * DIGITS > WHOLE / 10:
        return True
    squares = moments.m2 / step**2 + n * mean * mean
    return abs(squares - round(squares)) <= WHOLE


def are_multiples(moments: Moments, step: float, offset: float = 0.0) -> bool:
    """Tell whether all that is known of a window speaks for multiples of a step."""
    return (
        ends_are_multiples(moments, step, offset)
        and sums_are_multiples(moments, step, offset) is True
    )


def native_step(moments: Moments) -> float | None:
    """Return the largest power of ten that all values are multiples of; None where there is none.

    >>> import numpy as np
    >>> moments = Moments()
    >>> moments.update(np.array([0.5, 1.5, 7.0]))
    >>> native_step(moments)
    0.1
    """
    width = moments.maximum - moments.minimum
    return next((step for step in DECIMALS if step <= width and are_multiples(moments, step)), None)
