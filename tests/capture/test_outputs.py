from __future__ import annotations

import dataclasses
import enum
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pydantic import BaseModel

import modelwatch as mw
from modelwatch.capture.outputs import OutputReader, frozen
from modelwatch.tables.columns import ABSENT
from tests.tensors import FakeTensor


class Answer(BaseModel):
    """A response."""

    late: bool
    score: float


@dataclasses.dataclass
class Plain:
    """A result as a dataclass."""

    late: bool
    score: float


class Pair(NamedTuple):
    """A result as a named tuple."""

    late: bool
    score: float


class Color(enum.Enum):
    """A label."""

    RED = "red"


@pytest.fixture
def reader(baseline: mw.Baseline) -> OutputReader:
    """Maps on a label ``late`` and a score ``score``."""
    return OutputReader(baseline)


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (0.5, {"score": [0.5]}),
        (np.float32(0.5), {"score": [0.5]}),
        (True, {"late": [True]}),
        (1, {"late": [1]}),
        ("late", {"late": ["late"]}),
        (None, {"late": [None]}),
        ({"late": True, "score": 0.5, "request": "x"}, {"late": [True], "score": [0.5]}),
        ({"score": 0.5}, {"score": [0.5]}),
        (Answer(late=True, score=0.5), {"late": [True], "score": [0.5]}),
        (Plain(late=True, score=0.5), {"late": [True], "score": [0.5]}),
        ((True, 0.5), {"late": [True], "score": [0.5]}),
        ([0.5], {"score": [0.5]}),
        (np.array([0.5]), {"score": [0.5]}),
        (FakeTensor(0.5, requires_grad=True), {"score": [0.5]}),
        (FakeTensor([0.5]), {"score": [0.5]}),
        (FakeTensor([[0.9, 0.1]]), {"score": [0.1]}),
        ((FakeTensor(1), FakeTensor(0.5)), {"late": [1], "score": [0.5]}),
        ({"score": FakeTensor([0.5])}, {"score": [0.5]}),
        ((np.array([True]), np.array([0.5])), {"late": [True], "score": [0.5]}),
        (pd.DataFrame({"late": [True], "score": [0.5]}), {"late": [True], "score": [0.5]}),
        ([{"late": True, "score": 0.5}], {"late": [True], "score": [0.5]}),
        (Pair(late=True, score=0.5), {"late": [True], "score": [0.5]}),
        (Decimal("0.5"), {"late": [Decimal("0.5")]}),
        (np.zeros((1, 2, 3)), {"late": [b""]}),
        ({"other": 1}, {"late": [ABSENT], "score": [ABSENT]}),
        (object(), {"late": [b""]}),
    ],
)
def test_one_result_is_mapped_on_the_outputs(
    reader: OutputReader, output: object, expected: dict[str, list[object]]
) -> None:
    """Floats are scores, other values labels, and keys are names."""
    assert reader.columns([frozen(output)]) == expected


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ([0.1, 0.2], {"score": [0.1, 0.2]}),
        (np.array([0.1, 0.2]), {"score": [0.1, 0.2]}),
        (np.array([1, 0]), {"late": [1, 0]}),
        (np.array([[0.9, 0.1], [0.8, 0.2]]), {"score": [0.1, 0.2]}),
        (np.array([[0.1], [0.2]]), {"score": [0.1, 0.2]}),
        (([True, False], [0.1, 0.2]), {"late": [True, False], "score": [0.1, 0.2]}),
        ([(True, 0.1), (False, 0.2)], {"late": [True, False], "score": [0.1, 0.2]}),
        ([Answer(late=True, score=0.1)] * 2, {"late": [True] * 2, "score": [0.1] * 2}),
        ({"score": [0.1, 0.2]}, {"score": [0.1, 0.2]}),
        (pd.Series([0.1, 0.2]), {"score": [0.1, 0.2]}),
        (pd.DataFrame({"score": [0.1, 0.2]}), {"score": [0.1, 0.2]}),
        (pl.DataFrame({"score": [0.1, 0.2]}), {"score": [0.1, 0.2]}),
        (pa.table({"score": [0.1, 0.2]}), {"score": [0.1, 0.2]}),
        (pl.Series([0.1, 0.2]), {"score": [0.1, 0.2]}),
        (pa.array([0.1, 0.2]), {"score": [0.1, 0.2]}),
        (FakeTensor([0.5, 0.25], requires_grad=True), {"score": [0.5, 0.25]}),
        (FakeTensor([[0.5, 0.5], [0.75, 0.25]], bfloat16=True), {"score": [0.5, 0.25]}),
        ((FakeTensor([1, 0]), FakeTensor([0.5, 0.25])), {"late": [1, 0], "score": [0.5, 0.25]}),
        ((np.array([1, 0]), np.array([0.1, 0.2])), {"late": [1, 0], "score": [0.1, 0.2]}),
        ({"score": FakeTensor([0.5, 0.25])}, {"score": [0.5, 0.25]}),
        ([0.1], {"late": [ABSENT] * 2, "score": [ABSENT] * 2}),
    ],
)
def test_a_result_for_a_batch_is_mapped(
    reader: OutputReader, output: object, expected: dict[str, list[object]]
) -> None:
    """One item a row, columns by name, label and score as a pair of columns, probabilities."""
    assert reader.batch_columns(frozen(output), 2) == expected


