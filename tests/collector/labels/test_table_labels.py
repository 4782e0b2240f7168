from __future__ import annotations

import datetime as dt
import importlib.util
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from modelwatch.collector.labels.formats import ColumnNames
from modelwatch.collector.labels.label_chunk import LabelChunk, Row
from modelwatch.collector.labels.table_labels import TABLE_ROWS, check_table, table_labels
from modelwatch.errors import BodyTooLarge, DataError

MODEL = "churn"
NS = 1_000_000_000
NOON = dt.datetime(2024, 1, 1, 12, tzinfo=dt.UTC).replace(tzinfo=None)
NOON_NS = 1_704_110_400 * NS


def write(path: Path, **columns: Any) -> Path:
    """Write a table."""
    parquet.write_table(pa.table(columns), path)
    return path


def read(path: Path, names: ColumnNames | None = None) -> list[LabelChunk]:
    """Return the labels of a file, in parts."""
    return [chunk for chunk, _ in table_labels(path, names, model=MODEL)]


@pytest.fixture(params=["pyarrow", "polars"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parquet is read by pyarrow; where that is not installed, by polars."""
    find = importlib.util.find_spec
    hidden = {"pyarrow"} if request.param == "polars" else set()
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in hidden else find(name)
    )


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["yes", "no", None], ["yes", "no"]),
        (pa.array(["yes", "no", None]).dictionary_encode(), ["yes", "no"]),
        ([True, False, None], [True, False]),
        ([1, 0, None], [1, 0]),
        ([0.5, float("nan"), None], [0.5]),
        ([Decimal("0.50"), None, None], [0.5]),
    ],
)
def test_labels_keep_their_type(tmp_path: Path, values: Any, expected: list[Any]) -> None:
    """Whichever library reads them; what is null or no number is not known yet."""
    path = write(tmp_path / "a.parquet", prediction_id=["a", "b", "c"], label=values)
    (chunk,) = read(path)
    assert [(type(row.label), row.label) for row in chunk.rows] == [
        (type(one), one) for one in expected
    ]
    assert chunk.unlabelled == 3 - len(expected)


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize(
    "times",
    [
        [1_704_110_400, None],
        [NOON_NS, None],
        ["2024-01-01T12:00:00Z", None],
        [NOON, None],
        pa.array([NOON, None], pa.timestamp("ms", "Europe/Berlin")),
        pa.array([NOON, None], pa.timestamp("ns")),
    ],
)
def test_times_are_read_of_any_type(tmp_path: Path, times: Any) -> None:
    """In any unit, with or without a zone; null is the time of receipt."""
    path = write(tmp_path / "a.parquet", prediction_id=[7, 8], label=[1, 1], time=times, x=[1, 2])
    (chunk,) = read(path)
    assert chunk.rows == [Row(1, MODEL, "7", 1, NOON_NS), Row(2, MODEL, "8", 1, 0)]


def test_rows_are_read_some_at_a_time(tmp_path: Path) -> None:
    """In their order and by their places, with the share that was read."""
    rows = 2 * TABLE_ROWS + 7
    ids = [str(place) for place in range(rows)]
    path = write(tmp_path / "a.pq", prediction_id=ids, label=ids)
    parts = list(table_labels(path, model=MODEL))
    assert [len(chunk.rows) for chunk, _ in parts] == [TABLE_ROWS, TABLE_ROWS, 7]
    assert [row.line for chunk, _ in parts for row in chunk.rows] == list(range(1, rows + 1))
    assert [done for _, done in parts] == sorted(done for _, done in parts)
    assert parts[-1][1] == 1.0


def test_other_columns_may_be_anything(tmp_path: Path) -> None:
    """Nested ones too: those that matter are read alone."""
    path = write(
        tmp_path / "a.parquet", prediction_id=["a"], label=[1], nested=[{"x": [1]}], time_=[None]
    )
    (chunk,) = read(path)
    assert len(chunk.rows) == 1


def test_what_is_no_label_is_refused_by_its_place(tmp_path: Path) -> None:
    """Lists, dates and times in milliseconds; the other rows are taken."""
    path = write(tmp_path / "a.parquet", prediction_id=["a", "b"], label=[[1], [2]])
    (chunk,) = read(path)
    assert [(one.line, one.problem) for one in chunk.shown] == [
        (1, "label [1]"),
        (2, "label [2]"),
    ]


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """Absent, damaged, cut short, without the columns."""
    whole = write(tmp_path / "whole.parquet", prediction_id=["a"] * 999, label=[1] * 999)
    cut, damaged = tmp_path / "cut.parquet", tmp_path / "damaged.parquet"
    cut.write_bytes(whole.read_bytes()[:-9])
    content = bytearray(whole.read_bytes())
    content[4:60] = b"\xff" * 56
    damaged.write_bytes(content)
    for path in (cut, damaged, tmp_path / "absent.parquet"):
        with pytest.raises(DataError, match=path.name):
            read(path)
    with pytest.raises(DataError, match="there is no column 'order'"):
        read(whole, ColumnNames(id="order"))


def test_a_table_of_large_groups_is_refused(tmp_path: Path) -> None:
    """By what the file says of itself, before any row of it is read."""
    path = write(tmp_path / "a.parquet", prediction_id=["x" * 1_000_000], label=[1])
    check_table(path, most_bytes=2_000_000)
    with pytest.raises(BodyTooLarge, match="groups of at most 1000 "):
        check_table(path, most_bytes=1_000)
