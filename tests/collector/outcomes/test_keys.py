"""Ids that begin with their time lie in its order, and different ids have different keys."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from modelwatch.collector.outcomes.keys import key_of, time_of

SMALLEST, LARGEST = -(2**63), 2**63 - 1
MILLISECONDS = st.integers(0, 2**47 - 1)

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def uuid_at(milliseconds: int, rest: int = 0) -> str:
    """Return a UUID of version 7."""
    return str(uuid.UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62 | rest))


@given(texts, texts)
def test_equal_keys_are_of_equal_ids(one: str, other: str) -> None:
    """Keys fit into the store's integers, and tell ids apart."""
    assert all(SMALLEST <= half <= LARGEST for half in key_of(one))
    assert (key_of(one) == key_of(other)) is (one == other)


@given(MILLISECONDS, MILLISECONDS, st.integers(0, 2**62 - 1))
def test_timed_ids_lie_in_the_order_of_time(one: int, other: int, rest: int) -> None:
    """So that what was predicted together lies together; the time is told to the millisecond."""
    assert (key_of(uuid_at(one, rest)) < key_of(uuid_at(other))) is (one < other) or one == other
    assert time_of(uuid_at(one, rest)) == one * 1_000_000


@given(st.integers(0, 10**9 - 1), st.integers(0, 10**9 - 1))
def test_ascending_numbers_lie_in_their_order(one: int, other: int) -> None:
    """Numbers of the same length, as sequences and orders have them, do."""
    first, second = f"{one + 10**9}", f"{other + 10**9}"
    if first[:8] != second[:8]:
        assert (key_of(first) < key_of(second)) is (one < other)


@given(st.uuids(version=4))
def test_other_ids_tell_no_time(one: uuid.UUID) -> None:
    """Random ids do not, whatever they look like."""
    assert time_of(str(one)) is None
    assert time_of(f"{one}-") is None
