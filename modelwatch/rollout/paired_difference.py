"""The difference of two versions on the same rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from modelwatch.sketches import JointMoments

__all__ = ["PairedDifference"]


class PairedDifference(NamedTuple):
    """Second version less first, row by row.

    Attributes:
        rows: rows where both are known.
        mean: their mean difference; NaN without rows.
        variance: variance of one row's difference; NaN below two rows.
    """

    rows: int
    mean: float
    variance: float

    @classmethod
    def of(cls, joint: JointMoments, first: int, second: int, unit: float) -> PairedDifference:
        """Return that of two terms whose joint moments are known.

        Args:
            joint: the moments.
            first: place of the first version's term.
            second: of the second's.
            unit: by which the terms are multiplied.
        """
        if not joint.n:
            return cls(0, np.nan, np.nan)
        mean = float(joint.mean_offset[second] - joint.mean_offset[first]) * unit
        m2 = joint.m2[first, first] + joint.m2[second, second] - 2 * joint.m2[first, second]
        variance = max(float(m2), 0.0) * unit**2 / (joint.n - 1) if joint.n > 1 else np.nan
        return cls(joint.n, mean, variance)

    @classmethod
    def of_counts(cls, rows: int, only_first: int, only_second: int) -> PairedDifference:
        """Return that of rows that are 1 or 0, as right or wrong.

        Args:
            rows: all of them.
            only_first: those that are 1 of the first version alone.
            only_second: of the second alone.

        >>> PairedDifference.of_counts(10, 1, 3).mean
        0.2
        """
        if not rows:
            return cls(0, np.nan, np.nan)
        mean = (only_second - only_first) / rows
        squares = only_first + only_second - rows * mean**2
        return cls(rows, mean, squares / (rows - 1) if rows > 1 else np.nan)
