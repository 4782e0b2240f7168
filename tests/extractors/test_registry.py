from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import modelwatch as mw
from modelwatch.errors import ConfigurationError
from modelwatch.extractors.registry import extractor_named


@pytest.fixture
def lines() -> Iterator[str]:
    """An extractor of one's own."""
    mw.extractors.register("lines", lambda value: {"count": value.count("\n")})
    yield "lines"
    if "lines" in mw.extractors.registered():
        mw.extractors.unregister("lines")


def test_an_extractor_can_be_added_and_taken_out(lines: str) -> None:
    """The table is the process's own, and as it was afterwards."""
    assert mw.extractors.registered() == ("embedding", "image", "lines", "text")
    assert extractor_named(lines).describe("a\nb") == {"count": 1}
    mw.extractors.unregister(lines)
    assert mw.extractors.registered() == ("embedding", "image", "text")


@pytest.mark.parametrize("name", ["text", "lines", "", None, 3])
def test_a_name_that_cannot_be_is_refused(lines: str, name: Any) -> None:
    """Built-in ones, those taken, and what is no name."""
    with pytest.raises(ConfigurationError):
        mw.extractors.register(name, lambda value: {})


def test_what_is_no_function_or_was_not_registered_is_refused() -> None:
    """The error says what to give."""
    function: Any = 3
    with pytest.raises(ConfigurationError, match="give a function"):
        mw.extractors.register("mine", function)
    for name in ("text", "nothing"):
        with pytest.raises(ConfigurationError, match="was registered"):
            mw.extractors.unregister(name)
    with pytest.raises(ConfigurationError, match=r"extractors\.register\('mine'"):
        extractor_named("mine")


@pytest.mark.parametrize(
    ("name", "one", "column"),
    [
        ("text", "abc", ["abc", "d"]),
        ("embedding", [1.0, 2.0], [[1.0, 2.0], [3.0, 4.0]]),
        ("embedding", np.zeros(4), np.zeros((3, 4))),
        ("image", np.zeros((8, 9)), [np.zeros((8, 9))]),
        ("image", np.zeros((8, 9, 3)), np.zeros((5, 8, 9))),
        ("image", np.zeros((3, 8, 9)), np.zeros((5, 8, 9, 3))),
        ("image", b"bytes", [b"bytes"]),
    ],
)
def test_one_value_is_told_from_a_column(name: str, one: object, column: object) -> None:
    """By the dimensions of a value of its kind."""
    extractor = extractor_named(name)
    assert extractor.is_one(one)
    assert not extractor.is_one(column)
