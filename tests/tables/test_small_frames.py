from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from modelwatch.errors import SchemaError
from modelwatch.feature import FeatureSpec
from modelwatch.tables.columns import CategoricalColumn, RawColumn
from modelwatch.tables.raw_columns import quick_columns, raw_columns
from modelwatch.tables.small_frames import FEW_ROWS, is_small_frame

DAY = dt.datetime.fromisoformat("2024-05-17T12:30")
PANDAS: dict[str, Any] = {
    "floats": pd.Series([1.5, np.nan, np.inf]),
    "integers": pd.Series([1, 2, 3]),
    "small integers": pd.Series([1, 2, 3], dtype="uint8"),
    "booleans": pd.Series([True, False, True]),
    "nullable integers": pd.Series([1, None, 3], dtype="Int64"),
    "nullable floats": pd.Series([1.5, None, 3.0], dtype="Float64"),
    "nullable booleans": pd.Series([True, None, False], dtype="boolean"),
    "texts": pd.Series(["a", None, "b"], dtype="str"),
    "texts of python": pd.Series(["a", None, "b"], dtype="string"),
    "categories": pd.Series(["a", None, "b"], dtype="category"),
    "categories of integers": pd.Series([1, None, 2], dtype="category"),
    "times": pd.Series([DAY, None, DAY]),
    "times of a zone": pd.Series([DAY, None, DAY]).dt.tz_localize("Asia/Tokyo"),
    "durations": pd.Series([dt.timedelta(hours=1), None, dt.timedelta(0)]),
    "objects": pd.Series([1, "a", None], dtype=object),
    "objects with nan": pd.Series(["a", np.nan, "b"], dtype=object),
    "arrow floats": pd.Series([1.5, None, 2.0], dtype="double[pyarrow]"),
    "arrow texts": pd.Series(["a", None, "b"], dtype="string[pyarrow]"),
    "arrow booleans": pd.Series([True, None, False], dtype="bool[pyarrow]"),
    "arrow dictionary": pd.Series(
        pd.arrays.ArrowExtensionArray(pa.array([1, None, 2]).dictionary_encode())
    ),
}
POLARS: dict[str, pl.Series] = {
    "floats": pl.Series([1.5, None, float("nan")]),
    "integers": pl.Series([1, None, 3]),
    "texts": pl.Series(["a", None, "b"]),
    "booleans": pl.Series([True, None, False]),
    "categories": pl.Series(["a", None, "b"], dtype=pl.Categorical),
    "enum": pl.Series(["a", None, "b"], dtype=pl.Enum(["a", "b"])),
    "times": pl.Series([DAY, None, DAY]),
    "times of a zone": pl.Series([DAY, None, DAY]).dt.replace_time_zone("Asia/Tokyo"),
    "dates": pl.Series([DAY.date(), None, DAY.date()]),
    "durations": pl.Series([dt.timedelta(hours=1), None, dt.timedelta(0)]),
    "decimals": pl.Series(["1.5", None, "2.5"]).cast(pl.Decimal(10, 2)),
}


def _read(column: RawColumn) -> tuple[Any, ...]:
    """Return what a column that no baseline knows is read as."""
    spec = FeatureSpec.discovered("x", "input", column)
    found = spec.read(column)
    values = found.keys if isinstance(found, CategoricalColumn) else np.nan_to_num(found.values)
    return spec.kind, spec.limits.text, list(values), dict(found.missing)


def _check_same(frame: Any) -> None:
    assert is_small_frame(frame)
    quick, whole = quick_columns(frame), raw_columns(frame)
    assert quick.keys() == whole.keys()
    for name in whole:
        assert _read(quick[name]) == _read(whole[name])


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("name", PANDAS)
def test_pandas_columns_say_the_same_in_few_rows(name: str, rows: int) -> None:
    """Whatever their type: kind, numbers, categories, and what is missing for which reason.

    Alone, and among columns of other types.
    """
    series = PANDAS[name][:rows]
    _check_same(pd.DataFrame({"x": series}))
    _check_same(pd.DataFrame({"x": series, "y": [0.5] * rows, "z": ["t"] * rows}))


@pytest.mark.parametrize("name", POLARS)
def test_polars_and_arrow_columns_say_the_same_in_few_rows(name: str) -> None:
    """Likewise in polars, arrow tables and record batches."""
    frame = pl.DataFrame({"x": POLARS[name]})
    _check_same(frame)
    table = frame.to_arrow()
    _check_same(table)
    _check_same(table.to_batches()[0])


def test_a_frame_of_many_rows_is_read_by_column() -> None:
    """Nothing is read as objects beyond a bound; frames without a row are no small ones."""
    frame = pd.DataFrame({"x": np.arange(FEW_ROWS + 1)})
    assert not is_small_frame(frame)
    assert isinstance(quick_columns(frame)["x"], np.ndarray)
    assert not is_small_frame(frame[:0])


@pytest.mark.parametrize(
    "frame", [pd.DataFrame([[1, 2]], columns=["a", "a"]), pd.DataFrame([[1, 2]])]
)
def test_names_of_columns_are_checked(frame: pd.DataFrame) -> None:
    """Doubled names, and those that are no texts, are refused as in large frames."""
    with pytest.raises(SchemaError, match="column"):
        quick_columns(frame)


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
def test_a_small_frame_costs_a_fraction_of_reading_by_column(make: Callable[[Any], Any]) -> None:
    """Of 40 mixed columns: a third at most, where a tenth was measured."""
    columns = {f"f{i}": [0.5, 1.5] for i in range(20)} | {f"t{i}": ["a", "b"] for i in range(20)}
    frame = make(columns)

    def seconds(read: Callable[[Any], Any]) -> float:
        taken = []
        for _ in range(9):
            started = time.perf_counter()
            read(frame)
            taken.append(time.perf_counter() - started)
        return min(taken)

    assert seconds(quick_columns) < seconds(raw_columns) / 3


def test_nested_columns_of_frames_have_dotted_names() -> None:
    """Structures in polars and arrow are as many columns as they have fields, null where null."""
    rows = [{"id": 1, "user": {"age": 3, "home": {"city": "a"}}}, {"id": 2, "user": None}]
    frame = pl.DataFrame(rows)
    for table in (frame, frame.to_arrow()):
        for read in (raw_columns, quick_columns):
            found = {name: list(column) for name, column in read(table).items()}
            assert found == {"id": [1, 2], "user.age": [3, None], "user.home.city": ["a", None]}
