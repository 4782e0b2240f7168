"""The audit: two tables in, which features differ, how often and how, out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

import numpy as np

from modelwatch.errors import ConfigurationError, SchemaError
from modelwatch.parameter_checks import instance, shown, text, whole
from modelwatch.skew.comparing import FeatureRows, compare_feature
from modelwatch.skew.history import History
from modelwatch.skew.join import Join, code_together, join, near_name
from modelwatch.skew.kinds.swapping import Samples
from modelwatch.skew.report import FeatureSkew, SkewReport
from modelwatch.skew.shelf import Shelf, open_shelf
from modelwatch.skew.tolerance import Tolerance
from modelwatch.skew.types import alike
from modelwatch.skew.values import Column, read_column
from modelwatch.tables.batches import Progress, Steps

__all__ = ["audit"]

Names = str | Sequence[str]

PANDAS_INDEX: Final = "__index_level_"
"""How the columns begin in which pandas writes the index of a frame into a file."""

SAMPLED_ROWS: Final = 8_192
"""Pairs of every feature by which swapped columns are found."""


def audit(
    served: object,
    recomputed: object,
    key: Names = "id",
    *,
    features: Names | None = None,
    ignore: Names = (),
    tolerance: Tolerance | None = None,
    entity: Names = (),
    time: str | None = None,
    examples: int = 3,
    progress: Progress | None = None,
) -> SkewReport:
    """Compare served features with those that the training pipeline recomputes, row by row.

    Rows are matched by key; keys that come more than once on a side are counted and left out.
    Columns are compared one at a time. A file is copied by columns into a temporary folder
    meanwhile. Memory: while a file is read, a batch of rows and its distinct texts; then the keys
    and two columns.

    Args:
        served: what the service had: a CSV, Parquet or Arrow file, a pandas or polars frame, a
            pyarrow table, a mapping of column name to values, or a list of mappings.
        recomputed: what training makes of the same rows, likewise.
        key: the column, or columns, that name a row.
        features: columns to compare, `*` and `?` as wildcards; None for all of both tables.
        ignore: columns to leave out, likewise.
        tolerance: which numbers count as equal; None for `Tolerance()`.
        entity: columns that name whom a row is about, to find values that are stale or counted over
            another time; with `time`.
        time: the column of the time that a row is about, likewise.
        examples: unequal rows to give of each feature, 0 or more.
        progress: is told which share of the work is done, in [0, 1].

    Raises:
        ConfigurationError: where an argument cannot work.
        SchemaError: where a column that is asked for is absent.
        DataError: where a file cannot be read, or no key is in both.

    >>> report = audit({"id": [1, 2], "km": [1.0, 2.0]}, {"id": [2, 1], "km": [2.0, 1.5]})
    >>> report.features["km"].share, report.failing()
    (0.5, ('km',))
    """
    keys = _names("key", key)
    if not keys:
        raise ConfigurationError("key is empty: name the column that tells rows apart.")
    wanted = None if features is None else _names("features", features)
    left_out, entities = _names("ignore", ignore), _names("entity", entity)
    if entities and time is None:
        raise ConfigurationError("entity is given without time: name the column of the time too.")
    bounds = (
        Tolerance()
        if tolerance is None
        else instance(
            "tolerance", tolerance, Tolerance, "give a Tolerance, as Tolerance(relative=0.01)"
        )
    )
    most = whole("examples", examples, 0)
    steps = Steps(progress, 3)
    with open_shelf(served, steps.start()) as ours, open_shelf(recomputed, steps.start()) as theirs:
        pairs = join(ours, theirs, keys)
        work = _Work(ours, theirs, pairs)
        names = _Columns.of(ours, theirs, keys, wanted, left_out)
        history = work.history(entities, time)
        found = _compared(work, names.both, history, bounds, most, steps.start())
    return SkewReport(
        key=keys,
        rows=pairs.rows,
        served=pairs.served,
        recomputed=pairs.recomputed,
        features={one.name: one for one in sorted(found, key=lambda one: -one.share)},
        only_served=names.only_served,
        only_recomputed=names.only_recomputed,
        notes=pairs.notes,
        tolerance=bounds,
    )


class _Work:
    """Columns of both tables, pair by pair."""

    def __init__(self, served: Shelf, recomputed: Shelf, pairs: Join) -> None:
        self._served, self._recomputed = served, recomputed
        self.pairs = pairs

    def served(self, name: str) -> Column:
        return _taken(self._served.column(name), self.pairs.served_rows)

    def recomputed(self, name: str) -> Column:
        return _taken(self._recomputed.column(name), self.pairs.recomputed_rows)

    def history(self, entity: Sequence[str], time: str | None) -> History:
        """Return which pairs are near each other, in time too where its column is named."""
        if time is None:
            return History(self.pairs.recomputed_rows)
        column = _as_time(time, self._either("time", time))
        codes = None
        for name in entity:
            own, _, _ = code_together(self._either("entity", name), _nothing(), name)
            codes = own if codes is None else _both(codes, own)
        return History(self.pairs.recomputed_rows, codes, column.data, column.missing)

    def samples(self, names: Sequence[str]) -> Samples:
        """Return the same few pairs of every feature."""
        rows = np.arange(self.pairs.rows)
        if rows.size > SAMPLED_ROWS:
            rows = np.linspace(0, rows.size - 1, SAMPLED_ROWS).astype(np.intp)
        served = {name: _small(self.served(name).take(rows)) for name in names}
        recomputed = {name: _small(self.recomputed(name).take(rows)) for name in names}
        return Samples(rows, served, recomputed, self.recomputed)

    def _either(self, argument: str, name: str) -> Column:
        if name in self._recomputed.names:
            return self.recomputed(name)
        if name in self._served.names:
            return self.served(name)
        raise SchemaError(
            f"there is no {argument} column {name!r}: {near_name(name, self._recomputed.names)}"
        )


class _Columns:
    """Which columns are compared, and which are on one side only."""

    def __init__(
        self, both: list[str], served: tuple[str, ...], recomputed: tuple[str, ...]
    ) -> None:
        self.both, self.only_served, self.only_recomputed = both, served, recomputed

    @classmethod
    def of(
        cls,
        served: Shelf,
        recomputed: Shelf,
        keys: Sequence[str],
        wanted: Sequence[str] | None,
        ignored: Sequence[str],
    ) -> _Columns:
        known = list(dict.fromkeys([*served.names, *recomputed.names]))
        for pattern in wanted or ():
            if not any(fnmatchcase(name, pattern) for name in known):
                raise SchemaError(
                    f"there is no feature {pattern!r} in either table: {near_name(pattern, known)}"
                )
        chosen = [
            name
            for name in known
            if name not in keys
            and not name.startswith(PANDAS_INDEX)
            and (wanted is None or any(fnmatchcase(name, one) for one in wanted))
            and not any(fnmatchcase(name, one) for one in ignored)
        ]
        return cls(
            [name for name in chosen if name in served.names and name in recomputed.names],
            tuple(name for name in chosen if name not in recomputed.names),
            tuple(name for name in chosen if name not in served.names),
        )


def _compared(
    work: _Work,
    names: Sequence[str],
    history: History,
    tolerance: Tolerance,
    examples: int,
    report: Callable[[float], None],
) -> list[FeatureSkew]:
    samples = work.samples(names)
    found = []
    for done, name in enumerate(names, start=1):
        rows = FeatureRows(
            name=name,
            served=work.served(name),
            recomputed=work.recomputed(name),
            tolerance=tolerance,
            history=history,
            samples=samples,
            key_of=work.pairs.key_of,
            examples=examples,
        )
        found.append(compare_feature(rows))
        report(done / len(names))
    return found


def _names(argument: str, value: Names) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, Sequence):
        raise ConfigurationError(f"{argument} is {shown(value)}: give a name or a list of names.")
    return tuple(text(argument, name, "the name of a column") for name in names)


def _taken(column: Column, rows: Any) -> Column:
    is_all = rows.size == len(column) and bool((rows == np.arange(rows.size)).all())
    return column if is_all else column.take(rows)


def _small(column: Column) -> Column:
    """Return a column that knows no more texts than it has rows."""
    return read_column(column.values()) if column.kind == "text" else column


def _nothing() -> Column:
    return Column("empty", np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool))


def _both(one: Any, other: Any) -> Any:
    _, codes = np.unique(np.stack([one, other]), axis=1, return_inverse=True)
    return np.where((one < 0) | (other < 0), -1, codes.reshape(-1)).astype(np.int64)


def _as_time(name: str, column: Column) -> Column:
    """Return a column of times, of numbers (Unix seconds, or finer), or of texts, as times."""
    example = read_column(np.zeros(1, dtype="M8[us]"))
    found = column if column.kind in ("time", "empty") else alike(column, example)[0]
    if found.kind != "time" or found.missing.all():
        raise SchemaError(f"column {name!r} holds no times that can be read: name another as time.")
    return found
