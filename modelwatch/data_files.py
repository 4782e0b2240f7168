"""Data files in, frames out: with whichever of polars, pyarrow and pandas is installed."""

from __future__ import annotations

import contextlib
import csv
import importlib
import importlib.util
import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from modelwatch.errors import DataError, SchemaError

__all__ = ["NULL_TEXTS", "SUFFIXES", "read_data_file"]

Reader = Callable[[Path], Any]

NULL_TEXTS = ("", "NA", "N/A", "NaN", "nan", "null", "None", "NULL")
"""What stands for no value in a CSV file, whichever library reads it."""

_LARGEST_BLOCK = 2**31 - 1
_DATE_FIRST = re.compile(r"\d{4}-\d{2}-\d{2}")


def _function(module_name: str, name: str) -> Reader:
    def read(path: Path) -> Any:
        return getattr(importlib.import_module(module_name), name)(path)

    return read


def _polars_csv(path: Path) -> Any:
    import polars as pl

    # Types by all rows: the default, by the first 100, fails on a 1.5 after many 1.
    return pl.read_csv(
        path, infer_schema_length=None, null_values=list(NULL_TEXTS), try_parse_dates=True
    )


def _pyarrow_csv(path: Path) -> Any:
    from pyarrow import csv as arrow_csv

    # Types are inferred by the first block: make it the whole file.
    block = min(max(path.stat().st_size + 1, 1_024), _LARGEST_BLOCK)
    return arrow_csv.read_csv(
        path,
        read_options=arrow_csv.ReadOptions(block_size=block),
        convert_options=arrow_csv.ConvertOptions(
            null_values=list(NULL_TEXTS), strings_can_be_null=True
        ),
    )


def _pandas_csv(path: Path) -> Any:
    import pandas as pd

    frame = pd.read_csv(
        path,
        na_values=list(NULL_TEXTS),
        keep_default_na=False,
        low_memory=False,
        dtype_backend="numpy_nullable",  # null stays null, and whole numbers whole
    )
    for name in frame.columns:
        present = frame[name].dropna()
        if present.size and _DATE_FIRST.match(str(present.iloc[0])):
            with contextlib.suppress(ValueError):
                frame[name] = pd.to_datetime(frame[name], format="ISO8601")
    return frame


# Suffix -> library -> what reads such a file with it.
_READERS: Mapping[str, Mapping[str, Reader]] = {
    ".arrow": {
        "polars": _function("polars", "read_ipc"),
        "pyarrow": _function("pyarrow.feather", "read_table"),
        "pandas": _function("pandas", "read_feather"),
    },
    ".csv": {"polars": _polars_csv, "pyarrow": _pyarrow_csv, "pandas": _pandas_csv},
    ".parquet": {
        "polars": _function("polars", "read_parquet"),
        "pyarrow": _function("pyarrow.parquet", "read_table"),
        "pandas": _function("pandas", "read_parquet"),
    },
}
_SAME_AS = {".feather": ".arrow", ".ipc": ".arrow", ".pq": ".parquet"}

SUFFIXES: tuple[str, ...] = tuple(sorted({*_READERS, *_SAME_AS}))
"""The file name suffixes that can be read."""


def read_data_file(path: Path) -> Any:
    """Read a whole file into a frame.

    Args:
        path: a CSV, Parquet or Arrow (Feather) file; its suffix tells which.

    In a CSV file, a column's type is that of all its values, times in ISO 8601 are times, and
    what stands for no value (`NULL_TEXTS`) is missing, whichever library reads it.

    Returns:
        A polars frame, a pyarrow table or a pandas frame, the first of them that is installed.

    Raises:
        SchemaError: where two columns of a CSV file have one name.
        DataError: where the suffix is unknown, no library that reads it is installed, or the file
            is absent or damaged.
    """
    suffix = _SAME_AS.get(path.suffix.lower(), path.suffix.lower())
    if suffix not in _READERS:
        raise DataError(
            f"cannot tell what {path} is by its suffix {path.suffix!r}: "
            f"name it {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}."
        )
    if not path.is_file():
        raise DataError(f"there is no file {path}.")
    read = _reader(suffix)
    failures: tuple[type[Exception], ...] = (OSError, ValueError, csv.Error, *_library_errors())
    try:
        if suffix == ".csv":
            _check_header(path)
        return read(path)
    except DataError:
        raise
    except failures as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"cannot read {path} as a file of kind {suffix}: {reason}") from error


def _reader(suffix: str) -> Reader:
    for library, reader in _READERS[suffix].items():
        if importlib.util.find_spec(library) is not None:
            return reader
    raise DataError(
        f"reading {suffix} files needs polars, pyarrow or pandas, and none of them is "
        "installed: pip install polars"
    )


def _check_header(path: Path) -> None:
    """Refuse two columns of one name, which libraries rename, each in its own way."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        names = next((row for row in csv.reader(lines) if row), [])
    doubled = next((name for name, count in Counter(names).items() if count > 1), None)
    if doubled is not None:
        raise SchemaError(
            f"{names.count(doubled)} columns of {path} are named {doubled!r}: names must be unique."
        )


def _library_errors() -> tuple[type[Exception], ...]:
    """Return the errors that are no ValueError: those of polars have a root of their own."""
    if importlib.util.find_spec("polars") is None:
        return ()
    from polars.exceptions import PolarsError

    return (PolarsError,)
