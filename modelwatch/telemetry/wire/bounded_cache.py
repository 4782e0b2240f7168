"""A cache bounded in entries and bytes, quick to ask."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from typing import Generic, TypeVar

__all__ = ["BoundedCache"]

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class BoundedCache(Generic[Key, Value]):
    """Keeps what was put in last.

    What was put in first goes first, used or not: whoever still needs it makes it again, which
    costs less than to note every use.

    Thread-safety: safe.

    Args:
        entries: most entries.
        nbytes: most bytes, as told by those who put them in; what alone takes an eighth of that is
            not kept.

    >>> cache = BoundedCache[str, int](entries=2, nbytes=1_000)
    >>> for name, value in {"a": 1, "b": 2, "c": 3}.items():
    ...     cache.put(name, value, nbytes=10)
    >>> cache.get("a"), cache.get("c"), len(cache)
    (None, 3, 2)
    """

    def __init__(self, *, entries: int, nbytes: int) -> None:
        self._most_entries = entries
        self._most_bytes = nbytes
        self._lock = threading.Lock()  # guards both dictionaries and the sum while they change
        self._values: dict[Key, Value] = {}
        self._sizes: dict[Key, int] = {}
        self._nbytes = 0
        self.get = self._values.get
        """Return what is kept under a key, or None."""

    @property
    def nbytes(self) -> int:
        """Bytes of all entries, as told."""
        return self._nbytes

    def put(self, key: Key, value: Value, *, nbytes: int) -> None:
        """Keep a value that takes so many bytes, its key included."""
        if nbytes > self._most_bytes // 8:
            return
        with self._lock:
            self._drop(key)
            self._values[key] = value
            self._sizes[key] = nbytes
            self._nbytes += nbytes
            while len(self._sizes) > self._most_entries or self._nbytes > self._most_bytes:
                self._drop(next(iter(self._sizes)))

    def __len__(self) -> int:
        return len(self._values)

    def _drop(self, key: Key) -> None:
        self._nbytes -= self._sizes.pop(key, 0)
        self._values.pop(key, None)
