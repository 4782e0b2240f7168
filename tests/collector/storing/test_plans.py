"""How SQLite goes about what is asked often: through indices, whatever the tables hold."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from modelwatch.collector.outcomes import expiring, open_rows, recounting
from modelwatch.collector.storing import seen_groups
from modelwatch.collector.storing.evaluation_table import SUMMARIES
from modelwatch.collector.storing.sqlite_store import VERSIONS, SqliteStore
from modelwatch.collector.storing.window_index import FILLED, THROUGH
from modelwatch.collector.storing.window_reader import (
    MERGED_ROWS,
    SENDERS_ROWS,
    UNMERGED_ROWS,
)

NAMED = {"version": 1, "merged": 5, "after": 0, "until": 9, "width": 60}


def plan(store: SqliteStore, statement: str, arguments: dict[str, int] | tuple[int, ...]) -> str:
    """Return the steps of a statement, as SQLite tells them."""
    with closing(sqlite3.connect(store.path)) as connection:
        steps = connection.execute(f"EXPLAIN QUERY PLAN {statement}", arguments).fetchall()
    return "\n".join(step[3] for step in steps)


@pytest.mark.parametrize("statement", [THROUGH, FILLED])
def test_windows_are_found_by_indices(store: SqliteStore, statement: str) -> None:
    """No table is gone through, and of merged rows and documents not even a row is read."""
    steps = plan(store, statement, NAMED)
    assert "SEARCH merged USING COVERING INDEX merged_by_end" in steps
    assert "SEARCH arrivals USING INDEX arrivals_by_version (version_id=? AND rowid>?)" in steps
    assert "SEARCH profiles USING COVERING INDEX profiles_by_end" in steps
    assert "SCAN merged" not in steps
    assert "SCAN arrivals" not in steps
    assert "SCAN profiles" not in steps


@pytest.mark.parametrize(
    ("statement", "arguments", "expected"),
    [
        (MERGED_ROWS, (1, 0, 9), "merged_by_end (version_id=? AND end_ns>? AND end_ns<?)"),
        (UNMERGED_ROWS, (1, 0, 0, 9), "arrivals_by_version (version_id=? AND rowid>?)"),
        (SENDERS_ROWS, (1, 0, 9), "arrivals_by_end (version_id=? AND end_ns>? AND end_ns<?)"),
    ],
)
def test_rows_are_read_by_indices(
    store: SqliteStore, statement: str, arguments: tuple[int, ...], expected: str
) -> None:
    """Only rows of the version and the window are read."""
    assert expected in plan(store, statement, arguments)


def test_predictions_are_looked_up(store: SqliteStore) -> None:
    """Each id is looked up by its key, with all that is stored of it, and so is the next one."""
    steps = plan(store, open_rows.FIND.format("(?, ?, ?), (?, ?, ?)"), (1, 2, 3, 1, 5, 6))
    assert "SEARCH o USING PRIMARY KEY (model_id=? AND prefix=? AND hash=?)" in steps
    steps = plan(store, recounting.NEXT, (1, 2, 3, 4))
    assert steps == "SEARCH outcomes USING PRIMARY KEY (model_id=? AND (prefix,hash)>(?,?))"
    steps = plan(store, expiring.NEXT, (1, 2, 3, 4))
    assert steps == "SEARCH outcomes USING PRIMARY KEY ((model_id,prefix,hash)>(?,?,?))"


def test_groups_are_looked_up(store: SqliteStore) -> None:
    """Each group is looked up by its key, however many are known."""
    steps = plan(store, seen_groups.LOOKUP.format("(?, ?), (?, ?)"), (1, 2, 3, 4))
    assert "SEARCH seen USING PRIMARY KEY (end_seconds=? AND key=?)" in steps
    assert "SCAN seen" not in steps


def test_evaluations_and_versions_are_looked_up(store: SqliteStore) -> None:
    """A list of evaluations reads those of one version; for versions no table is gone through."""
    steps = plan(store, SUMMARIES, (1, 2, 3, 60, 60, 60, 4))
    assert "SEARCH e USING PRIMARY KEY (version_id=? AND end_ns<?)" in steps
    assert "SEARCH s USING PRIMARY KEY" in steps
    steps = plan(store, VERSIONS, ())
    for name in ("arrivals", "merged", "profiles"):
        assert f"SEARCH {name} USING COVERING INDEX" in steps
    assert "SEARCH evaluations USING PRIMARY KEY" in steps
