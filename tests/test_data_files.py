from __future__ import annotations

import importlib.util
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path

import narwhals.stable.v2 as nw
import polars as pl
import pytest

from modelwatch.data_files import SUFFIXES, read_data_file
from modelwatch.errors import DataError

FRAME = pl.DataFrame({"age": [31, 52], "plan": ["basic", "pro"]})

WRITERS: dict[str, Callable[[Path], object]] = {
    ".arrow": FRAME.write_ipc,
    ".csv": FRAME.write_csv,
    ".feather": FRAME.write_ipc,
    ".ipc": FRAME.write_ipc,
    ".parquet": FRAME.write_parquet,
    ".pq": FRAME.write_parquet,
}


def hide(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Make libraries look as if they were not installed."""
    find_spec = importlib.util.find_spec

    def find(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name in names else find_spec(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("hidden", [(), ("polars",), ("polars", "pyarrow")], ids=str)
def test_each_library_reads_each_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, hidden: tuple[str, ...]
) -> None:
    """Every format gives the same columns with whichever library is installed."""
    path = tmp_path / f"data{suffix.upper()}"
    WRITERS[suffix](path)
    hide(monkeypatch, *hidden)
    frame = nw.from_native(read_data_file(path), eager_only=True)
    assert frame.columns == ["age", "plan"]
    assert frame["age"].to_list() == [31, 52]
    assert frame["plan"].to_list() == ["basic", "pro"]


def test_no_library_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any of the libraries the error names what to install."""
    path = tmp_path / "data.csv"
    FRAME.write_csv(path)
    hide(monkeypatch, "polars", "pyarrow", "pandas")
    with pytest.raises(DataError, match="pip install polars"):
        read_data_file(path)


def test_unknown_suffix_is_refused(tmp_path: Path) -> None:
    """A file of another kind is refused with the kinds that can be read."""
    with pytest.raises(DataError, match=r"\.xlsx'.*name it \.arrow, .* or \.pq"):
        read_data_file(tmp_path / "data.xlsx")


def test_absent_file_is_named(tmp_path: Path) -> None:
    """A file that is not there is named."""
    with pytest.raises(DataError, match=r"there is no file .*data\.csv"):
        read_data_file(tmp_path / "data.csv")


@pytest.mark.parametrize("suffix", [".arrow", ".parquet"])
@pytest.mark.parametrize("hidden", [(), ("polars",), ("polars", "pyarrow")], ids=str)
def test_damaged_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, hidden: tuple[str, ...]
) -> None:
    """A file that is not what its suffix says is a DataError that names it."""
    path = tmp_path / f"data{suffix}"
    path.write_bytes(b"not what it says")
    hide(monkeypatch, *hidden)
    with pytest.raises(DataError, match=rf"cannot read .*data\{suffix}"):
        read_data_file(path)


@pytest.mark.parametrize("hidden", [(), ("polars",), ("polars", "pyarrow")], ids=str)
def test_empty_csv_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hidden: tuple[str, ...]
) -> None:
    """A CSV file without a byte is a DataError, not a frame without columns."""
    path = tmp_path / "data.csv"
    path.touch()
    hide(monkeypatch, *hidden)
    with pytest.raises(DataError, match="cannot read"):
        read_data_file(path)
