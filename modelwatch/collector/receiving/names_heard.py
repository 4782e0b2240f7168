"""Which names were heard lately, of each owner and of all, never more than a limit."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

__all__ = ["FORGET_SECONDS", "NamesHeard"]

FORGET_SECONDS: Final = 86_400
"""How long a name holds its place after it was heard last."""

_SWEEP_SECONDS: Final = 60


class NamesHeard:
    """Counts distinct names. Not thread-safe.

    Memory: a hash and a time for each name, ``of_all`` at most.

    Args:
        of_one: most names of one owner.
        of_all: most names of all owners.

    Attributes:
        of_one: as given; where it is lowered, names that have a place keep it.
        of_all: likewise.

    >>> heard = NamesHeard(of_one=2, of_all=3)
    >>> [heard.admit("a", name, 0) for name in ("x", "y", "z", "x")]
    [True, True, False, True]
    >>> heard.admit("a", "z", FORGET_SECONDS + 1)
    True
    """

    def __init__(self, *, of_one: int, of_all: int) -> None:
        self.of_one = of_one
        self.of_all = of_all
        self._heard: dict[int, OrderedDict[int, int]] = {}
        self._size = 0
        self._swept_seconds = -_SWEEP_SECONDS

    def held(self, now_seconds: int) -> int:
        """Return how many names have a place."""
        self._sweep_again(now_seconds)
        return self._size

    def admit(self, owner: object, name: object, now_seconds: int) -> bool:
        """Return whether there is a place for a name, which it then has.

        Args:
            owner: whose name it is; hashable.
            name: hashable.
            now_seconds: Unix seconds.
        """
        own = self._heard.get(hash(owner))
        key = hash(name)
        if own is not None and key in own:
            own[key] = now_seconds
            own.move_to_end(key)
            return True
        if own is not None and len(own) >= self.of_one:
            self._forget(own, now_seconds)
        if self._size >= self.of_all:
            self._sweep_again(now_seconds)
        if self._size >= self.of_all or (own is not None and len(own) >= self.of_one):
            return False
        self._heard.setdefault(hash(owner), OrderedDict())[key] = now_seconds
        self._size += 1
        return True

    def _sweep_again(self, now_seconds: int) -> None:
        """Take the places of names unheard for long, once a minute."""
        if now_seconds < self._swept_seconds + _SWEEP_SECONDS:
            return
        self._swept_seconds = now_seconds
        for owner, own in list(self._heard.items()):
            self._forget(own, now_seconds)
            if not own:
                del self._heard[owner]

    def _forget(self, own: OrderedDict[int, int], now_seconds: int) -> None:
        while own and next(iter(own.values())) < now_seconds - FORGET_SECONDS:
            own.popitem(last=False)
            self._size -= 1
