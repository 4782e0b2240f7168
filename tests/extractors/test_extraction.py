from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import modelwatch as mw
from modelwatch.errors import ConfigurationError
from modelwatch.extractors.extraction import Extraction, checked_extractors
from modelwatch.tables.columns import ABSENT
from modelwatch.tables.compact_columns import CodedColumn

EXTRACTION = Extraction({"review": "text", "vector": "embedding"})


@pytest.fixture
def failing() -> Iterator[str]:
    """An extractor that fails, or returns what it should not."""

    def describe(value: Any) -> Any:
        if value == "raise":
            raise KeyError(value)
        return {"many": {str(n): n for n in range(1_000)}, "none": None, "bad": {"x": "y"}}[value]

    mw.extractors.register("failing", describe)
    yield "failing"
    mw.extractors.unregister("failing")


def test_a_row_has_descriptors_in_place_of_values() -> None:
    """Other features stay as they are; a row without the feature is returned itself."""
    found = EXTRACTION.of_row({"stars": 5, "review": "So good"})
    assert found["stars"] == 5
    assert (found["review.length"], found["review.words"]) == (7, 2)
    assert "review" not in found
    row = {"stars": 5}
    assert EXTRACTION.of_row(row) is row


def test_columns_have_descriptors_row_by_row() -> None:
    """Lists, arrays of vectors, and coded columns, of which a distinct text is described once."""
    found = EXTRACTION.of_columns({"review": ["a", None, "a b"], "vector": [[3.0, 4.0]] * 3})
    assert found["review.length"] == [1, None, 3]
    assert found["vector.norm"] == [5.0] * 3
    coded = CodedColumn(["a", "a b"], np.array([1, -1, 0, 1]))
    assert EXTRACTION.of_columns({"review": coded})["review.words"] == [2, None, 1, 2]


@pytest.mark.parametrize("value", [None, ABSENT, 3, object()])
def test_what_cannot_be_described_has_no_descriptors(value: object) -> None:
    """Null, absent, or a value of another kind: none is made up."""
    assert EXTRACTION.of_row({"stars": 5, "review": value}) == {"stars": 5}


@pytest.mark.parametrize("value", ["raise", "many", "none", "bad", "unknown"])
def test_a_fault_of_a_function_counts_as_missing(failing: str, value: str) -> None:
    """A function that raises or returns no numbers describes nothing, and harms nothing."""
    extraction = Extraction({"x": failing})
    assert extraction.of_row({"x": value, "y": 1}) == {"y": 1}
    assert extraction.of_columns({"x": [value], "y": [1]}) == {"y": [1]}


def test_arrays_of_vectors_are_made_readable() -> None:
    """A mapping of columns may hold vectors as one array; other data is left as it is."""
    data = {"vector": np.zeros((3, 4)), "age": np.zeros(3)}
    found: Any = EXTRACTION.readable(data)
    assert [part.shape for part in found["vector"]] == [(4,)] * 3
    assert found["age"] is data["age"]
    assert EXTRACTION.readable("file.csv") == "file.csv"


@pytest.mark.parametrize(
    "extractors", ["text", ["review"], {"review": 3}, {"": "text"}, {3: "text"}]
)
def test_what_is_no_mapping_of_names_is_refused(extractors: object) -> None:
    """The error says what to give."""
    with pytest.raises(ConfigurationError, match="give"):
        checked_extractors(extractors)
    assert checked_extractors(None) == {}
