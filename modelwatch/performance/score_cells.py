"""Counts and sums of one class's scores, by bin and by what else is known of the row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from modelwatch import document
from modelwatch.document import Body
from modelwatch.errors import FormatError, ProfileMismatch

__all__ = ["ScoreCells", "merge_cells", "read_cells"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

ROUNDING = 1e-9
"""By which a document's sums may lie outside what its counts and bins allow, relative."""


class ScoreCells:
    """How many scores, and their sum, in each of some states and each bin of [0, 1].

    Bins are [0, e0], (e0, e1], ... (ek, 1]. Sums are kept from each bin's lower edge, so that a
    bin's mean score is exact to its own width. Memory: 16 bytes a state and bin. Merging adds.
    Not thread-safe.

    Args:
        bin_edges: interior edges, strictly increasing, inside (0, 1), shape (k,).
        states: how many states a row may be in, 1 or more.
        counts: shape (states, k + 1); zeros where None.
        offset_sums: sums of score - lower edge, same shape; zeros where None.

    Raises:
        ProfileMismatch: where edges or shapes are not so.

    >>> cells = ScoreCells(np.array([0.5]), 1)
    >>> cells.update(np.array([0.25, 0.75, 1.0]), np.array([0, 0, 0]))
    >>> cells.counts.tolist(), cells.mean_scores.tolist()
    ([[1, 2]], [[0.25, 0.875]])
    """

    __slots__ = ("bin_edges", "counts", "offset_sums")

    def __init__(
        self,
        bin_edges: FloatArray,
        states: int,
        *,
        counts: IntArray | None = None,
        offset_sums: FloatArray | None = None,
    ) -> None:
        self.bin_edges: FloatArray = np.asarray(bin_edges, dtype=np.float64)
        closed = np.concatenate([[0.0], self.bin_edges, [1.0]])
        if not np.all(np.diff(closed) > 0):
            raise ProfileMismatch("bin_edges of scores must increase strictly, inside (0, 1).")
        shape = (states, self.bin_edges.size + 1)
        self.counts: IntArray = np.zeros(shape, np.int64) if counts is None else counts
        self.offset_sums: FloatArray = np.zeros(shape) if offset_sums is None else offset_sums
        if self.counts.shape != shape or self.offset_sums.shape != shape:
            raise ProfileMismatch(
                f"{states} states of {shape[1]} bins need cells of that shape, got "
                f"{self.counts.shape} and {self.offset_sums.shape}."
            )

    @property
    def lower_edges(self) -> FloatArray:
        """Where each bin begins, shape (bins,)."""
        return np.concatenate([[0.0], self.bin_edges])

    @property
    def widths(self) -> FloatArray:
        """How wide each bin is, shape (bins,)."""
        return np.diff(self.lower_edges, append=1.0)

    @property
    def mean_offsets(self) -> FloatArray:
        """Mean of score - lower edge, shape (states, bins); 0.0 where a cell is empty."""
        return self.offset_sums / np.maximum(self.counts, 1)

    @property
    def mean_scores(self) -> FloatArray:
        """Mean score, shape (states, bins); the lower edge where a cell is empty."""
        return self.lower_edges + self.mean_offsets

    def update(self, scores: FloatArray, states: npt.NDArray[np.intp]) -> None:
        """Count scores, shape (n,), all in [0, 1], each in the state of its row, shape (n,)."""
        bins = np.searchsorted(self.bin_edges, scores, side="left")
        cells = bins + states * self.counts.shape[1]
        size = self.counts.size
        offsets = scores - self.lower_edges[bins]
        self.counts = self.counts + np.bincount(cells, minlength=size).reshape(self.counts.shape)
        sums = np.bincount(cells, weights=offsets, minlength=size)
        self.offset_sums = self.offset_sums + sums.reshape(self.counts.shape)

    def merge(self, other: ScoreCells) -> ScoreCells:
        """Return the cells of both.

        Raises:
            ProfileMismatch: where the bins or states differ.
        """
        same_shape = self.counts.shape == other.counts.shape
        if not same_shape or not np.array_equal(self.bin_edges, other.bin_edges):
            raise ProfileMismatch(
                f"scores counted on different bins ({self.counts.shape} and {other.counts.shape})"
                " cannot be merged: summarise both on the bins of one baseline."
            )
        return ScoreCells(
            self.bin_edges,
            self.counts.shape[0],
            counts=self.counts + other.counts,
            offset_sums=self.offset_sums + other.offset_sums,
        )

    def without(self, part: ScoreCells) -> ScoreCells:
        """Return the cells of the rest, of which `merge` with the part would give these.

        Raises:
            ProfileMismatch: where the bins or states differ, or a cell of the part holds more.
        """
        same_shape = self.counts.shape == part.counts.shape
        if not same_shape or not np.array_equal(self.bin_edges, part.bin_edges):
            raise ProfileMismatch("scores counted on different bins cannot be taken away.")
        counts = self.counts - part.counts
        if counts.min() < 0:
            raise ProfileMismatch("scores cannot be taken away that were never counted.")
        sums = np.clip(self.offset_sums - part.offset_sums, 0.0, counts * self.widths)
        return ScoreCells(self.bin_edges, counts.shape[0], counts=counts, offset_sums=sums)

    def over_pairs(self) -> ScoreCells:
        """Return the cells with each two neighbouring states put together: half as many."""
        states = self.counts.shape[0] // 2
        counts, sums = self.counts, self.offset_sums
        return ScoreCells(
            self.bin_edges,
            states,
            counts=counts[0::2] + counts[1::2],
            offset_sums=sums[0::2] + sums[1::2],
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values: of the cells, those that are not empty."""
        used = np.flatnonzero(self.counts)
        return {
            "bin_edges": self.bin_edges.tolist(),
            "cells": used.tolist(),
            "counts": self.counts.flat[used].tolist(),
            "offset_sums": self.offset_sums.flat[used].tolist(),
        }

    @classmethod
    def from_dict(cls, body: Body, *, states: int) -> ScoreCells:
        """Read plain values.

        Raises:
            FormatError: where a field is absent, of a wrong type, or contradicts another.
            ProfileMismatch: where the edges are none.
        """
        result = cls(document.numbers(body, "bin_edges"), states)
        at = np.array(document.counts(body, "cells"), dtype=np.int64)
        counts = np.array(document.counts(body, "counts"), dtype=np.int64)
        sums = document.numbers(body, "offset_sums")
        if not at.size == counts.size == sums.size == np.unique(at).size:
            raise FormatError("cells, counts and offset_sums do not belong together")
        if at.size and at.max() >= result.counts.size:
            raise FormatError(f"cell {at.max()} is beyond the last, {result.counts.size - 1}")
        result.counts.flat[at] = counts
        result.offset_sums.flat[at] = sums
        most = result.counts * result.widths * (1 + ROUNDING)
        if np.any(result.offset_sums < 0) or np.any(result.offset_sums > most):
            raise FormatError("offset_sums lie outside of their bins")
        return result


def merge_cells(
    mine: Mapping[str, ScoreCells], theirs: Mapping[str, ScoreCells]
) -> dict[str, ScoreCells]:
    """Return the cells of both, class by class.

    Raises:
        ProfileMismatch: where classes or bins differ.
    """
    if tuple(mine) != tuple(theirs):
        raise ProfileMismatch(f"scores of classes {tuple(mine)} and {tuple(theirs)} differ.")
    return {name: mine[name].merge(theirs[name]) for name in mine}


def read_cells(body: Body, *, states: int) -> dict[str, ScoreCells]:
    """Read the cells of all classes.

    Raises:
        FormatError: where they are damaged.
    """
    classes = document.texts(body, "classes")
    cells = document.objects(body, "cells")
    if len(cells) != len(classes):
        document.refuse(body, "cells", f"the cells of {len(classes)} classes")
    return {
        name: ScoreCells.from_dict(part, states=states)
        for name, part in zip(classes, cells, strict=True)
    }
