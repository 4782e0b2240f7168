"""Predictions, labels and what they come to as lines of JSON, and back into another store.

Rows are written as they lie in the tables, some hundred a line, each line with the names that its
numbers stand for, so that lines can be taken one by one.
"""

from __future__ import annotations

import base64
import binascii
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from modelwatch import document
from modelwatch.collector.outcomes.counted import NO_KEYS
from modelwatch.collector.outcomes.open_rows import LABEL, model_number
from modelwatch.collector.outcomes.records import PLAIN
from modelwatch.collector.storing.version_numbers import version_number
from modelwatch.errors import FormatError, StoreError

__all__ = ["KIND", "outcome_documents", "take_outcomes"]

KIND: Final = "outcomes"

ROWS_A_LINE: Final = 500

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Table:
    """A table, and its columns in order.

    Attributes:
        name: of the table.
        columns: those that are moved.
        order: in which order rows are read.
    """

    name: str
    columns: tuple[str, ...]
    order: str = ""


_TABLES: Final = (
    _Table("outcome_values", ("version_id", "code", "content")),
    _Table("outcome_counts", ("model_id", "name", "number")),
    _Table("outcome_versions",
           ("version_id", "baseline_id", "counted_prefix", "counted_hash", "stream")),
    _Table("outcome_rates", ("version_id", "day", "lowest", "highest")),
    _Table("outcome_windows",
           ("version_id", "end_ns", "start_ns", "predictions", "labelled", "through")),
    _Table("outcomes",
           ("model_id", "prefix", "hash", "version_id", "at_ns", "layout", "content")),
    _Table("joined_rows", ("version_id", "baseline_id", "layout", "row_count", "content"),
           "ORDER BY number"),
    _Table("outcome_summaries",
           ("version_id", "baseline_id", "segment", "end_ns", "start_ns", "row_count", "content")),
    _Table("concept_changes", ("version_id", "baseline_id", "detected_ns", "content"),
           "ORDER BY number"),
    _Table("outcome_pairs",
           ("first_id", "second_id", "baseline_ids", "counted_prefix", "counted_hash")),
    _Table("pair_rows",
           ("first_id", "second_id", "baseline_ids", "first_layout", "second_layout",
            "row_count", "content"), "ORDER BY number"),
    _Table("pair_summaries",
           ("first_id", "second_id", "baseline_ids", "end_ns", "start_ns", "row_count",
            "content")),
)  # fmt: skip

_VERSIONS: Final = frozenset({"version_id", "first_id", "second_id"})
_LAYOUTS: Final = frozenset({"layout", "first_layout", "second_layout"})

_BY_NAME: Final = {table.name: table for table in _TABLES}


def outcome_documents(connection: sqlite3.Connection) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield all rows there are, some hundred in each document, with their kind."""
    models = connection.execute("SELECT id, model, waiting FROM outcome_models").fetchall()
    if not models:
        return
    progress = connection.execute("SELECT through, expired_before_ns FROM outcome_progress")
    yield KIND, {"table": "outcome_progress", "rows": [list(progress.fetchone())]}
    yield KIND, {"table": "outcome_models", "rows": [[model, n] for _, model, n in models]}
    names = _Names(connection, {number: model for number, model, _ in models})
    for table in _TABLES:
        statement = f"SELECT {', '.join(table.columns)} FROM {table.name} {table.order}"
        found = connection.execute(statement)
        while rows := list(islice(found, ROWS_A_LINE)):
            yield KIND, {"table": table.name, **names.used(table, rows), "rows": _plain(rows)}


class _Names:
    """What numbers in rows stand for."""

    def __init__(self, connection: sqlite3.Connection, models: dict[int, str]) -> None:
        self._models = models
        self._versions = {
            number: [model, version]
            for number, model, version in connection.execute(
                "SELECT id, model, version FROM versions"
            )
        }
        self._layouts = {
            number: [version_id, content]
            for number, version_id, content in connection.execute(
                "SELECT id, version_id, content FROM outcome_layouts"
            )
        }

    def used(self, table: _Table, rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
        """Return the names of the numbers in some rows."""
        models = _numbers(table, rows, frozenset({"model_id"}))
        layouts = {n: self._layouts[n] for n in _numbers(table, rows, _LAYOUTS) if
                   n in self._layouts}  # fmt: skip
        versions = _numbers(table, rows, _VERSIONS) | {one[0] for one in layouts.values()}
        return {
            "models": {n: self._models[n] for n in sorted(models)},
            "versions": {n: self._versions[n] for n in sorted(versions) if n != LABEL},
            "layouts": layouts,
        }


def _numbers(table: _Table, rows: Sequence[Sequence[Any]], columns: frozenset[str]) -> set[int]:
    places = [at for at, column in enumerate(table.columns) if column in columns]
    return {row[at] for row in rows for at in places}


def _plain(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    return [
        [{"base64": base64.b64encode(one).decode()} if isinstance(one, bytes) else one
         for one in row]
        for row in rows
    ]  # fmt: skip


def take_outcomes(connection: sqlite3.Connection, body: Body) -> None:
    """Store what a document holds, in the current transaction.

    Raises:
        FormatError: it is damaged.
        StoreError: the store has such rows already, which would count twice.
    """
    name = document.text(body, "table")
    rows = body.get("rows")
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise FormatError("rows of outcomes are no lists.")
    try:
        if name == "outcome_progress":
            connection.executemany(_PROGRESS, rows)
        elif name == "outcome_models":
            for model, waiting in rows:
                number = model_number(connection, model)
                connection.execute(_WAITING, (waiting, number))
        else:
            _take(connection, _BY_NAME[name], body, rows)
    except sqlite3.IntegrityError as error:
        raise StoreError(
            f"the store holds {name} of the same versions already, which would count twice: "
            "import into a new file."
        ) from error
    except (KeyError, IndexError, ValueError, TypeError, binascii.Error) as error:
        raise FormatError(f"rows of {name!r:.40} are damaged: {error!r}.") from error


_PROGRESS: Final = """
UPDATE outcome_progress SET through = max(through, ?),
    expired_before_ns = max(expired_before_ns, ?)
