from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from modelwatch.collector.security.keyring import Keyring
from modelwatch.collector.security.tokens import Token, mint
from modelwatch.errors import StoreError


@dataclass
class Source:
    """Tokens in memory, and what was asked of them."""

    kept: list[Token] = field(default_factory=list)
    reads: int = 0
    uses: list[int] = field(default_factory=list)
    fails: bool = False

    def tokens(self) -> list[Token]:
        """Return the tokens."""
        if self.fails:
            raise StoreError("gone")
        self.reads += 1
        return list(self.kept)

    async def note_use(self, token_id: str, *, now_ns: int) -> None:
        """Keep when."""
        self.uses.append(now_ns)
        if self.fails:
            raise StoreError("full")


@dataclass
class Clock:
    """A clock that is set by hand."""

    seconds: float = 0.0

    def ns(self) -> int:
        """Return nanoseconds."""
        return int(self.seconds * 1e9)

    def monotonic(self) -> float:
        """Return seconds."""
        return self.seconds


def keyring(source: Source, clock: Clock) -> Keyring:
    """Return a keyring on that clock."""
    return Keyring(source, clock=clock.ns, monotonic=clock.monotonic)


async def test_is_never_older_than_a_second() -> None:
    """Within a second nothing is read again; after it a token made elsewhere counts."""
    source, clock = Source(), Clock()
    keys = keyring(source, clock)
    await keys.refresh()
    made = mint("a", scopes=frozenset({"read"}), created_ns=0)
    source.kept.append(made.token)
    clock.seconds = 0.9
    await keys.refresh()
    assert (source.reads, keys.asks, keys.of_text(made.text)) == (1, False, None)
    clock.seconds = 1.1
    await keys.refresh()
    assert (source.reads, keys.asks, keys.of_text(made.text)) == (2, True, made.token)


async def test_ended_tokens_open_nothing_but_are_asked_for() -> None:
    """When the last token was revoked or is past its end, nobody gets in, not everybody."""
    source, clock = Source(), Clock()
    made = mint("a", scopes=frozenset({"read"}), created_ns=0, lifetime_ns=10**9)
    other = mint("b", scopes=frozenset({"read"}), created_ns=0)
    source.kept = [made.token, replace(other.token, revoked_ns=1)]
    keys = keyring(source, clock)
    await keys.refresh()
    assert (keys.of_text(made.text), keys.is_usable) == (made.token, True)
    clock.seconds = 1.0
    await keys.refresh()
    assert keys.of_text(made.text) is keys.of_text(other.text) is None
    assert (keys.asks, keys.is_usable) == (True, False)


async def test_the_right_id_with_a_wrong_secret_is_refused() -> None:
    """The id alone, which lists show, opens nothing."""
    made = mint("a", scopes=frozenset({"read"}), created_ns=0)
    keys = keyring(Source([made.token]), Clock())
    await keys.refresh()
    assert keys.of_text(made.text[:-43] + "x" * 43) is None


async def test_unreadable_tokens_let_nobody_in() -> None:
    """Where the tokens cannot be read, that is an error, never an open door."""
    source = Source(fails=True)
    with pytest.raises(StoreError):
        await keyring(source, Clock()).refresh()


async def test_uses_are_noted_now_and_then() -> None:
    """The last use is kept to ten minutes, and that it cannot be kept fails nobody."""
    made = mint("a", scopes=frozenset({"read"}), created_ns=0).token
    source, clock = Source([made]), Clock(10_000.0)
    keys = keyring(source, clock)
    for seconds in (10_000.0, 10_001.0, 10_599.0, 10_601.0):
        clock.seconds = seconds
        await keys.note_use(made)
    source.fails = True
    clock.seconds = 20_000.0
    await keys.note_use(made)
    await keys.note_use(made)
    assert source.uses == [10_000 * 10**9, 10_601 * 10**9, 20_000 * 10**9]
