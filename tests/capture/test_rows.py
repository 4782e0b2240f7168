from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, TypedDict

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pydantic import BaseModel, ConfigDict

from modelwatch.capture.rows import Batch, Row, RowReader
from modelwatch.errors import DataError
from modelwatch.tables.columns import ABSENT
from modelwatch.tables.compact_columns import CodedColumn
from tests.tensors import FakeTensor
from tests.watched import MakeWatch, Watched

ROWS = [{"a": 1.0, "b": "x"}, {"a": 2.0, "b": "y"}]


class Model(BaseModel):
    """A row that takes further fields."""

    model_config = ConfigDict(extra="allow")
    a: float
    b: str


@dataclasses.dataclass(slots=True)
class Slotted:
    """A row without a dict."""

    a: float
    b: str


class Named(NamedTuple):
    """A row as a named tuple."""

    b: str
    a: float


@pytest.fixture
def reader() -> RowReader:
    """Reads rows of two features."""
    return RowReader(["a", "b"])


@pytest.mark.parametrize(
    "value",
    [
        {"b": "x", "a": 1.0},
        Model(a=1.0, b="x"),
        Slotted(a=1.0, b="x"),
        Named(a=1.0, b="x"),
        [1.0, 2.0],
        np.array([1.0, 2.0]),
    ],
)
def test_one_row_is_read_from_any_type(reader: RowReader, value: object) -> None:
    """A row's values come in the order of the features, whatever holds them."""
    found = reader.read(value)
    assert isinstance(found, Row)
    assert found.values in {(1.0, "x"), (1.0, 2.0)}
    assert found.extras is None


@dataclasses.dataclass
class Open:
    """A row as a dataclass with a dict."""

    a: float
    b: str


class Typed(TypedDict):
    """A row as a typed dict."""

    a: float
    b: str


@pytest.mark.parametrize(
    "row",
    [
        Typed(a=1.0, b="x"),
        MappingProxyType({"a": 1.0, "b": "x"}),
        Open(a=1.0, b="x"),
        {"a": FakeTensor(1.0, requires_grad=True), "b": "x"},
        {"a": np.array(1.0), "b": "x"},
        pd.DataFrame({"a": [1.0], "b": ["x"]}),
        pd.DataFrame({"b": ["x"], "a": [1.0]}, index=[17]),
        pl.DataFrame({"a": [1.0], "b": ["x"]}),
        pa.table({"a": [1.0], "b": ["x"]}),
        pa.RecordBatch.from_pylist([{"a": 1.0, "b": "x"}]),
        [{"a": 1.0, "b": "x"}],
        [Open(a=1.0, b="x")],
        {"a": [1.0], "b": ["x"]},
        np.array([[1.0, "x"]], dtype=object),
    ],
)
def test_a_batch_of_one_row_is_that_row(reader: RowReader, row: object) -> None:
    """A frame, a list or columns of one row cost what a row costs, not what a batch does."""
    assert reader.read(row) == Row((1.0, "x"))


@pytest.mark.parametrize(
    "make",
    [
        lambda rows: [Slotted(**row) for row in rows],
        lambda rows: [Open(**row) for row in rows],
        lambda rows: [Named(**row) for row in rows],
        lambda rows: [Typed(a=row["a"], b=row["b"]) for row in rows],
        lambda rows: tuple(rows),
        lambda rows: pa.RecordBatch.from_pylist(rows),
        lambda rows: pd.DataFrame(rows).convert_dtypes(),
        lambda rows: pd.DataFrame(rows).astype({"b": "category"}),
        lambda rows: pl.DataFrame(rows).with_columns(pl.col("b").cast(pl.Categorical)),
    ],
)
def test_a_batch_of_structured_rows_is_read(
    reader: RowReader, make: Callable[[list[dict[str, Any]]], object]
) -> None:
    """Dataclasses, named tuples, typed dicts, and frames with types of their own."""
    found = reader.read(make(ROWS))
    assert isinstance(found, Batch)
    assert {name: list(column) for name, column in found.columns.items()} == COLUMNS


