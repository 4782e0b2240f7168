from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from modelwatch.tables.tensors import array_of, is_tensor
from tests.tensors import FakeTensor


class Foreign:
    """An array of a library that only knows numpy's protocol, as that of jax does."""

    shape = (2,)

    def __init__(self, dtype: Any = np.float32) -> None:
        self._values = np.array([1.5, 2.5], dtype=dtype)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return self._values


@pytest.mark.parametrize(
    ("tensor", "expected"),
    [
        (FakeTensor([1.5, 2.5]), [1.5, 2.5]),
        (FakeTensor([1.5, 2.5], requires_grad=True), [1.5, 2.5]),
        (FakeTensor([1.5, 2.5], requires_grad=True, bfloat16=True), [1.5, 2.5]),
        (FakeTensor(2.5), 2.5),
        (Foreign(), [1.5, 2.5]),
        (Foreign(np.float16), [1.5, 2.5]),
    ],
)
def test_a_tensor_is_read_without_its_library(tensor: object, expected: object) -> None:
    """With a gradient, of a number type that numpy lacks, or by numpy's protocol alone."""
    assert is_tensor(tensor)
    assert array_of(tensor).tolist() == expected
    assert "torch" not in sys.modules


def test_what_is_read_is_a_copy() -> None:
    """A tensor that is overwritten later does not change what was read."""
    tensor = FakeTensor(np.array([1.0, 2.0]))
    found = array_of(tensor)
    tensor.fill_(-9.0)
    assert found.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    "value",
    [
        np.zeros(2),
        np.float64(1.0),
        pd.DataFrame({"a": [1]}),
        pd.Series([1]),
        pl.DataFrame({"a": [1]}),
        pl.Series([1]),
        pa.table({"a": [1]}),
        pa.array([1]),
        pa.chunked_array([[1]]),
        [1.0],
        "text",
        None,
        object(),
    ],
)
def test_what_is_read_in_another_way_is_no_tensor(value: object) -> None:
    """Arrays of numpy, frames, their columns, and values that are no array at all."""
    assert not is_tensor(value)
