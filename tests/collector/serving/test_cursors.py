from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch.collector.serving.cursors import decode_cursor, encode_cursor
from modelwatch.collector.serving.problems import Problem


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 2**63 - 1))
def test_a_cursor_comes_back(name: str, number: int) -> None:
    """What a cursor was made of is what it is read as, and it goes into a URL as it is."""
    cursor = encode_cursor(name, number)
    assert decode_cursor(cursor, str, int) == (name, number)
    assert cursor.replace("-", "").replace("_", "").isalnum()


@given(st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_other_texts_are_a_clear_error(text: str) -> None:
    """Whatever else is given is a 400, never a crash."""
    with pytest.raises(Problem) as raised:
        decode_cursor(text, str, int, str)
    assert raised.value.status == 400


@pytest.mark.parametrize("position", [(2**63,), (-1,), (True,), ("a",), (1.5,), (1, 2), ()])
def test_other_values_are_refused(position: tuple[int, ...]) -> None:
    """A cursor of another list, or a number that no store has, is a 400."""
    with pytest.raises(Problem, match="cursor"):
        decode_cursor(encode_cursor(*position), int)
