"""One feature's rows, as the rules see them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from modelwatch.lazy import cached_property
from modelwatch.skew.tolerance import Tolerance, equal_values
from modelwatch.skew.values import Column, Mask, Rows

__all__ = ["Case", "Neighbours"]

FloatArray = npt.NDArray[np.float64]

LEAST_FIT, MOST_FIT = 2e-6, 1e-2
"""Bounds of the relative error that a fit may leave, whatever counts as equal."""


class Neighbours(Protocol):
    """The rows that are near a row: in the file's order, and in the order of time of an entity."""

    @property
    def recomputed_order(self) -> Rows:
        """All pairs in the order of the recomputed table."""

    def previous(self, rows: Rows, steps: int) -> Rows:
        """Return each row's predecessor of the same entity, -1 where there is none."""

    def earlier(self, rows: Rows, lag: int) -> Rows:
        """Return the row of the same entity exactly `lag` microseconds before; -1 without one."""

    def lags(self, rows: Rows) -> list[int]:
        """Return the spans of time between rows of one entity, the most frequent first."""


@dataclass(frozen=True)
class Case:
    """A feature of which some rows are unequal.

    Attributes:
        served: all pairs' served values.
        recomputed: likewise, of the same kind.
        rows: the unequal pairs that are asked about, ascending.
        unequal: which of all pairs are unequal.
        tolerance: with the feature's absolute bound.
        is_served_changed: whether `served` is what the service had; False in a reversed case.
        has_history: whether entities and times are known.
        neighbours: tells which rows are near a row.
    """

    served: Column
    recomputed: Column
    rows: Rows
    unequal: Mask
    tolerance: Tolerance
    neighbours: Neighbours
    has_history: bool = False
    is_served_changed: bool = True

    def at(self, rows: Rows) -> Case:
        """Return the case asked about other rows."""
        return replace(self, rows=rows)

    @cached_property
    def reversed(self) -> Case:
        """The case with the sides changed: what training did to served values."""
        return replace(
            self,
            served=self.recomputed,
            recomputed=self.served,
            is_served_changed=not self.is_served_changed,
        )

    @property
    def kind(self) -> str:
        """Of which kind the values are."""
        return self.served.kind if self.served.kind != "empty" else self.recomputed.kind

    @cached_property
    def s(self) -> FloatArray:
        """The served numbers (times: microseconds) asked about."""
        return self.served.data[self.rows].astype(np.float64)

    @cached_property
    def r(self) -> FloatArray:
        """The recomputed ones."""
        return self.recomputed.data[self.rows].astype(np.float64)

    @cached_property
    def distinct_r(self) -> int:
        """How many different recomputed values there are among the rows asked about."""
        return int(np.unique(self.recomputed.data[self.rows]).size)

    @cached_property
    def distinct_s(self) -> int:
        """Likewise, of served values."""
        return int(np.unique(self.served.data[self.rows]).size)

    @cached_property
    def all_r(self) -> FloatArray:
        """All recomputed numbers that are there and finite."""
        there = self.recomputed.data[~self.recomputed.missing].astype(np.float64)
        return there[np.isfinite(there)]

    @cached_property
    def relative(self) -> float:
        """The relative error that a fit may leave."""
        return min(max(self.tolerance.relative, LEAST_FIT), MOST_FIT)

    def fits(self, model: FloatArray, magnitude: FloatArray | None = None) -> Mask:
        """Tell where a model of the served values leaves next to nothing of the difference.

        Args:
            model: what the served values should be.
            magnitude: of what the model was made, where it may be larger than what came of it.
        """
        with np.errstate(invalid="ignore", over="ignore"):
            largest = np.maximum(np.abs(self.s), np.abs(model))
            if magnitude is not None:
                largest = np.maximum(largest, np.abs(magnitude))
            bound = self.relative * largest + (self.tolerance.absolute or 0.0)
            bound = np.minimum(bound, 0.05 * np.abs(self.s - self.r))
            return np.asarray((np.abs(self.s - model) <= bound) & np.isfinite(bound))

    def equals(self, rows: Rows) -> Mask:
        """Tell which served values asked about equal the recomputed ones of other rows.

        Args:
            rows: one for each row asked about; -1 equals nothing.
        """
        same = equal_values(self.served.take(self.rows), self.recomputed.take(rows), self.tolerance)
        return np.asarray(same & (rows >= 0))

    def is_chance(self, share: float) -> bool:
        """Tell whether rows drawn at random agree nearly as often, as with few distinct values."""
        drawn = np.random.default_rng(0).integers(0, len(self.recomputed), self.rows.size)
        return float(self.equals(drawn).mean()) > share / 2
