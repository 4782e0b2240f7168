"""Types of columns whose parts differ."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from modelwatch.tables.columns import categorical_column, numeric_column
from modelwatch.tables.csv_parsers import ArrowParser, CsvParser, PandasParser, PolarsParser
from modelwatch.tables.raw_columns import raw_columns
from modelwatch.tables.value_kinds import infer_kind

EACH_PARSER = pytest.mark.parametrize("parser", [ArrowParser, PolarsParser, PandasParser])
NUMBERS = ["1", "2.5", "9223372036854775808"]


@EACH_PARSER
@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        ("1", "2.5", "numeric"),
        ("1", "9223372036854775808", "numeric"),
        ("2.5", "9223372036854775808", "numeric"),
        ("1", "x", "categorical"),
        ("2.5", "x", "categorical"),
        ("true", "x", "categorical"),
        ("true", "1", "categorical"),
        ("true", "2.5", "categorical"),
        ("2026-01-31", "x", "categorical"),
        ("2026-01-31", "1", "categorical"),
        ("2026-01-31T12:00:00", "2026-01-31T12:00:00.5", "numeric"),
        ("2026-01-31T12:00:00", "x", "categorical"),
        ("x", "1", "categorical"),
    ],
)
def test_the_type_of_two_parts_reads_both(
    parser: Callable[[], CsvParser], one: str, other: str, kind: str
) -> None:
    """Whichever part comes first, each is read without loss by the type of both."""
    reader = parser()
    texts = {cell: f"a,b\n{cell},0\n".encode() for cell in (one, other)}
    types = [reader.types(reader.parse(text)) for text in texts.values()]
    for first, second in (types, types[::-1]):
        both = {"a": reader.common(first["a"], second["a"]), "b": first["b"]}
        for cell, text in texts.items():
            values = raw_columns(reader.parse(text, both))["a"]
            assert infer_kind(values) == kind
            if cell in NUMBERS and kind == "numeric":
                assert numeric_column(values).finite.tolist() == [float(cell)]
            if kind == "categorical":
                assert categorical_column(values).keys == [cell]


@EACH_PARSER
def test_a_column_without_values_has_no_type(parser: Callable[[], CsvParser]) -> None:
    """So that what comes later decides; where nothing does, it is one of texts."""
    reader = parser()
    text = b"a,b\n,1\nNA,2\n"
    types = reader.types(reader.parse(text))
    assert types["a"] is None
    values = raw_columns(reader.parse(text, types))["a"]
    assert list(values) == [None, None]