def test_tensors_are_rows_and_batches() -> None:
    """One row, a batch, columns and a list of rows; as arrays would be."""
    reader = RowReader(["a", "b"])
    tensor = FakeTensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True, bfloat16=True)
    columns = {"a": FakeTensor([1.0, 3.0]), "b": FakeTensor([2.0, 4.0], requires_grad=True)}
    rows = [FakeTensor([1.0, 2.0]), FakeTensor([3.0, 4.0])]
    assert reader.read(FakeTensor([1.0, 2.0])) == Row((1.0, 2.0))
    for value in (tensor, columns, rows):
        found = reader.read(value)
        assert isinstance(found, Batch)
        assert {name: list(column) for name, column in found.columns.items()} == {
            "a": [1.0, 3.0],
            "b": [2.0, 4.0],
        }


def test_tensors_are_kept_as_they_were_before_the_call(make_watch: MakeWatch) -> None:
    """A function that overwrites its tensor in place does not change what is captured."""
    watched = make_watch(baseline=None, feature_names=["a", "b"])

    @watched.watch
    def predict(batch: FakeTensor) -> FakeTensor:
        batch.fill_(-9.0)
        return batch

    tensor = FakeTensor(np.full((4, 2), 0.25))
    assert predict(tensor) is tensor
    moments = watched.profile().features["a"].moments
    assert moments is not None
    assert (moments.n, moments.minimum) == (4, 0.25)


@pytest.mark.parametrize("rows", [3, 5_000])
@pytest.mark.parametrize("order", ["C", "F"])
def test_large_arrays_are_copied_by_column(rows: int, order: Literal["C", "F"]) -> None:
    """In either order in memory, whole or in blocks, columns come out as they were."""
    array = np.array(np.arange(rows * 3.0).reshape(rows, 3), order=order)
    found = RowReader(["a", "b", "c"]).read(array)
    assert isinstance(found, Batch)
    expected = array.copy()
    array[:] = -1.0
    for place, column in enumerate(found.columns.values()):
        np.testing.assert_array_equal(np.asarray(column), expected[:, place])
        assert np.asarray(column).flags.c_contiguous


def test_a_frame_of_many_rows_keeps_its_nulls_and_is_a_copy() -> None:
    """Compact columns are copied as such; what the caller writes later changes none."""
    frame = pd.DataFrame({"a": [1.0, 2.0] * 400, "b": pd.Categorical(["x", None] * 400)})
    found = RowReader(["a", "b"]).read(frame)
    assert isinstance(found, Batch)
    frame.loc[:, "a"] = -1.0
    frame.loc[:, "b"] = "x"
    assert list(found.columns["a"])[:2] == [1.0, 2.0]
    assert isinstance(found.columns["b"], CodedColumn)
    assert list(found.columns["b"])[:2] == ["x", None]


def test_absent_and_extra_features_are_kept(reader: RowReader) -> None:
    """What a row lacks is absent, and what it has beyond is kept apart."""
    assert reader.read({"a": 1.0}) == Row((1.0, ABSENT), None)
    assert reader.read({"a": 1.0, "c": 3}) == Row((1.0, ABSENT), {"c": 3})
    assert reader.read(Model.model_validate({"a": 1.0, "b": "x", "c": 3})) == Row(
        (1.0, "x"), {"c": 3}
    )


@pytest.mark.parametrize(
    "make",
    [
        list,
        tuple,
        lambda rows: [Model(**row) for row in rows],
        lambda rows: [[row["a"], row["b"]] for row in rows],
        pd.DataFrame,
        pl.DataFrame,
        pa.Table.from_pylist,
    ],
)
def test_a_batch_is_read_from_any_type(
    reader: RowReader, make: Callable[[list[dict[str, Any]]], object]
) -> None:
    """Lists of rows and tables become columns by feature."""
    found = reader.read(make(ROWS))
    assert isinstance(found, Batch)
    assert found.rows == 2
    assert {name: list(column) for name, column in found.columns.items()} == {
        "a": [1.0, 2.0],
        "b": ["x", "y"],
    }


