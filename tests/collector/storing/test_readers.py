from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from modelwatch.collector.storing.database import Database
from modelwatch.collector.storing.readers import MOST_IDLE, Readers

INSERT = "INSERT INTO marks VALUES (1)"
COUNT = "SELECT count(*) FROM marks"


def make(path: Path) -> sqlite3.Connection:
    """Return a connection that writes to a new file with one table."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE marks (number INTEGER)")
    return connection


def count(connection: sqlite3.Connection) -> int:
    """Return how many rows a reader sees."""
    found = connection.execute(COUNT).fetchone()
    return int(found[0])


def is_open(connection: sqlite3.Connection) -> bool:
    """Tell whether a connection was closed."""
    try:
        connection.execute("SELECT 1")
    except sqlite3.ProgrammingError:
        return False
    return True


def test_a_connection_is_used_again_and_sees_what_was_committed_meanwhile(tmp_path: Path) -> None:
    """A loan sees the file as it is when it begins to read, not as at the loan before."""
    writer, readers = make(tmp_path / "file"), Readers(tmp_path / "file")
    with readers.lend() as first:
        assert count(first) == 0
    writer.execute(INSERT)
    with readers.lend() as second:
        assert count(second) == 1
    assert first is second
    readers.close()
    writer.close()


def test_a_transaction_that_is_left_open_ends_with_the_loan(tmp_path: Path) -> None:
    """Who began a transaction to see one moment does not hold the next reader in it."""
    writer, readers = make(tmp_path / "file"), Readers(tmp_path / "file")
    with readers.lend() as connection:
        connection.execute("BEGIN")
        rows = connection.execute("SELECT * FROM marks")
    writer.execute(INSERT)
    with readers.lend() as connection:
        assert not connection.in_transaction
        assert count(connection) == 1
    rows.close()
    readers.close()
    writer.close()


def test_two_readers_at_once_have_a_connection_each(tmp_path: Path) -> None:
    """What one reader does is not seen by another; no more than a few stay open."""
    writer, readers = make(tmp_path / "file"), Readers(tmp_path / "file")
    loans = [readers.lend() for _ in range(MOST_IDLE + 2)]
    lent = [loan.__enter__() for loan in loans]
    assert len({id(connection) for connection in lent}) == MOST_IDLE + 2
    for loan in loans:
        loan.__exit__(None, None, None)
    assert sum(is_open(connection) for connection in lent) == MOST_IDLE
    readers.close()
    writer.close()


def test_a_connection_that_failed_is_not_lent_again(tmp_path: Path) -> None:
    """After an error nobody gets the connection on which it happened."""
    writer, readers = make(tmp_path / "file"), Readers(tmp_path / "file")
    with pytest.raises(sqlite3.OperationalError), readers.lend() as failed:
        failed.execute("SELECT nothing FROM nowhere")
    with readers.lend() as other:
        assert other is not failed
    readers.close()
    writer.close()


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    """Whatever a reader is given to run, the file stays as it is."""
    writer, readers = make(tmp_path / "file"), Readers(tmp_path / "file")
    with pytest.raises(sqlite3.OperationalError, match="readonly"), readers.lend() as connection:
        connection.execute(INSERT)
    readers.close()
    writer.close()


def test_a_closed_store_leaves_one_whole_file(tmp_path: Path) -> None:
    """Idle readers do not keep the log beside the file: a copy of the file alone is all of it."""
    database = Database(tmp_path / "store.sqlite")
    assert database.read("SELECT count(*) FROM versions") == [(0,)]
    database.close()
    assert [path.name for path in tmp_path.iterdir()] == ["store.sqlite"]
