"""Memories as plain values, and back."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch.detectors.state import plain, restored
from modelwatch.errors import FormatError


class Pair(NamedTuple):
    n: int
    share: float


@dataclass
class Inner:
    pairs: list[Pair]
    rows: list[list[tuple[int, float]]]


@dataclass
class Memory:
    count: int
    level: float
    name: str
    told: bool
    way: Literal["up", "down"] | None
    lowest: float | None
    inner: Inner
    values: npt.NDArray[np.float64]
    options: dict[str, Any]


def memory(**changed: Any) -> dict[str, Any]:
    """Return the plain values of a memory, with some of them changed."""
    inner = Inner([Pair(1, 0.5)], [[(2, 1.5)], []])
    whole = Memory(3, 0.25, "x", True, "up", None, inner, np.array([1.0, 2.0]), {"k": 1})
    return {**json.loads(json.dumps(plain(whole))), **changed}


def test_each_kind_of_field_comes_back_in_its_own_type() -> None:
    """Through JSON too, where tuples are lists."""
    found = restored(Memory, memory(), "it")
    assert found.inner == Inner([Pair(1, 0.5)], [[(2, 1.5)], []])
    assert isinstance(found.inner.pairs[0], Pair)
    assert found.values.dtype == np.float64
    assert plain(found) == memory()


@given(st.integers(0, 2**53), st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_come_back_exactly(count: int, level: float) -> None:
    """Counts up to 2**53, and all finite floats."""
    found = restored(Memory, json.loads(json.dumps(memory(count=count, level=level))), "it")
    assert (found.count, found.level) == (count, level)


def test_a_whole_number_is_read_as_a_float_where_one_is_expected() -> None:
    """JSON writers may leave out the fraction."""
    assert isinstance(restored(Memory, memory(level=2), "it").level, float)


@pytest.mark.parametrize(
    "changed",
    [
        {"count": -1},
        {"count": 1.0},
        {"count": True},
        {"count": 2**53 + 1},
        {"level": math.nan},
        {"level": -math.inf},
        {"level": 10**400},
        {"level": "1"},
        {"name": None},
        {"told": 1},
        {"way": "left"},
        {"lowest": "none"},
        {"inner": []},
        {"inner": {"pairs": [[1]], "rows": []}},
        {"inner": {"pairs": [[0.5, 0.5]], "rows": []}},
        {"inner": {"pairs": [], "rows": [3]}},
        {"values": [1.0, None]},
        {"values": 1.0},
        {"options": []},
        {"further": 1},
    ],
    ids=str,
)
def test_a_damaged_field_is_refused(changed: dict[str, Any]) -> None:
    """With a message that says that the state is damaged, and where."""
    with pytest.raises(FormatError, match="the state is damaged: "):
        restored(Memory, memory(**changed), "it")


def test_a_missing_field_is_refused() -> None:
    """All fields are needed."""
    body = memory()
    del body["way"]
    with pytest.raises(FormatError, match="an object of count, level"):
        restored(Memory, body, "it")