def test_probabilities_by_class_are_mapped() -> None:
    """Where the score is one output a class, probabilities come in the order of the classes."""
    random = np.random.default_rng(0)
    data: dict[str, Any] = {"x": random.normal(size=300)}
    data |= {name: random.random(300) for name in ("p_a", "p_b", "p_c")}
    scores = {"a": "p_a", "b": "p_b", "c": "p_c"}
    baseline = mw.Baseline.fit(data, model="m", version="1", score=scores)
    reader = OutputReader(baseline)
    expected = {"p_a": [0.1], "p_b": [0.2], "p_c": [0.7]}
    assert reader.columns([[0.1, 0.2, 0.7]]) == expected
    found = reader.batch_columns(np.array([[0.1, 0.2, 0.7]]), 1)
    assert {name: list(column) for name, column in found.items()} == expected


def test_without_a_baseline_names_are_those_returned() -> None:
    """A bare value is ``prediction``; keys name themselves."""
    reader = OutputReader(None)
    assert reader.columns([0.5, 0.6]) == {"prediction": [0.5, 0.6]}
    assert reader.columns([{"a": 1}, {"b": 2}]) == {"a": [1, ABSENT], "b": [ABSENT, 2]}


def test_a_result_is_kept_as_it_was() -> None:
    """What a caller does to the result later does not change what was kept."""
    result: dict[str, Any] = {"late": True, "scores": [0.1], "array": np.zeros(2)}
    kept: Any = frozen(result)
    result["late"] = False
    result["scores"].append(0.2)
    result["array"][:] = 9
    assert kept["late"] is True
    assert kept["scores"] == [0.1]
    assert kept["array"].tolist() == [0.0, 0.0]


def test_nested_results_have_dotted_names() -> None:
    """A model in a model, and a mapping in a mapping."""
    reader = OutputReader(None)
    answer = {"model": "m", "answer": Answer(late=True, score=0.5)}
    assert reader.columns([frozen(answer)]) == {
        "model": ["m"],
        "answer.late": [True],
        "answer.score": [0.5],
    }


def test_a_tensor_is_kept_as_it_was() -> None:
    """What is done to it later, in place, does not matter."""
    tensor = FakeTensor(np.array([0.5, 0.25]))
    kept: Any = frozen(tensor)
    tensor.fill_(9.0)
    assert kept.tolist() == [0.5, 0.25]


@pytest.mark.parametrize("branches", [1, 2, 50])
def test_a_result_that_holds_itself_is_copied_to_some_depth(branches: int) -> None:
    """What lies deeper, or is too much, is unreadable; it takes a bounded time."""
    result: list[Any] = [0.5]
    result += [result] * branches
    kept: Any = frozen(result)
    assert kept[0] == 0.5
    for _ in range(16):
        kept = kept[1]
    assert kept == b""


def test_scalars_of_other_types_are_kept() -> None:
    """Enumerations and numbers of other types are labels and scores, not unreadable."""
    assert frozen(Color.RED) is Color.RED
    assert OutputReader(None).columns([np.int8(3)]) == {"prediction": [3]}
