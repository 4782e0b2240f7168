from __future__ import annotations

import importlib.util
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw
import polars as pl
import pyarrow as pa
import pytest

import modelwatch as mw
from modelwatch.errors import DataError, SchemaError
from modelwatch.tables.data_files import NULL_TEXTS, SUFFIXES, DataFile, read_batches

FRAME = pl.DataFrame({"age": [31, 52], "plan": ["basic", "pro"]})

WRITERS: dict[str, Callable[[Path], object]] = {
    ".arrow": FRAME.write_ipc,
    ".csv": FRAME.write_csv,
    ".feather": FRAME.write_ipc,
    ".ipc": FRAME.write_ipc,
    ".parquet": FRAME.write_parquet,
    ".pq": FRAME.write_parquet,
}


def read_data_file(path: Path) -> Any:
    """Read a file as one frame."""
    return nw.concat([nw.from_native(_table(part)) for part in read_batches(path)]).to_native()


def _table(part: Any) -> Any:
    return pa.Table.from_batches([part]) if isinstance(part, pa.RecordBatch) else part


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
    with pytest.raises(DataError, match="must name the columns"):
        read_data_file(path)


HIDDEN = pytest.mark.parametrize("hidden", [(), ("polars",), ("polars", "pyarrow")], ids=str)


@HIDDEN
def test_csv_types_are_those_of_all_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hidden: tuple[str, ...]
) -> None:
    """A fraction after many whole numbers, even far into the file, leaves the column numeric."""
    path = tmp_path / "data.csv"
    path.write_text("x\n" + "1\n" * 600_000 + "1.5\n")
    hide(monkeypatch, *hidden)
    frame = nw.from_native(read_data_file(path), eager_only=True)
    assert frame["x"].dtype.is_float()
    assert frame["x"].to_list()[-2:] == [1.0, 1.5]


@HIDDEN
def test_csv_nulls_are_nulls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hidden: tuple[str, ...]
) -> None:
    """Whatever stands for no value is missing, in numbers and in texts; no other text is."""
    path = tmp_path / "data.csv"
    rows = [f"{null},{null},x" for null in NULL_TEXTS]
    path.write_text("\n".join(["n,t,u", "1.5,a,-", "2,n/a,#N/A", *rows]))
    hide(monkeypatch, *hidden)
    frame = nw.from_native(read_data_file(path), eager_only=True)
    assert frame["n"].dtype.is_numeric()
    for name, there in (("n", [1.5, 2.0]), ("t", ["a", "n/a"])):
        assert frame[name].null_count() == len(NULL_TEXTS)
        assert frame[name].drop_nulls().to_list() == there
    assert frame["u"].to_list() == ["-", "#N/A", *"x" * len(NULL_TEXTS)]


@HIDDEN
def test_csv_times_are_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hidden: tuple[str, ...]
) -> None:
    """Times in ISO 8601 are read as times; what only begins like them stays text."""
    path = tmp_path / "data.csv"
    path.write_text("a,b,c\n2026-01-31T12:00:00,2026-01-31,2026-01-31\n2026-02-01T00:00:00,,x\n")
    hide(monkeypatch, *hidden)
    frame = nw.from_native(read_data_file(path), eager_only=True)
    assert frame["a"].dtype.is_temporal()
    assert str(frame["a"].to_list()[0]) == "2026-01-31 12:00:00"
    assert frame["b"].dtype.is_temporal()
    assert frame["c"].to_list() == ["2026-01-31", "x"]


@HIDDEN
def test_one_baseline_whichever_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hidden: tuple[str, ...]
) -> None:
    """A CSV file makes the same bins, categories and counts with whichever library."""
    path = tmp_path / "data.csv"
    rows = [
        f"{n % 7 or ''},{n * 7 % 99 / 4},{['a', 'b', 'NA'][n % 3]},{str(n % 5 == 0).lower()},"
        f"2026-01-{1 + n * 3 % 28:02d}"
        for n in range(400)
    ]
    path.write_text("\n".join(["count,amount,plan,paid,day", *rows]))
    expected = mw.Baseline.fit(path, model="m", version="1").id
    hide(monkeypatch, *hidden)
    assert mw.Baseline.fit(path, model="m", version="1").id == expected


@HIDDEN
@pytest.mark.parametrize("header", ["x,y,x", '\ufeffx,"y",x', '"a, b",x,"x"'])
def test_doubled_headers_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hidden: tuple[str, ...], header: str
) -> None:
    """Two columns of one name are refused, not renamed."""
    path = tmp_path / "data.csv"
    path.write_text(f"{header}\n1,2,3\n", encoding="utf-8")
    hide(monkeypatch, *hidden)
    with pytest.raises(SchemaError, match=r"2 columns of .*data\.csv are named 'x'"):
        read_data_file(path)


