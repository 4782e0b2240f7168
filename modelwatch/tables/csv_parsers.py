"""CSV text to frames, with types that hold for all of a file although it is read in parts.

A parser finds the types of one part's columns by themselves; the types of all parts together are
then given when the parts are parsed again.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Mapping
from typing import Any, Protocol

__all__ = ["NULL_TEXTS", "ArrowParser", "CsvParser", "PandasParser", "PolarsParser", "Types"]

NULL_TEXTS = ("", "NA", "N/A", "NaN", "nan", "null", "None", "NULL")
"""What stands for no value in a CSV file, whichever library reads it."""

Types = Mapping[str, Any]
"""Type of each column in a library's own words; None where no value was seen."""

_DATE_FIRST = re.compile(r"\d{4}-\d{2}-\d{2}")


class CsvParser(Protocol):
    """One library's way to read CSV text."""

    def parse(self, text: bytes, types: Types | None = None) -> Any:
        """Return a frame of text that begins with the header; types are found where None."""

    def types(self, frame: Any) -> Types:
        """Return the types that were found."""

    def common(self, one: Any, other: Any) -> Any:
        """Return the type of a column that has one type in one part and another elsewhere."""


class ArrowParser:
    """Reads with pyarrow."""

    def parse(self, text: bytes, types: Types | None = None) -> Any:
        """Return a table."""
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        return arrow_csv.read_csv(
            io.BytesIO(text),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                null_values=list(NULL_TEXTS),
                strings_can_be_null=True,
                true_values=["true", "True", "TRUE"],
                false_values=["false", "False", "FALSE"],
                column_types={} if types is None else _known(types, pa.string()),
            ),
        )

    def types(self, frame: Any) -> Types:
        """Return arrow types."""
        import pyarrow as pa

        return {
            field.name: None if pa.types.is_null(field.type) else field.type
            for field in frame.schema
        }

    def common(self, one: Any, other: Any) -> Any:
        """Return an arrow type."""
        import pyarrow as pa

        pair = {one, other}
        if one == other:
            return one
        if pair == {pa.int64(), pa.float64()}:
            return pa.float64()
        if all(pa.types.is_date(kind) or pa.types.is_timestamp(kind) for kind in pair):
            zones = {getattr(kind, "tz", None) for kind in pair}
            unit = "ns" if "ns" in {getattr(kind, "unit", "s") for kind in pair} else "s"
            return pa.timestamp(unit, *zones) if len(zones) == 1 else pa.string()
        return pa.string()


class PolarsParser:
    """Reads with polars."""

    def parse(self, text: bytes, types: Types | None = None) -> Any:
        """Return a frame."""
        if types is not None:
            import polars as pl

            return self._read(text, infer_schema=False, schema_overrides=_known(types, pl.String))
        # Types by all rows: the default, by the first 100, fails on a 1.5 after many 1.
        frame = self._read(text, infer_schema_length=None)
        likely = [name for name in frame.columns if _may_be_times(frame[name])]
        if not likely:
            return frame
        # To try each value as a time is ten times slower than all else.
        times = self._read(text, infer_schema_length=None, try_parse_dates=True, columns=likely)
        return frame.with_columns(times[name] for name in likely)

    def types(self, frame: Any) -> Types:
        """Return polars types."""
        return {
            name: None if frame[name].null_count() == frame.height else dtype
            for name, dtype in frame.schema.items()
        }

    def common(self, one: Any, other: Any) -> Any:
        """Return a polars type."""
        import polars as pl

        if one == other:
            return one
        return pl.Float64 if one.is_numeric() and other.is_numeric() else pl.String

    @staticmethod
    def _read(text: bytes, **options: Any) -> Any:
        import polars as pl

        return pl.read_csv(io.BytesIO(text), null_values=list(NULL_TEXTS), **options)


class PandasParser:
    """Reads with pandas."""

    def parse(self, text: bytes, types: Types | None = None) -> Any:
        """Return a frame."""
        import pandas as pd

        named = None if types is None else _known(types, "string")
        times = [name for name, kind in (named or {}).items() if kind == "time"]
        frame = pd.read_csv(
            io.BytesIO(text),
            na_values=list(NULL_TEXTS),
            keep_default_na=False,
            low_memory=False,
            dtype_backend="numpy_nullable",  # null stays null, and whole numbers whole
            dtype=None if named is None else named | dict.fromkeys(times, "string"),
        )
        if named is None:
            present = {name: frame[name].dropna() for name in frame.columns}
            times = [n for n, found in present.items() if found.size and _is_date(found.iloc[0])]
        for name in times:
            with contextlib.suppress(ValueError):
                frame[name] = pd.to_datetime(frame[name], format="ISO8601")
        return frame

    def types(self, frame: Any) -> Types:
        """Return pandas types by name, and "time"."""
        return {name: self._type(frame[name]) for name in frame.columns}

    def common(self, one: Any, other: Any) -> Any:
        """Return a name of a pandas type."""
        if one == other:
            return one
        return "Float64" if {one, other} <= {"Int64", "UInt64", "Float64"} else "string"

    @staticmethod
    def _type(column: Any) -> str | None:
        name = str(column.dtype)
        if not column.notna().any():
            return None
        return "time" if name.startswith("datetime64") else name


def _known(types: Types, text: Any) -> dict[str, Any]:
    """Return the types by name; a column without any value is one of texts."""
    return {name: text if kind is None else kind for name, kind in types.items()}


def _may_be_times(series: Any) -> bool:
    present = series.drop_nulls()
    return bool(present.len()) and _is_date(present[0])


def _is_date(value: object) -> bool:
    return isinstance(value, str) and _DATE_FIRST.match(value) is not None
