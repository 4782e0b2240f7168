from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch.collector.quick_json import from_json, to_json

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(plain)
def test_what_is_written_is_what_any_reader_reads(value: Any) -> None:
    """The standard library reads the same from it, whatever numbers and texts there are."""
    assert json.loads(to_json(value)) == value
    assert from_json(to_json(value)) == value


@given(plain)
def test_what_others_wrote_is_read(value: Any) -> None:
    """What the standard library wrote, as older releases did, comes back."""
    assert from_json(json.dumps(value)) == value


def test_numbers_that_json_lacks_are_written_as_the_standard_library_does() -> None:
    """NaN comes back as NaN: what is stored is not lost for one such number."""
    assert math.isnan(from_json(to_json({"a": math.nan}))["a"])
    assert to_json([math.inf]) == b"[Infinity]"


def test_what_is_no_json_is_refused() -> None:
    """Neither damaged texts nor values of other types pass."""
    for text in ("", "{", '{"a": 1} x', b"\xff"):
        with pytest.raises(ValueError, match=r"."):
            from_json(text)
    with pytest.raises(TypeError):
        to_json({"a": object()})
