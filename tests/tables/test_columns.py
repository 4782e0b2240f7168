"""Tables of any kind in, columns out."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from modelwatch.errors import DataError, SchemaError
from modelwatch.tables.columns import ABSENT, categorical_column, category_key, numeric_column
from modelwatch.tables.raw_columns import raw_columns
from modelwatch.tables.value_kinds import holds_text, infer_kind

COLUMNS: dict[str, list[Any]] = {
    "amount": [1.5, None, 3.0],
    "count": [1, 2, 3],
    "country": ["de", None, "fr"],
    "active": [True, False, None],
    "at": [dt.datetime(2020, 1, 1, tzinfo=dt.UTC)] * 3,
}
TABLES: dict[str, Callable[[], object]] = {
    "mapping": lambda: COLUMNS,
    "rows": lambda: [
        dict(zip(COLUMNS, row, strict=True)) for row in zip(*COLUMNS.values(), strict=True)
    ],
    "pandas": lambda: pd.DataFrame(COLUMNS),
    "pandas nullable": lambda: pd.DataFrame(COLUMNS).convert_dtypes(),
    "pandas category": lambda: pd.DataFrame(COLUMNS).astype({"country": "category"}),
    "polars": lambda: pl.DataFrame(COLUMNS),
    "arrow table": lambda: pa.table(COLUMNS),
    "arrow batch": lambda: pa.RecordBatch.from_pydict(COLUMNS),
}


@pytest.mark.parametrize("name", TABLES)
def test_every_kind_of_table_reads_alike(name: str) -> None:
    """Numbers, texts, booleans, times and missing values are the same from any container."""
    columns = raw_columns(TABLES[name]())
    kinds = {column: infer_kind(values) for column, values in columns.items()}
    assert kinds == {
        "amount": "numeric",
        "count": "numeric",
        "country": "categorical",
        "active": "categorical",
        "at": "numeric",
    }
    amount = numeric_column(columns["amount"])
    assert amount.finite.tolist() == [1.5, 3.0]
    assert sum(amount.missing.values()) == 1
    assert categorical_column(columns["country"]).keys == ["de", None, "fr"]
    assert categorical_column(columns["active"]).keys == ["true", "false", None]
    assert numeric_column(columns["at"]).finite.tolist() == [1577836800.0] * 3


def test_rows_may_lack_keys() -> None:
    """A key that one row lacks is absent there, not null."""
    columns = raw_columns([{"a": 1.0}, {"b": "x"}])
    assert numeric_column(columns["a"]).missing == {"absent": 1}
    assert categorical_column(columns["b"]).missing == {"absent": 1}


def test_missing_values_are_told_apart() -> None:
    """None, NaN, infinities, absence and other types are each counted by their reason."""
    column = numeric_column([1.0, None, math.nan, math.inf, -math.inf, ABSENT, "7", [1], 2])
    assert column.missing == {"null": 1, "nan": 1, "inf": 2, "absent": 1, "wrong_type": 2}
    assert column.finite.tolist() == [1.0, 2.0]


def test_a_text_of_digits_is_no_number() -> None:
    """The service that sends "12" for 12 has a type fault, and it shows."""
    assert numeric_column(["12", "13"]).missing == {"wrong_type": 2}
    assert numeric_column(np.array(["12"])).missing == {"wrong_type": 1}


@pytest.mark.parametrize("value", [3, np.int64(3), np.float32(3), Decimal(3), True + 2])
def test_numbers_of_many_types_are_numbers(value: object) -> None:
    """Python, numpy and decimal numbers are read alike."""
    assert numeric_column([value, None]).finite.tolist() == [3.0]


def test_times_are_seconds_since_1970() -> None:
    """From Python, numpy and pandas, alone or in arrays, and NaT is missing."""
    moment = np.datetime64("1970-01-02T00:00:00", "ns")
    values = [moment, dt.datetime(1970, 1, 2, tzinfo=dt.UTC), pd.Timestamp("1970-01-02")]
    assert numeric_column(values).finite.tolist() == [86_400.0] * 3
    assert numeric_column([np.datetime64("NaT"), pd.NaT]).missing == {"nan": 1, "null": 1}
    assert numeric_column(np.array([moment, "NaT"], "M8[s]")).missing == {"nan": 1}


def test_an_integer_beyond_every_float_is_infinite() -> None:
    """It is counted missing, with its reason, and does not break the batch."""
    assert numeric_column([1.0, 10**400]).missing == {"inf": 1}


def test_categories_of_a_wrong_type_are_told() -> None:
    """Where training had texts a number is of a wrong type, and the other way round."""
    assert categorical_column(["a", 3], text=True).missing == {"wrong_type": 1}
    assert categorical_column(["a", 3], text=False).missing == {"wrong_type": 1}
    assert categorical_column(["a", 3]).keys == ["a", "3"]
    assert categorical_column([["a"], b"a", {"a": 1}]).missing == {"wrong_type": 3}


def test_category_keys_are_stable_across_types() -> None:
    """A class that was an integer in training and a float in serving has one key."""
    assert {category_key(value) for value in (3, 3.0, np.int8(3), "3")} == {"3"}
    assert category_key(np.bool_(False)) == "false"


def test_text_is_told_from_numbers() -> None:
    """Categories are texts where most of them are."""
    assert holds_text(["a", None, 3, "b"])
    assert not holds_text([1, 2, True])


@pytest.mark.parametrize("make", [list, np.array, pd.Series, pl.Series, pa.array])
def test_columns_of_a_mapping_may_be_of_any_kind(make: Callable[[list[str]], object]) -> None:
    """Lists, arrays and series of texts are read alike."""
    columns = raw_columns({"a": make(["x", "y"])})
    assert categorical_column(columns["a"]).keys == ["x", "y"]


def test_two_columns_of_one_name_are_refused() -> None:
    """A pandas frame may hold a name twice; which is meant cannot be known."""
    frame = pd.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(SchemaError, match="'a'"):
        raw_columns(frame)


def test_columns_of_different_lengths_are_refused() -> None:
    """The message names a short and a long column."""
    with pytest.raises(SchemaError, match="'a' has 1 rows, 'b' has 2"):
        raw_columns({"a": [1], "b": [1, 2]})


def test_a_name_that_is_no_text_is_refused() -> None:
    """Column names are texts everywhere, on the wire too."""
    with pytest.raises(SchemaError, match="rename"):
        raw_columns({1: [1]})


@pytest.mark.parametrize("data", [3, "rows.csv", [1, 2], object(), {"a": 3}])
def test_what_is_no_table_is_refused(data: object) -> None:
    """The message says what can be given instead."""
    with pytest.raises(DataError, match="give"):
        raw_columns(data)