COLUMNS = {"a": [1.0, 2.0], "b": ["x", "y"]}
RECORDS = np.array([(1.0, "x"), (2.0, "y")], dtype=[("a", "f8"), ("b", "U4")])


class Columns(BaseModel):
    """A batch as the body of a request may hold it."""

    a: list[float]
    b: list[str]


@pytest.mark.parametrize(
    "value",
    [
        COLUMNS,
        {"b": ("x", "y"), "a": np.array([1.0, 2.0])},
        {"a": pd.Series([1.0, 2.0]), "b": pl.Series(["x", "y"])},
        {"a": pa.array([1.0, 2.0]), "b": ["x", "y"]},
        Columns(a=[1.0, 2.0], b=["x", "y"]),
        RECORDS,
        RECORDS.view(np.recarray),
        list(RECORDS),
        [row for _, row in pd.DataFrame(COLUMNS).iterrows()],
    ],
)
def test_a_batch_of_columns_or_records_is_read(reader: RowReader, value: object) -> None:
    """Columns by name, records and Series are as many rows as they have, not one of odd values."""
    found = reader.read(value)
    assert isinstance(found, Batch)
    assert found.rows == 2
    assert {name: list(column) for name, column in found.columns.items()} == COLUMNS


@pytest.mark.parametrize(
    "value",
    [
        [1.0, "x"],
        (1.0, "x"),
        np.array([1.0, "x"], dtype=object),
        pd.Series({"b": "x", "a": 1.0}),
        pd.Series([1.0, "x"]),
        RECORDS[0],
        RECORDS[0].copy().reshape(()),
    ],
)
def test_one_row_of_mixed_values_is_read(reader: RowReader, value: object) -> None:
    """Values in the order of the features, or named by an index or a record, are one row."""
    assert reader.read(value) == Row((1.0, "x"), None)


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1.0, 2.0], "b": "x"},
        {"a": np.zeros((2, 2)), "b": "x"},
        {"a": {"c": 1.0}, "b": "x"},
        {"a": b"bytes", "b": "x"},
    ],
)
def test_what_is_no_batch_of_columns_stays_one_row(
    reader: RowReader, value: dict[str, Any]
) -> None:
    """Columns are only taken for such where all are; a list in a row is of a wrong type.

    What is large or may change is not kept.
    """
    assert reader.read(value) == Row((b"", "x"), None)


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1.0, 2.0], "b": [1.0]},
        {"a": np.zeros((2, 2)), "b": np.zeros((2, 2))},
        {"a": [1.0, 2.0], "b": np.zeros((2, 2))},
    ],
)
def test_lists_that_may_be_one_row_or_several_are_refused(
    reader: RowReader, value: dict[str, Any]
) -> None:
    """Where each feature is a list and they are no columns, the error says what to give."""
    with pytest.raises(DataError, match=r"one row or several .*'a': 2.*extractors"):
        reader.read(value)


@pytest.mark.parametrize(
    "value",
    [
        [1.0, "x", "y"],
        [1.0, {"a": 1.0}],
        pd.Series([1.0, 2.0], index=["customer 1", "customer 2"]),
        pd.Series([1.0, 2.0, 3.0]),
        np.zeros(2, dtype=[("a", "f8", (3,)), ("b", "f8")]),
        np.zeros((2, 2), dtype=[("a", "f8"), ("b", "f8")]),
    ],
)
def test_what_is_not_clear_is_not_guessed(reader: RowReader, value: object) -> None:
    """Values that may belong to other features are refused, and the error says what to give."""
    with pytest.raises(DataError, match="give"):
        reader.read(value)


