"""Columns of frames of every library and type."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from modelwatch.errors import DataError
from modelwatch.tables.columns import CategoricalColumn, categorical_column, numeric_column
from modelwatch.tables.frames import columns_of_frame
from modelwatch.tables.value_kinds import infer_kind

DAY = dt.datetime.fromisoformat("2020-01-01")
ZONE = dt.timezone(dt.timedelta(hours=2))
SECONDS = 1577836800.0


def pandas_series(values: list[Any], dtype: Any) -> Any:
    """Return a pandas series of a dtype."""
    return pd.Series(values, dtype=dtype)


CATEGORIES: dict[str, tuple[Any, list[str | None]]] = {
    "pandas category of integers": (
        pd.Series([3, 1, None], dtype="Int64").astype("category"),
        ["3", "1", None],
    ),
    "pandas category of floats": (
        pd.Series([3.0, 1.5, None]).astype("category"),
        ["3", "1.5", None],
    ),
    "pandas category of texts": (pd.Series(["a", "b", None], dtype="category"), ["a", "b", None]),
    "pandas category of booleans": (
        pd.Series([True, False, None]).astype("category"),
        ["true", "false", None],
    ),
    "pandas category of times": (pd.Series([DAY, None]).astype("category"), [str(DAY), None]),
    "pandas bool": (pd.Series([True, False]), ["true", "false"]),
    "pandas boolean": (pd.Series([True, None], dtype="boolean"), ["true", None]),
    "pandas object booleans": (pd.Series([True, None], dtype=object), ["true", None]),
    "pandas str": (pd.Series(["a", None]), ["a", None]),
    "pandas object": (pd.Series(["a", None, "b"], dtype=object), ["a", None, "b"]),
    "pandas string": (pd.Series(["a", None], dtype="string"), ["a", None]),
    "pandas arrow string": (pandas_series(["a", None], pd.ArrowDtype(pa.string())), ["a", None]),
    "pandas arrow bool": (pandas_series([True, None], "bool[pyarrow]"), ["true", None]),
    "pandas arrow dictionary": (
        pandas_series([4, None], pd.ArrowDtype(pa.dictionary(pa.int8(), pa.int64()))),
        ["4", None],
    ),
    "polars string": (pl.Series(["a", None, "b"]), ["a", None, "b"]),
    "polars categorical": (pl.Series(["a", None, "b"], dtype=pl.Categorical), ["a", None, "b"]),
    "polars enum": (pl.Series(["b", None], dtype=pl.Enum(["a", "b"])), ["b", None]),
    "polars boolean": (pl.Series([True, None]), ["true", None]),
    "arrow string": (pa.array(["a", None, "b"]), ["a", None, "b"]),
    "arrow large string": (pa.array(["a", None], pa.large_string()), ["a", None]),
    "arrow dictionary of integers": (pa.array([4, None, 4]).dictionary_encode(), ["4", None, "4"]),
    "arrow boolean": (pa.array([True, None]), ["true", None]),
}

NUMBERS: dict[str, tuple[Any, list[float | None], str]] = {
    "pandas float": (pd.Series([1.5, math.nan]), [1.5, None], "nan"),
    "pandas Int64": (pd.Series([1, None], dtype="Int64"), [1.0, None], "null"),
    "pandas Float64": (pd.Series([1.5, None], dtype="Float64"), [1.5, None], "null"),
    "pandas arrow int": (pandas_series([1, None], "int64[pyarrow]"), [1.0, None], "null"),
    "pandas times": (pd.Series([DAY, None]), [SECONDS, None], "null"),
    "pandas zoned times": (
        pd.Series([DAY.replace(tzinfo=ZONE), None]),
        [SECONDS - 7200, None],
        "null",
    ),
    "pandas durations": (pd.Series([dt.timedelta(minutes=1), None]), [60.0, None], "null"),
    "pandas dates": (pd.Series([DAY.date(), None], dtype=object), [SECONDS, None], "null"),
    "pandas arrow times": (
        pandas_series([DAY, None], "timestamp[ns][pyarrow]"),
        [SECONDS, None],
        "null",
    ),
    "pandas arrow dates": (
        pandas_series([DAY.date(), None], pd.ArrowDtype(pa.date32())),
        [SECONDS, None],
        "null",
    ),
    "pandas decimals": (pd.Series([Decimal("1.5"), None]), [1.5, None], "null"),
    "pandas arrow decimals": (
        pandas_series([Decimal("1.5"), None], pd.ArrowDtype(pa.decimal128(5, 2))),
        [1.5, None],
        "null",
    ),
    "polars float": (pl.Series([1.5, None, math.nan]), [1.5, None, None], "null"),
    "polars Int128": (pl.Series([1, None], dtype=pl.Int128), [1.0, None], "null"),
    "polars decimal": (pl.Series([Decimal("1.5"), None]), [1.5, None], "null"),
    "polars times": (pl.Series([DAY, None]), [SECONDS, None], "null"),
    "polars zoned": (pl.Series([DAY.replace(tzinfo=dt.UTC), None]), [SECONDS, None], "null"),
    "polars dates": (pl.Series([DAY.date(), None]), [SECONDS, None], "null"),
    "polars durations": (pl.Series([dt.timedelta(minutes=1), None]), [60.0, None], "null"),
    "arrow double": (pa.array([1.5, None]), [1.5, None], "null"),
    "arrow times": (pa.array([DAY, None]), [SECONDS, None], "null"),
    "arrow dates": (pa.array([DAY.date(), None]), [SECONDS, None], "null"),
    "arrow durations": (pa.array([dt.timedelta(minutes=1), None]), [60.0, None], "null"),
    "arrow decimal": (pa.array([Decimal("1.5"), None]), [1.5, None], "null"),
    "arrow half": (pa.array([np.float16(1.5), None]), [1.5, None], "null"),
}


def frame_of(series: Any) -> Any:
    """Return a frame of the series' own library with it as column x."""
    if isinstance(series, pd.Series):
        return pd.DataFrame({"x": series})
    return pl.DataFrame({"x": series}) if isinstance(series, pl.Series) else pa.table({"x": series})


