"""The tokens as a running collector knows them: in memory, never older than a second."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final, Protocol

from modelwatch.collector.security.tokens import Token, token_id_of
from modelwatch.errors import StoreError

__all__ = ["Keyring", "TokenSource"]

FRESH_SECONDS: Final = 1.0
"""How long what was read is good for: a token made or revoked elsewhere counts by then."""

USE_GRAIN_NS: Final = 600 * 1_000_000_000
"""The last use of a token is kept to ten minutes, so that an export costs no write of its own."""

logger = logging.getLogger(__name__)


class TokenSource(Protocol):
    """Keeps the tokens."""

    def tokens(self) -> list[Token]:
        """Return every token, revoked ones too. Blocking."""
        ...

    async def note_use(self, token_id: str, *, now_ns: int) -> None:
        """Keep when a token was last used."""
        ...


class Keyring:
    """Finds tokens. One event loop uses it.

    Args:
        source: where the tokens are.
        clock: Unix nanoseconds.
        monotonic: seconds.
    """

    def __init__(
        self,
        source: TokenSource,
        *,
        clock: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._clock = clock
        self._monotonic = monotonic
        self._tokens: dict[str, Token] = {}
        self._used_ns: dict[str, int] = {}
        self._fresh_until = float("-inf")
        self._reading = asyncio.Lock()

    @property
    def asks(self) -> bool:
        """Whether tokens are asked for: once one was made, whatever became of it since.

        Were only usable tokens counted, all would be open when the last of them ends.
        """
        return bool(self._tokens)

    @property
    def is_usable(self) -> bool:
        """Whether there is a token that opens anything."""
        now_ns = self._clock()
        return any(token.is_usable(now_ns) for token in self._tokens.values())

    async def refresh(self) -> None:
        """Read the tokens again where what is known is older than a second.

        Raises:
            StoreError: they cannot be read: nobody can be let in.
        """
        if self._monotonic() < self._fresh_until:
            return
        async with self._reading:
            if self._monotonic() < self._fresh_until:
                return
            found = await asyncio.to_thread(self._source.tokens)
            self._tokens = {token.id: token for token in found}
            self._used_ns = {key: at for key, at in self._used_ns.items() if key in self._tokens}
            self._fresh_until = self._monotonic() + FRESH_SECONDS

    def of_text(self, text: str) -> Token | None:
        """Return the usable token that this is the text of."""
        token = self.of_id(token_id_of(text) or "")
        return token if token is not None and token.is_of(text) else None

    def of_id(self, token_id: str) -> Token | None:
        """Return a usable token by its id."""
        token = self._tokens.get(token_id)
        return token if token is not None and token.is_usable(self._clock()) else None

    async def note_use(self, token: Token) -> None:
        """Keep that a token was used. That this fails fails no request."""
        now_ns = self._clock()
        last_ns = max(self._used_ns.get(token.id, 0), token.last_used_ns or 0)
        if now_ns - last_ns < USE_GRAIN_NS:
            return
        self._used_ns[token.id] = now_ns  # before the write: one that fails is not tried each time
        try:
            await self._source.note_use(token.id, now_ns=now_ns)
        except StoreError as error:
            logger.warning("the use of token %s was not noted: %s", token.name, error)
