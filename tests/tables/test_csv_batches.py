"""CSV files in parts: the same rows and types as at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwatch.tables.columns import categorical_column, numeric_column
from modelwatch.tables.compact_columns import concatenated
from modelwatch.tables.csv_batches import CsvFile
from modelwatch.tables.csv_parsers import ArrowParser, CsvParser, PandasParser, PolarsParser
from modelwatch.tables.raw_columns import raw_columns
from modelwatch.tables.value_kinds import infer_kind

PARSERS: list[Callable[[], CsvParser]] = [ArrowParser, PolarsParser, PandasParser]
EACH_PARSER = pytest.mark.parametrize("parser", PARSERS)


def read(path: Path, parser: CsvParser, part_bytes: int) -> dict[str, tuple[str, Any]]:
    """Return each column's kind and values, read in parts of so many bytes."""
    file = CsvFile(path, parser, part_bytes)
    if file.needs_look:
        assert list(file.looked_at())[-1] == 1.0
    parts = []
    for frame, done in file.frames():
        parts.append(raw_columns(frame))
        assert 0.0 < done <= 1.0
    whole = {name: concatenated([part[name] for part in parts]) for name in parts[0]}
    kinds = {name: infer_kind(values) for name, values in whole.items()}
    return {
        name: (kind, numeric_column(whole[name]).finite.tolist())
        if kind == "numeric"
        else (kind, categorical_column(whole[name]).keys)
        for name, kind in kinds.items()
    }


@EACH_PARSER
def test_types_are_those_of_all_parts(parser: Callable[[], CsvParser], tmp_path: Path) -> None:
    """Whole numbers that turn to fractions stay numbers, and what turns to text is text."""
    path = tmp_path / "data.csv"
    rows = [f"{n},{n},{n},true,2026-01-{1 + n % 28:02d},," for n in range(200)]
    late = ["1.5,x,,false,2026-02-01,7,word", ",,,,,8,", "2.5,1,3,true,2026-02-02,9,word"]
    path.write_text("\n".join(["number,text,count,flag,day,late,words", *rows, *late]))
    found = read(path, parser(), 300)
    assert found == read(path, parser(), 1_000_000)
    kinds = {name: kind for name, (kind, _) in found.items()}
    assert [kinds[name] for name in ("number", "count", "day", "late")] == ["numeric"] * 4
    assert [kinds[name] for name in ("text", "flag", "words")] == ["categorical"] * 3
    assert found["text"][1][:2] == ["0", "1"]
    assert found["number"][1][-2:] == [1.5, 2.5]
    assert found["words"][1][-3:] == ["word", None, "word"]


CELLS = st.sampled_from(["a", "b,c", 'say "no"', "two\nlines", "", "1", '"', "\n"])


@settings(max_examples=25)
@given(rows=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=40), part=st.integers(1, 200))
@EACH_PARSER
def test_quoted_line_ends_are_no_ends_of_records(
    parser: Callable[[], CsvParser],
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str]],
    part: int,
) -> None:
    """Wherever a file is cut, its records stay whole."""
    path = tmp_path_factory.mktemp("csv") / "data.csv"
    quoted = [[f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row] for row in rows]
    path.write_text("\n".join(["p,q,end", *(f"{p},{q},x" for p, q in quoted)]), newline="")
    found = read(path, parser(), part)
    assert found == read(path, parser(), 1_000_000)
    assert found["end"][1] == ["x"] * len(rows)


@EACH_PARSER
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_other_line_ends_and_marks_are_read(
    parser: Callable[[], CsvParser], tmp_path: Path, ends: str, start: str
) -> None:
    """A byte order mark is no part of a name, and carriage returns none of a value."""
    path = tmp_path / "data.csv"
    text = start + ends.join(["a,b", *(f"{n},x" for n in range(50))]) + ends
    path.write_text(text, encoding="utf-8", newline="")
    found = read(path, parser(), 64)
    assert found == {
        "a": ("numeric", [float(n) for n in range(50)]),
        "b": ("categorical", ["x"] * 50),
    }


def test_a_part_is_told_by_its_lines(tmp_path: Path) -> None:
    """While a part is read, `where` names its lines, for error messages."""
    path = tmp_path / "data.csv"
    path.write_text("a\n" + "1\n" * 100)
    file = CsvFile(path, ArrowParser(), 100)
    seen = [file.where for _ in file.looked_at()]
    assert seen[0] == ", lines 2 to 50"
    assert seen[-1].endswith("to 101")


@EACH_PARSER
def test_a_header_alone_has_no_rows(parser: Callable[[], CsvParser], tmp_path: Path) -> None:
    """The names are read all the same."""
    path = tmp_path / "data.csv"
    path.write_text("a,b\n")
    (frame, done) = next(iter(CsvFile(path, parser()).frames()))
    assert nw.from_native(frame, eager_only=True).columns == ["a", "b"]
    assert len(frame) == 0
    assert done == 1.0
