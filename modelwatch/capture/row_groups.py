"""Captured rows that are folded together, and their columns."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from modelwatch.capture.buffer import CLEAN, RowEntry
from modelwatch.capture.outputs import Failure
from modelwatch.capture.plain_values import Column
from modelwatch.capture.plan import CapturePlan
from modelwatch.tables.columns import (
    ABSENT,
    CategoricalColumn,
    MissingReason,
    NumericColumn,
)

__all__ = ["RowGroup", "alike", "clean_columns", "input_columns"]


class RowGroup(NamedTuple):
    """Rows that were read by one plan, all clean or none, all answered or none."""

    plan: CapturePlan
    is_clean: bool
    is_failed: bool
    values: Sequence[tuple[Any, ...]]
    extras: Sequence[Mapping[str, Any] | tuple[()] | None]
    outputs: Sequence[Any]
    durations: Sequence[float]

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.values)


def alike(entries: Sequence[RowEntry], plans: Mapping[int, CapturePlan]) -> Iterable[RowGroup]:
    """Put rows into groups; most often all are alike, which costs little to see.

    Args:
        entries: the rows.
        plans: by their number; rows of others are left out.
    """
    numbers, values, notes, outputs, durations = _columns(entries, 5)
    is_one = numbers.count(numbers[0]) == len(numbers) and Failure not in set(map(type, outputs))
    if is_one and notes.count(CLEAN) == len(notes) and numbers[0] in plans:
        return [RowGroup(plans[numbers[0]], True, False, values, (), outputs, durations)]
    groups: dict[tuple[int, bool, bool], list[RowEntry]] = {}
    for entry in entries:
        kind = (entry[0], entry[2] is CLEAN, type(entry[3]) is Failure)
        groups.setdefault(kind, []).append(entry)
    return [
        _group(plans[number], is_clean, is_failed, part)
        for (number, is_clean, is_failed), part in groups.items()
        if number in plans
    ]


def clean_columns(group: RowGroup) -> dict[str, Column]:
    """Return the columns of rows that have passed the checks of their plan's baseline.

    All numbers are then numbers within their limits, all categories known ones, and what is missing
    is null or NaN, so that they can be converted without a look at each.
    """
    plan = group.plan
    columns: list[Any] = _columns(group.values, plan.size)
    block = _numbers([columns[place] for place in plan.numbers], group.rows)
    gaps = np.isnan(np.add.reduce(block, axis=1)).tolist()
    for place, array, has_gaps in zip(plan.numbers, block, gaps, strict=True):
        missing = _missing(columns[place], array) if has_gaps else {}
        columns[place] = NumericColumn(array, missing)
    for place in plan.texts:
        columns[place] = CategoricalColumn(columns[place], {})
    return dict(zip(plan.reader.names, columns, strict=True))


def input_columns(group: RowGroup) -> dict[str, Column]:
    """Return the raw columns of any rows; those of extra features come last."""
    columns: dict[str, Column] = {}
    if group.plan.size:
        by_feature = _columns(group.values, group.plan.size)
        columns = dict(zip(group.plan.reader.names, by_feature, strict=True))
    extras: list[Mapping[str, Any]] = [extra or {} for extra in group.extras]
    for name in dict.fromkeys(name for extra in extras for name in extra):
        columns[name] = [extra.get(name, ABSENT) for extra in extras]
    return columns


def _columns(rows: Sequence[Sequence[Any]], width: int) -> list[list[Any]]:
    """Return the columns of rows of one width.

    `zip` would make an iterator for each row, thousands of objects that wake the garbage collector.
    """
    flat = list(chain.from_iterable(rows))
    return [flat[place::width] for place in range(width)]


def _numbers(columns: Sequence[Sequence[Any]], rows: int) -> npt.NDArray[np.float64]:
    """Return columns of numbers and None as an array, NaN where there is none.

    Packing takes half the time of numpy's own conversion, but does not know None.
    """
    block = np.empty((len(columns), rows))
    pack = struct.Struct(f"{rows}d").pack_into
    for array, column in zip(block, columns, strict=True):
        try:
            pack(array.data, 0, *column)
        except struct.error:
            array[:] = column
    return block


def _group(
    plan: CapturePlan, is_clean: bool, is_failed: bool, entries: Sequence[RowEntry]
) -> RowGroup:
    _, values, notes, outputs, durations = _columns(entries, 5)
    extras = () if is_clean else notes
    return RowGroup(plan, is_clean, is_failed, values, extras, outputs, durations)


def _missing(column: Sequence[Any], array: np.ndarray[Any, Any]) -> dict[MissingReason, int]:
    nulls = column.count(None)
    nans = int(np.isnan(array).sum()) - nulls
    found: dict[MissingReason, int] = {"null": nulls, "nan": nans}
    return {reason: count for reason, count in found.items() if count}
