"""Whether rows come in the order of time, and how to bring them into it."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Mapping

import numpy as np
import numpy.typing as npt

from modelwatch.errors import DataError, SchemaError
from modelwatch.tables.batches import Batches
from modelwatch.tables.columns import categorical_column, numeric_column
from modelwatch.tables.compact_columns import RawColumn, concatenated, taken
from modelwatch.tables.times import unix_seconds
from modelwatch.tables.value_kinds import KindCounts

__all__ = ["Grouping", "TimeOrder", "in_memory", "say_sorted_by", "sorted_by_time"]

MAX_SORTED_ROWS = 2_000_000
"""A stream of at most so many rows is taken into memory where it has to be sorted."""

FloatArray = npt.NDArray[np.float64]

_logger = logging.getLogger("modelwatch")


class TimeOrder:
    """Watches whether a timestamp column increases from batch to batch.

    Attributes:
        broken: whether a time was before the one of an earlier row.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.broken = False
        self._rows = 0
        self._last = -np.inf

    def update(self, times: RawColumn) -> None:
        """Take in the next rows.

        Raises:
            SchemaError: where a row has no time.
        """
        numbers = seconds_of(times, self.name, self._rows)
        self.broken = self.broken or bool(np.any(np.diff(numbers, prepend=self._last) < 0))
        self._rows += numbers.size
        self._last = float(numbers[-1])


class Grouping:
    """Watches whether rows are sorted by a column: classes all together, or numbers in order.

    >>> for values in (["a", "a", "b"], ["a", "b", "a"], [1.0, 2.0, 2.0], [0.3, 0.1, 0.2]):
    ...     grouping = Grouping()
    ...     grouping.update(values)
    ...     grouping.holds
    True
    False
    True
    False
    """

    def __init__(self) -> None:
        self._numeric = False
        self._steps = {-1.0: False, 0.0: False, 1.0: False}
        self._previous: float | None = None
        self._classes = Classes()

    def update(self, values: RawColumn) -> None:
        """Take in the next rows, raw."""
        kinds = KindCounts.of(values)
        if not kinds.total:
            return
        if not kinds.is_categorical:
            self._numeric = True
            numbers = numeric_column(values).finite
            if self._previous is not None:
                numbers = np.concatenate([[self._previous], numbers])
            for sign in np.unique(np.sign(np.diff(numbers))).tolist():
                self._steps[sign] = True
            self._previous = float(numbers[-1]) if numbers.size else self._previous
        else:
            column = categorical_column(values)
            places = {key: place for place, key in enumerate(column.counts)}
            names: list[Hashable] = [*places, None]
            self._classes.update(column.codes(places, 0), names)

    @property
    def holds(self) -> bool:
        """Whether they are; False where all values are equal."""
        if self._numeric:
            return self._steps[1.0] != self._steps[-1.0]
        return self._classes.are_grouped


class Classes:
    """Watches whether equal classes stand together."""

    def __init__(self) -> None:
        self._seen: set[Hashable] = set()
        self._last: Hashable = ...
        self._scattered = False

    def update(self, codes: npt.NDArray[np.intp], names: list[Hashable] | None = None) -> None:
        """Take in the next rows.

        Args:
            codes: a class each; -1 is the last of the names, or passed over without names.
            names: what the codes stand for; themselves where None.
        """
        if self._scattered:
            return
        if names is None:
            codes = codes[codes >= 0]
        if not codes.size:
            return
        starts = np.flatnonzero(np.diff(codes, prepend=codes[0] - 1))
        if starts.size > codes.max() + 2:  # more runs than there are classes
            self._scattered = True
            return
        for code in codes[starts].tolist():
            name = code if names is None else names[code]
            if name != self._last and name in self._seen:
                self._scattered = True
            self._seen.add(name)
            self._last = name

    @property
    def are_grouped(self) -> bool:
        """Whether there are several classes, each in one run of rows."""
        return not self._scattered and len(self._seen) > 1


def say_sorted_by(name: str) -> None:
    """Log that rows sorted by a column tell nothing of time, and the remedy."""
    _logger.warning(
        "the rows are sorted by %r, so that their order says nothing of how features vary in time: "
        "give Baseline.fit a timestamp column (timestamp=%r if that is it), or the rows in the "
        "order in which they came.",
        name,
        name,
    )


def sorted_by_time(columns: Mapping[str, RawColumn], name: str) -> dict[str, RawColumn]:
    """Return the rows of a table in order of time; rows of one time stay as they were.

    Raises:
        SchemaError: where a row has no time.
    """
    times = seconds_of(columns[name], name)
    if not np.any(np.diff(times) < 0):
        return dict(columns)
    order = np.argsort(times, kind="stable")
    return {name: taken(values, order) for name, values in columns.items()}


def in_memory(batches: Batches, timestamp: str) -> dict[str, RawColumn]:
    """Return all rows of a stream as one table, so that they can be sorted.

    Raises:
        DataError: where there are too many.
    """
    parts: list[dict[str, RawColumn]] = []
    rows = 0
    for batch in batches.read(lambda share: None):
        rows += batch.rows
        if rows > MAX_SORTED_ROWS:
            raise DataError(
                f"the rows are not in the order of {timestamp!r}, and more than the "
                f"{MAX_SORTED_ROWS:,} that are sorted in memory: sort the data by that column, or "
                "fit on a part of it."
            )
        parts.append(batch.columns)
    return {name: concatenated([part[name] for part in parts]) for name in parts[0]}


def seconds_of(times: RawColumn, name: str, first_row: int = 0) -> FloatArray:
    """Return times as numbers; texts are ISO 8601, in UTC where they name no zone.

    Args:
        times: a raw column.
        name: its name, for the message.
        first_row: number of its first row, likewise.

    Raises:
        SchemaError: where a row has no time.
    """
    numbers = unix_seconds(times)
    unusable = np.flatnonzero(np.isnan(numbers))
    if unusable.size:
        raise SchemaError(
            f"timestamp column {name!r} has no time in row {first_row + unusable[0]} "
            f"({unusable.size} in all): give numbers, times or ISO 8601 texts, or drop those rows."
        )
    return numbers
