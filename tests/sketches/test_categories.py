"""Counts of categories."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from modelwatch.sketches import Categories
from modelwatch.sketches.categories import MAX_NEW_CATEGORIES

VOCABULARY = frozenset("abc")
RARE = frozenset("xy")
keys = st.lists(st.sampled_from("abcxyq"))


def counted(values: list[str]) -> Categories:
    """Count with a small vocabulary."""
    categories = Categories()
    categories.update(values, vocabulary=VOCABULARY, rare=RARE)
    return categories


@given(keys, keys)
def test_merging_is_counting_all_at_once(a: list[str], b: list[str]) -> None:
    """Merge equals concatenation, and no row is lost."""
    merged, whole = counted(a).merge(counted(b)), counted(a + b)
    assert (dict(merged.counts), merged.other) == (dict(whole.counts), whole.other)
    assert whole.total == len(a) + len(b)


def test_vocabulary_cannot_grow_without_end() -> None:
    """Ten thousand new categories cost a fixed number of names; each row is still counted."""
    categories = counted([f"user-{index}" for index in range(10_000)])
    assert len(categories.counts) == MAX_NEW_CATEGORIES
    assert categories.unseen == 10_000 - MAX_NEW_CATEGORIES


def test_what_was_named_stays_named() -> None:
    """A named new category goes on being counted by name once the cap is reached."""
    categories = counted([f"new-{index}" for index in range(50)])
    categories.update(["new-0"], vocabulary=VOCABULARY, rare=RARE)
    assert categories.counts["new-0"] == 2
