"""Counts of categories in a vocabulary that cannot grow without end."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

__all__ = ["HASH_PREFIX", "MAX_CATEGORIES", "MAX_NEW_CATEGORIES", "Categories", "hashed_name"]

HASH_PREFIX = "sha256:"

MAX_CATEGORIES = 100
"""The most frequent categories of a baseline that are counted by name; the rest is `other`."""

MAX_NEW_CATEGORIES = 20
"""Categories unknown to the baseline that are counted by name, first come; the rest is `unseen`."""


def hashed_name(name: str) -> str:
    """Return a name by which a category is known again, but not told.

    >>> hashed_name("a")
    'sha256:ca978112ca1bbdca'
    """
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{HASH_PREFIX}{digest[:16]}"


class Categories:
    """Counts by category: named ones, known rare ones (`other`), never seen ones (`unseen`).

    The names are the vocabulary, then the first unknown ones that come, up to a cap: what was
    named stays named. Merging adds and is exact. Not thread-safe.

    Args:
        counts: category to count.
        other: rows of rare categories known to the baseline but not counted by name.
        unseen: rows of categories beyond the cap that no baseline knows.

    >>> categories = Categories()
    >>> categories.update(["a", "b", "a", "zz"], vocabulary=frozenset("ab"), rare=frozenset(["zz"]))
    >>> dict(categories.counts), categories.other
    ({'a': 2, 'b': 1}, 1)
    """

    __slots__ = ("counts", "other", "unseen")

    def __init__(
        self, counts: Mapping[str, int] | None = None, other: int = 0, unseen: int = 0
    ) -> None:
        self.counts: Counter[str] = Counter(counts or {})
        self.other = other
        self.unseen = unseen

    @property
    def total(self) -> int:
        """How many values were counted."""
        return self.counts.total() + self.other + self.unseen

    def update(
        self,
        keys: Iterable[str] | Mapping[str, int],
        *,
        vocabulary: frozenset[str] = frozenset(),
        rare: frozenset[str] = frozenset(),
        new_limit: int = MAX_NEW_CATEGORIES,
    ) -> None:
        """Count categories.

        Args:
            keys: one category a row, no missing ones; or rows by category.
            vocabulary: categories that are always counted by name.
            rare: known categories that are counted together as `other`.
            new_limit: how many further categories may be named.
        """
        counts = keys if isinstance(keys, Mapping) else Counter(keys)
        for key, count in counts.items():
            if key in vocabulary or key in self.counts:
                self.counts[key] += count
            elif key in rare:
                self.other += count
            elif sum(name not in vocabulary for name in self.counts) < new_limit:
                self.counts[key] += count
            else:
                self.unseen += count

    def renamed(self, new_name: Callable[[str], str]) -> Categories:
        """Return the counts by other names; those that get one name are added up."""
        counts: Counter[str] = Counter()
        for name, count in self.counts.items():
            counts[new_name(name)] += count
        return Categories(counts, self.other, self.unseen)

    def merge(self, other: Categories) -> Categories:
        """Return the counts of both."""
        return Categories(
            self.counts + other.counts, self.other + other.other, self.unseen + other.unseen
        )
