"""The design effects of one statistic of many features, for a window of each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modelwatch.comparisons.design_effect import DesignEffect, WindowEffect, clustered_tail_each

__all__ = ["WindowEffects"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class WindowEffects:
    """`WindowEffect` of several features: each attribute an array of theirs, shape (features,)."""

    current: FloatArray
    reference: FloatArray
    nu: FloatArray
    blocks: FloatArray
    is_clustered: BoolArray

    @classmethod
    def of(cls, effects: Sequence[WindowEffect]) -> WindowEffects:
        """Return those of the features one by one."""
        columns = [(e.current, e.reference, e.nu, e.blocks) for e in effects]
        current, reference, nu, blocks = np.array(columns).reshape(-1, 4).T
        is_clustered = np.array([effect.is_clustered for effect in effects], np.bool_)
        return cls(current, reference, nu, blocks, is_clustered)

    @classmethod
    def between(
        cls, designs: Sequence[DesignEffect], current_rows: FloatArray, reference_rows: FloatArray
    ) -> WindowEffects:
        """Return what `DesignEffect.between` says of each.

        Args:
            designs: of each feature.
            current_rows: of each, above 0, shape (features,).
            reference_rows: likewise.

        >>> found = WindowEffects.between([DesignEffect()], np.array([100.0]), np.array([400.0]))
        >>> found.noise.tolist()
        [0.0125]
        """
        current, reference = 1 / current_rows, 1 / reference_rows
        nu, blocks = np.full((2, len(designs)), math.inf)
        is_clustered = np.zeros(len(designs), np.bool_)
        for at, design in enumerate(designs):
            if not design.is_flat:
                own = design.between(float(current_rows[at]), float(reference_rows[at]))
                current[at], reference[at] = own.current, own.reference
                nu[at], blocks[at], is_clustered[at] = own.nu, own.blocks, own.is_clustered
        return cls(current, reference, nu, blocks, is_clustered)

    @property
    def noise(self) -> FloatArray:
        """The mean of each statistic, in units of its own, without any change."""
        return self.current + self.reference

    def some(self, chosen: BoolArray) -> WindowEffects:
        """Return those of the features that are chosen."""
        return WindowEffects(
            self.current[chosen],
            self.reference[chosen],
            self.nu[chosen],
            self.blocks[chosen],
            self.is_clustered[chosen],
        )

    def p_values(
        self, independent: FloatArray, ratio: FloatArray, independent_nu: FloatArray | float
    ) -> FloatArray:
        """Return the chance of statistics this large: by `clustered_tail` where rows are clustered.

        Args:
            independent: the chance for independent rows.
            ratio: each statistic over the mean that `noise` gives it, 0 or more.
            independent_nu: degrees of freedom of independent rows, above 0.
        """
        if not self.is_clustered.any():
            return independent
        tails = clustered_tail_each(ratio, np.minimum(self.nu, independent_nu), self.blocks)
        return np.where(self.is_clustered, tails, independent)
