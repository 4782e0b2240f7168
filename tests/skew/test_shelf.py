from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from modelwatch.errors import DataError
from modelwatch.skew.shelf import open_shelf

ROWS = 70_000
"""More than two batches of a file."""


@pytest.fixture
def frame() -> pl.DataFrame:
    """Rows of each kind of column, with and without missing values in each batch."""
    rng = np.random.default_rng(3)
    late = np.arange(ROWS) > 50_000
    return pl.DataFrame(
        {
            "number": rng.normal(size=ROWS),
            "gaps": pl.Series(np.where(late, rng.normal(size=ROWS), np.nan)).fill_nan(None),
            "whole": rng.integers(0, 2**60, ROWS),
            "text": [None if row % 7 == 0 else f"t{row % 900}" for row in range(ROWS)],
            "many": [f"\u00e9 {row * 7 % ROWS}\n" for row in range(ROWS)],
            "flag": [None if row < 40_000 else row % 2 == 0 for row in range(ROWS)],
            "none": pl.Series([None] * ROWS, dtype=pl.String),
            "at": np.datetime64("2026-01-01", "us")
            + rng.integers(0, 10**12, ROWS).astype("m8[us]"),
        }
    )


def values_of(data: Any, name: str) -> list[Any]:
    """Return a column's values."""
    with open_shelf(data, lambda share: None) as shelf:
        return shelf.column(name).values()


@pytest.mark.parametrize("suffix", ["parquet", "arrow", "csv", "parts"])
def test_columns_are_those_of_the_file(frame: pl.DataFrame, tmp_path: Path, suffix: str) -> None:
    """Each column comes back whole, in the order of the rows, with what is missing."""
    path: Any = tmp_path / f"rows.{suffix}"
    writers: dict[str, Callable[[Path], object]] = {
        "parquet": frame.write_parquet,
        "arrow": frame.write_ipc,
        "csv": frame.write_csv,
    }
    if suffix == "parts":
        path = [frame[start : start + 9_999] for start in range(0, ROWS, 9_999)]
    else:
        writers[suffix](path)
    with open_shelf(path, lambda share: None) as shelf:
        assert (shelf.names, shelf.rows) == (frame.columns, ROWS)
        for name in frame.columns:
            assert shelf.column(name).values() == frame[name].to_list()


def test_parts_of_different_columns_are_padded() -> None:
    """A column that some parts lack has no value in their rows."""
    parts = [{"a": [1]}, {"a": [2], "b": ["x"]}, {"b": ["y"], "a": [3]}, {"a": [4]}]
    assert values_of(iter(parts), "b") == [None, "x", "y", None]
    assert values_of(iter(parts), "a") == [1, 2, 3, 4]


def test_nothing_is_left_behind(
    frame: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The temporary folder is gone at the end, also after an error."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    frame.write_parquet(tmp_path / "rows.parquet")
    with open_shelf(tmp_path / "rows.parquet", lambda share: None):
        assert len(list(scratch.iterdir())) == 1
    broken = tmp_path / "broken.parquet"
    broken.write_bytes((tmp_path / "rows.parquet").read_bytes()[:-200])
    with pytest.raises(DataError), open_shelf(broken, lambda share: None):
        pass
    assert list(scratch.iterdir()) == []


def test_progress_rises_to_the_whole(frame: pl.DataFrame, tmp_path: Path) -> None:
    """The share told never falls, and ends at 1."""
    frame.write_csv(tmp_path / "rows.csv")
    told: list[float] = []
    with open_shelf(tmp_path / "rows.csv", told.append):
        assert told == sorted(told)
        assert told[-1] == 1.0
