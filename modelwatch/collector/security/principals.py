"""Who a request comes from, known to all that is called while it is answered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, Literal

from modelwatch.collector.security.tokens import Scope, Token

__all__ = ["EVERYBODY", "STRANGER", "Principal", "acting_as", "current_principal", "may_read"]


@dataclass(frozen=True, kw_only=True)
class Principal:
    """Who asks.

    Attributes:
        way: a token with each request, the session of a browser, none since none is asked for (all
            is allowed), or none although one is asked for (nothing is).
        token: by which it is known, where there is one.
    """

    way: Literal["bearer", "session", "open", "stranger"]
    token: Token | None = None

    @property
    def name(self) -> str:
        """The token's name; in brackets where there is none."""
        return "(no token)" if self.token is None else self.token.name

    @property
    def is_limited(self) -> bool:
        """Whether it may read of some models only."""
        return self.token is not None and bool(self.token.models)

    def has(self, *scopes: Scope) -> bool:
        """Tell whether it has one of these scopes."""
        return self.way == "open" if self.token is None else self.token.has(*scopes)

    def may_read(self, model: str) -> bool:
        """Tell whether what is known of a model may be told to it."""
        return self.way == "open" if self.token is None else self.token.may_read(model)


EVERYBODY: Final = Principal(way="open")
"""Who asks where no tokens are asked for; and the collector for what it does by itself."""

STRANGER: Final = Principal(way="stranger")
"""Who asks without a token for what is open to all."""

_current: Final = ContextVar("modelwatch_principal", default=EVERYBODY)


@contextmanager
def acting_as(principal: Principal) -> Iterator[None]:
    """Let what is called here, threads that asyncio starts included, be done for a principal."""
    token = _current.set(principal)
    try:
        yield
    finally:
        _current.reset(token)


def current_principal() -> Principal:
    """Return for whom this is done."""
    return _current.get()


def may_read(model: str) -> bool:
    """Tell whether what is known of a model may be told to whom this is done for."""
    return _current.get().may_read(model)
