"""Captured rows that are folded together, and their columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

from modelwatch.capture.buffer import CLEAN, RowEntry
from modelwatch.capture.outputs import Failure
from modelwatch.capture.plain_values import Column
from modelwatch.capture.plan import CapturePlan
from modelwatch.tables.columns import (
    ABSENT,
)

__all__ = ["RowGroup", "alike", "input_columns"]


class RowGroup(NamedTuple):
    """Rows that were read by one plan, all clean or none, all answered or none."""

    plan: CapturePlan
    is_clean: bool
    is_failed: bool
    values: Sequence[Any]
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


def input_columns(group: RowGroup) -> dict[str, Column]:
    """Return the raw columns of any rows; those of extra features come last."""
    columns: dict[str, Column] = {}
    plan, values = group.plan, group.values
    if group.is_clean and plan.layout is not None:
        values = plan.layout.values(values)
    if plan.size:
        columns = dict(zip(plan.reader.names, _columns(values, plan.size), strict=True))
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


def _group(
    plan: CapturePlan, is_clean: bool, is_failed: bool, entries: Sequence[RowEntry]
) -> RowGroup:
    _, values, notes, outputs, durations = _columns(entries, 5)
    extras = () if is_clean else notes
    return RowGroup(plan, is_clean, is_failed, values, extras, outputs, durations)
