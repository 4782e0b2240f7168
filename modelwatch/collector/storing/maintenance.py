"""What is done to a store's file by hand: checked, copied, made smaller."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from modelwatch.collector.outcomes.checking import OUTCOME_TABLES, outcome_problems
from modelwatch.collector.storing import schema
from modelwatch.collector.storing.arrival_rows import ARRIVAL_COLUMNS, read_arrival
from modelwatch.collector.storing.evaluation_summary import EvaluationSummary
from modelwatch.collector.storing.merged_rows import MERGED_COLUMNS, read_merged
from modelwatch.collector.storing.packing import unpack
from modelwatch.collector.storing.series_shelf import SeriesShelf
from modelwatch.collector.storing.store_file import remedy_of
from modelwatch.errors import FormatError, StoreError
from modelwatch.profile import Profile

__all__ = ["Checked", "backup", "check", "opened", "vacuum"]

MOST_PROBLEMS: Final = 100
"""Problems that are told; the rest are counted."""

PAGES_A_STEP: Final = 512
"""Pages copied at a time: a collector that writes waits for no longer."""

Row = Sequence[Any]

_COUNTED: Final = (
    "versions",
    "arrivals",
    "merged",
    "profiles",
    "baselines",
    "evaluations",
    *OUTCOME_TABLES,
)


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What a check found.

    Attributes:
        rows: how many there are, by table.
        problems: what is wrong, in words, at most `MOST_PROBLEMS`.
        more: how many problems there are besides.
    """

    rows: dict[str, int]
    problems: list[str]
    more: int


def check(path: Path) -> Checked:
    """Read a whole file; a collector may have it open. Takes a minute a few gigabytes.

    Raises:
        StoreError: the file is not there, no store, or of another schema version.
    """
    try:
        with opened(path, "ro") as connection:
            return _checked(connection)
    except StoreError as error:
        if getattr(error.__cause__, "sqlite_errorcode", None) != sqlite3.SQLITE_CORRUPT:
            raise
        return Checked(rows={}, problems=[f"its tables cannot be listed: {error}"], more=0)


def vacuum(path: Path) -> tuple[int, int]:
    """Write a file anew without what is free in it; return its bytes before and after.

    An older file is given the page size and the way of giving pages back that new ones have.

    Raises:
        StoreError: as `check`, or a collector has the file open, or there is no room for a copy.
    """
    before = path.stat().st_size if path.exists() else 0
    with opened(path, "rw") as connection:
        # Pages change their size outside of the log alone; that needs the file for itself.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode = DELETE").fetchall()
        connection.execute(f"PRAGMA page_size = {schema.PAGE_BYTES}")
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("VACUUM")
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
    return before, path.stat().st_size


def backup(path: Path, target: Path) -> int:
    """Copy a file while a collector may write it; return the bytes of the copy.

    Raises:
        StoreError: as `check`, or the target is there already or cannot be written.
    """
    if target.exists():
        raise StoreError(f"{target} is there already: give the name of a new file.")
    try:
        with opened(path, "ro") as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy, pages=PAGES_A_STEP)
            copy.execute("PRAGMA journal_mode = DELETE").fetchall()
    except (sqlite3.Error, OSError) as error:
        target.unlink(missing_ok=True)
        raise StoreError(f"{path} cannot be copied to {target}: {error}.") from error
    return target.stat().st_size


@contextmanager
def opened(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    """Open a store beside a collector that may have it open, to read (ro) or to write (rw)."""
    if not path.is_file():
        raise StoreError(f"there is no store {path}: give the collector's --store.")
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    try:
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=10)) as found:
            schema.require_current(found, path)
            yield found
    except sqlite3.Error as error:
        remedy = remedy_of(error) or ". Is it a store, and is no collector using it?"
        raise StoreError(f"{path} cannot be read or written: {error}{remedy}") from error


def _checked(connection: sqlite3.Connection) -> Checked:
    problems: list[str] = []
    more = 0
    connection.execute("BEGIN")  # one moment of the file, whatever is written meanwhile
    for problem in _problems(connection):
        if len(problems) < MOST_PROBLEMS:
            problems.append(problem)
        else:
            more += 1
    rows = {name: _count(connection, name) for name in _COUNTED}
    return Checked(rows=rows, problems=problems, more=more)


def _problems(connection: sqlite3.Connection) -> Iterator[str]:
    """Yield what is wrong: pages first, then keys, then what our rows hold."""
    for told in _rows(connection, f"PRAGMA integrity_check({MOST_PROBLEMS})"):
        if told[-1] != "ok":
            yield f"file: {told[-1]}"
    for table, row, *_ in _rows(connection, "PRAGMA foreign_key_check"):
        yield f"{table or 'foreign keys'} {row}: names a row that is not there"
    shelf = SeriesShelf()
    readers: tuple[tuple[str, str, Callable[[Row], object]], ...] = (
        (
            "arrivals",
            f"SELECT id, {ARRIVAL_COLUMNS} FROM arrivals",
            lambda row: read_arrival(connection, shelf, row),
        ),
        (
            "merged",
            f"SELECT id, {MERGED_COLUMNS} FROM merged",
            lambda row: read_merged(connection, shelf, row),
        ),
        ("profiles", "SELECT id, content FROM profiles", lambda row: _profile(*row)),
        ("baselines", "SELECT number, content FROM baselines", lambda row: unpack(*row)),
        (
            "evaluations",
            "SELECT end_ns, report FROM evaluations",
            lambda row: EvaluationSummary.of_document(unpack(*row)),
        ),
        (
            "evaluation_summaries",
            "SELECT end_ns, content FROM evaluation_summaries",
            lambda row: EvaluationSummary.from_json(unpack(*row)),
        ),
    )
    for table, statement, read in readers:
        for number, *columns in _rows(connection, statement):
            if number is None:
                yield f"{table}: {columns[0]}"
                continue
            try:
                read(columns)
            except (StoreError, FormatError, TypeError, ValueError, sqlite3.DatabaseError) as error:
                yield f"{table} {number}: {error}"
    yield from _count_problems(connection)
    yield from outcome_problems(connection)


def _count_problems(connection: sqlite3.Connection) -> Iterator[str]:
    """Yield versions that are merged through an arrival that never was."""
    statement = """
        SELECT id, merged_through FROM versions WHERE merged_through > coalesce(
            (SELECT seq FROM sqlite_sequence WHERE name = 'arrivals'), 0)
    """
    for number, through in _rows(connection, statement):
        yield f"versions {number}: is merged through arrival {through}, which never was"


def _rows(connection: sqlite3.Connection, statement: str) -> Iterator[Row]:
    """Yield rows, and, where a page cannot be read, None and what is wrong, as the last one."""
    try:
        yield from connection.execute(statement)
    except sqlite3.DatabaseError as error:
        yield (None, f"cannot be read to its end: {error}")


def _profile(content: bytes) -> Profile:
    return Profile.from_json(unpack(content))


def _count(connection: sqlite3.Connection, table: str) -> int:
    found = list(_rows(connection, f"SELECT count(*) FROM {table}"))
    return int(found[0][0] or 0)