@pytest.mark.parametrize("has_baseline", [True, False])
@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("make", [list, np.array, pd.Series])
def test_a_dict_of_columns_is_a_batch_for_a_watch(
    make_watch: MakeWatch, size: int, make: Any, *, has_baseline: bool
) -> None:
    """A watched function may take its batch as a dict of columns, from the first call on."""
    watched = make_watch() if has_baseline else make_watch(baseline=None)

    @watched.watch
    def predict(features: dict[str, Any]) -> list[float]:
        return [0.5] * size

    for _ in range(2):
        predict({"amount": make([100.0] * size), "count": make([4] * size)})
    profile = watched.profile()
    amount = profile.features["amount"]
    assert (profile.rows, profile.predictions) == (2 * size, {"": 2})
    assert (amount.observed, amount.missing, amount.outliers) == (2 * size, {}, {})


def test_an_array_is_read_by_position() -> None:
    """The columns of a 2-D array are the baseline's inputs, in order."""
    found = RowReader(["a", "b", "c"]).read(np.arange(6.0).reshape(2, 3))
    assert isinstance(found, Batch)
    assert {name: list(column) for name, column in found.columns.items()} == {
        "a": [0.0, 3.0],
        "b": [1.0, 4.0],
        "c": [2.0, 5.0],
    }


@pytest.mark.parametrize("value", ["text", 3, None, object(), np.zeros((2, 3)), [1.0, 2.0, 3.0]])
def test_what_holds_no_features_is_refused(reader: RowReader, value: object) -> None:
    """A value of another type or size is an error that says what to give."""
    with pytest.raises(DataError, match="give"):
        reader.read(value)


def test_a_text_is_never_taken_for_a_file(reader: RowReader, tmp_path: Path) -> None:
    """What a client sends is not opened, even where a file has that name."""
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n1.0,x\n", encoding="utf-8")
    for value in (path, str(path)):
        with pytest.raises(DataError, match="cannot read a"):
            reader.read(value)


def _changed_dict(row: dict[str, Any]) -> float:
    row["amount"] = -1e9
    return 0.5


def _changed_list(rows: list[dict[str, Any]]) -> list[float]:
    result = [0.5 for _ in rows]
    rows[0]["amount"] = -1e9
    rows.clear()
    return result


def _changed_frame(frame: pd.DataFrame) -> list[float]:
    frame.loc[:, "amount"] = -1e9
    return [0.5] * len(frame)


def _changed_array(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    array[:] = -1e9
    return np.full(len(array), 0.5)


@pytest.mark.parametrize(
    ("function", "wrap"),
    [
        (_changed_dict, dict),
        (_changed_list, lambda row: [row]),
        (_changed_frame, lambda row: pd.DataFrame([row])),
    ],
)
def test_rows_are_kept_as_they_were_before_the_call(
    watched: Watched, row: dict[str, Any], function: Any, wrap: Any
) -> None:
    """A function that changes its argument does not change what is captured."""
    watched.watch(function)(wrap(row))
    profile = watched.profile()
    amount = profile.features["amount"].moments
    assert amount is not None
    assert (amount.minimum, amount.maximum) == (100.0, 100.0)


def test_arrays_are_kept_as_they_were_before_the_call(make_watch: MakeWatch) -> None:
    """Likewise for arrays, and for a returned array that the caller changes."""
    import modelwatch as mw

    random = np.random.default_rng(0)
    data = {"a": random.normal(size=500), "b": random.normal(size=500), "y": random.random(500)}
    baseline = mw.Baseline.fit(data, model="m", version="1", score="y")
    watched = make_watch(baseline=baseline)
    result = watched.watch(_changed_array)(np.full((4, 2), 0.25))
    result[:] = -7.0
    features = watched.profile().features
    for name, value in (("a", 0.25), ("b", 0.25), ("y", 0.5)):
        moments = features[name].moments
        assert moments is not None
        assert (moments.n, moments.minimum, moments.maximum) == (4, value, value)