@pytest.mark.parametrize("name", CATEGORIES)
def test_categories_are_categories(name: str) -> None:
    """Texts, booleans and declared categories, of integers too, with and without missing values."""
    series, keys = CATEGORIES[name]
    for frame in (frame_of(series), frame_of(series[: len(series) - 1])):
        values = columns_of_frame(frame)["x"]
        rows = len(values)
        assert infer_kind(values) == "categorical"
        column = categorical_column(values)
        assert column.keys == keys[:rows]
        assert column.missing == ({"null": 1} if None in keys[:rows] else {})


@pytest.mark.parametrize("dtype", ["str", "string[pyarrow]", "string[python]", object])
def test_texts_of_pandas_are_read_alike_in_whatever_memory(dtype: Any) -> None:
    """Texts with nulls, put together of several frames, and none at all."""
    parts = [pandas_series(values, dtype) for values in (["b", None, "a"], ["a", "c"], [None])]
    column = columns_of_frame(pd.DataFrame({"text": pd.concat(parts)}))["text"]
    read = categorical_column(column, text=True)
    assert read.keys == ["b", None, "a", "a", "c", None]
    assert read.counts == {"a": 2, "b": 1, "c": 1}
    empty = columns_of_frame(pd.DataFrame({"text": pandas_series([], dtype)}))["text"]
    assert list(empty) == []


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_and_times_are_numbers(name: str) -> None:
    """Numbers, decimals, times in UTC seconds and durations, with and without a missing value."""
    series, numbers, reason = NUMBERS[name]
    for rows in (len(series), 1):
        values = columns_of_frame(frame_of(series[:rows]))["x"]
        assert infer_kind(values) == "numeric"
        column = numeric_column(values)
        assert column.finite.tolist() == [number for number in numbers[:rows] if number is not None]
        if rows > 1:
            assert {str(key): rows for key, rows in column.missing.items()}[reason] >= 1
            assert sum(column.missing.values()) == numbers.count(None)


def test_null_stays_apart_from_nan() -> None:
    """Frames that tell null from NaN are read so."""
    values = columns_of_frame(pl.DataFrame({"x": [1.0, None, math.nan]}))["x"]
    assert numeric_column(values).missing == {"null": 1, "nan": 1}


def test_a_column_of_mixed_values_is_read_value_by_value() -> None:
    """A pandas column of objects may hold anything; what is no category has a wrong type."""
    frame = pd.DataFrame({"x": pd.Series(["a", 3, None, b"b", [1]], dtype=object)})
    column = categorical_column(columns_of_frame(frame)["x"], text=True)
    assert column.keys == ["a", None, None, None, None]
    assert column.missing == {"wrong_type": 3, "null": 1}


def test_texts_that_are_mostly_nan_are_texts() -> None:
    """NaN in a column of objects stands for no value, and does not make it one of numbers."""
    frame = pd.DataFrame({"x": pd.Series([math.nan, math.nan, "a"], dtype=object)})
    assert infer_kind(columns_of_frame(frame)["x"]) == "categorical"


@pytest.mark.parametrize("data", [3, object()])
def test_what_is_no_frame_is_refused(data: object) -> None:
    """The message names what can be given."""
    with pytest.raises(DataError, match="give a pandas or polars frame"):
        columns_of_frame(data)


def test_a_categorical_column_counts_as_it_lists() -> None:
    """Counts and codes of coded values are those of the keys."""
    column = categorical_column(columns_of_frame(pl.DataFrame({"x": ["b", "a", None, "b"]}))["x"])
    plain = CategoricalColumn(column.keys, column.missing)
    for one in (column, plain):
        assert dict(one.counts) == {"b": 2, "a": 1}
        assert list(one.counts) == ["b", "a"]
        assert one.codes({"a": 0}, 7).tolist() == [7, 0, -1, 7]