"""
_WAITING: Final = "UPDATE outcome_models SET waiting = waiting + ? WHERE id = ?"


def _take(connection: sqlite3.Connection, table: _Table, body: Body, rows: list[Any]) -> None:
    versions = {int(n): version_number(connection, *one) for n, one in body["versions"].items()}
    versions[LABEL] = LABEL
    models = {int(n): model_number(connection, one) for n, one in body["models"].items()}
    layouts = {
        int(n): _layout(connection, versions[version_id], content)
        for n, (version_id, content) in body["layouts"].items()
    }
    layouts[PLAIN] = PLAIN
    change: dict[str, Callable[[int], int]] = {
        "model_id": models.__getitem__,
        **dict.fromkeys(_VERSIONS, versions.__getitem__),
        **dict.fromkeys(_LAYOUTS, layouts.__getitem__),
    }
    taken = [_row(table, row, change) for row in rows]
    if table.name in ("outcome_pairs", "pair_rows", "pair_summaries"):
        taken = _in_order(connection, table, taken)
    marks = ", ".join("?" * len(table.columns))
    connection.executemany(
        f"INSERT INTO {table.name} ({', '.join(table.columns)}) VALUES ({marks})",
        taken,
    )


def _row(
    table: _Table, row: Sequence[Any], change: Mapping[str, Callable[[int], int]]
) -> list[Any]:
    values = dict(zip(table.columns, row, strict=True))
    is_label = values.get("version_id") == LABEL  # its kind is in the place of a layout
    return [
        change[column](value)
        if column in change and not (is_label and column == "layout")
        else _value(value)
        for column, value in values.items()
    ]


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        return base64.b64decode(value["base64"], validate=True)
    if isinstance(value, list):
        raise ValueError("a list is no value")
    return value


def _in_order(
    connection: sqlite3.Connection, table: _Table, rows: list[list[Any]]
) -> list[list[Any]]:
    """Return pairs whose versions are still in order; others are to be summed up anew."""
    turned = [row for row in rows if row[0] > row[1]]
    if table.name == "pair_summaries":
        known = set(connection.execute("SELECT first_id, second_id FROM outcome_pairs WHERE"
                                       " baseline_ids <> ''").fetchall())  # fmt: skip
        return [row for row in rows if (min(row[:2]), max(row[:2])) in known]
    if table.name == "outcome_pairs":
        return [[row[1], row[0], "", *NO_KEYS] if row in turned else row for row in rows]
    return [row for row in rows if row not in turned]


def _layout(connection: sqlite3.Connection, version_id: int, content: str) -> int:
    place = (version_id, content)
    connection.execute(
        "INSERT OR IGNORE INTO outcome_layouts (version_id, content) VALUES (?, ?)", place
    )
    found = connection.execute(
        "SELECT id FROM outcome_layouts WHERE version_id = ? AND content = ?", place
    )
    return int(found.fetchone()[0])