@HIDDEN
def test_text_of_another_encoding_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hidden: tuple[str, ...]
) -> None:
    """A file that is not UTF-8 is a DataError that names it."""
    path = tmp_path / "data.csv"
    path.write_bytes("größe,b\n1,2\n".encode("latin-1"))
    hide(monkeypatch, *hidden)
    with pytest.raises(DataError, match=r"cannot read .*data\.csv"):
        read_data_file(path)


@HIDDEN
def test_a_fault_is_told_by_its_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hidden: tuple[str, ...]
) -> None:
    """A row with too many values names the file and the lines of the part that it is in."""
    monkeypatch.setattr("modelwatch.tables.csv_batches.PART_BYTES", 400)
    path = tmp_path / "data.csv"
    path.write_text("a,b\n" + "1,2\n" * 500 + "1,2,3\n" + "1,2\n" * 500)
    hide(monkeypatch, *hidden)
    with pytest.raises(DataError, match=r"cannot read .*data\.csv, lines 501 to 599 as"):
        read_data_file(path)


@HIDDEN
def test_a_header_alone_is_no_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hidden: tuple[str, ...]
) -> None:
    """A CSV file with names and no row is refused as such, by both that read files."""
    path = tmp_path / "data.csv"
    path.write_text("x,y\n")
    hide(monkeypatch, *hidden)
    baseline = mw.Baseline.fit({"x": [1.0]}, model="m", version="1")
    with pytest.raises(DataError, match="no rows"):
        mw.Baseline.fit(path, model="m", version="1")
    with pytest.raises(DataError, match="no rows"):
        mw.compare(baseline, path)


@pytest.mark.parametrize("hidden", [(), ("pyarrow",), ("polars", "pyarrow")], ids=str)
@pytest.mark.parametrize("suffix", [".arrow", ".parquet"])
def test_a_file_damaged_inside_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, hidden: tuple[str, ...]
) -> None:
    """A file whose data was overwritten, or that ends too soon, is a DataError that names it."""
    path = tmp_path / f"data{suffix}"
    frame = pl.DataFrame({"x": range(20_000), "c": ["a", "b"] * 10_000})
    frame.write_parquet(path) if suffix == ".parquet" else frame.write_ipc(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    hide(monkeypatch, *hidden)
    with pytest.raises(DataError, match=rf"cannot read .*data\{suffix}"):
        mw.Baseline.fit(path, model="m", version="1")


def test_pages_that_are_overwritten_are_refused(tmp_path: Path) -> None:
    """Where the foot of a Parquet file is whole and its pages are not, the file is named."""
    path = tmp_path / "data.parquet"
    pl.DataFrame({"c": [str(n) for n in range(20_000)]}).write_parquet(path)
    content = bytearray(path.read_bytes())
    content[100:5_000] = bytes(4_900)
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"cannot read .*data\.parquet"):
        mw.Baseline.fit(path, model="m", version="1")


@pytest.mark.parametrize("hidden", [(), ("pyarrow",), ("polars", "pyarrow")], ids=str)
@pytest.mark.parametrize("suffix", [".arrow", ".csv", ".parquet"])
def test_a_comparison_is_one_whichever_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, hidden: tuple[str, ...]
) -> None:
    """Files of several parts are counted alike by whichever library reads them."""
    monkeypatch.setattr("modelwatch.tables.csv_batches.PART_BYTES", 10_000)
    monkeypatch.setattr("modelwatch.tables.file_frames.SCANNED_ROWS", 1_000)
    frame = pl.DataFrame(
        {
            "x": [None if n % 9 == 0 else n / 4 for n in range(5_000)],
            "c": [None if n % 5 == 0 else f"c{n % 7}" for n in range(5_000)],
            "f": [n % 3 == 0 for n in range(5_000)],
        }
    )
    path = tmp_path / f"data{suffix}"
    writers: dict[str, Callable[[Path], object]] = {
        ".arrow": frame.write_ipc,
        ".csv": frame.write_csv,
        ".parquet": frame.write_parquet,
    }
    writers[suffix](path)
    baseline = mw.Baseline.fit(frame, model="m", version="1")
    expected = mw.Profile.from_data(frame, baseline=baseline)
    hide(monkeypatch, *hidden)
    found = mw.Profile.from_data(path, baseline=baseline)
    assert found.rows == expected.rows
    for name, feature in expected.features.items():
        twin = found.features[name]
        assert twin.missing == feature.missing
        assert counts_of(twin) == counts_of(feature)


def counts_of(feature: Any) -> list[Any]:
    """Return a feature's counts as a list."""
    counts = feature.values.counts
    return sorted(counts.items()) if isinstance(counts, dict) else counts.tolist()


@pytest.mark.parametrize("text", ["", "\n", "\n\n"])
def test_a_file_without_columns_is_refused_before_it_is_parsed(tmp_path: Path, text: str) -> None:
    """No library is asked to find types where there is no line of names."""
    path = tmp_path / "empty.csv"
    path.write_text(text)
    with pytest.raises(DataError, match="must name the columns"):
        DataFile(path)
