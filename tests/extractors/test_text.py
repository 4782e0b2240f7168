from __future__ import annotations

import pytest

from modelwatch.extractors.text import describe_text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("ABC 12", (6, 2, 0.5, 2 / 6, 0.0)),
        ("ørnen flyr", (10, 2, 0.0, 0.0, 0.1)),
        ("ørnen flyr".encode(), (10, 2, 0.0, 0.0, 0.1)),
        (" \n", (2, 0, 0.0, 0.0, 0.0)),
        ("\ud800", (1, 1, 0.0, 0.0, 1.0)),
    ],
)
def test_a_text_is_described(value: str | bytes, expected: tuple[float, ...]) -> None:
    """Characters, words and shares of characters; bytes are read as UTF-8."""
    assert tuple(describe_text(value).values()) == pytest.approx(expected)


def test_an_empty_text_has_no_shares() -> None:
    """A share of nothing is missing, not zero."""
    assert describe_text("") == {"length": 0, "words": 0}


@pytest.mark.parametrize("value", [None, 3, ["a"]])
def test_what_is_no_text_is_refused(value: object) -> None:
    """The caller counts it as missing."""
    with pytest.raises(TypeError, match="no text"):
        describe_text(value)
