"""Finds out who a request comes from."""

from __future__ import annotations

import logging
from typing import Final

from modelwatch.collector.security.failures import FailureLimiter
from modelwatch.collector.security.keyring import Keyring
from modelwatch.collector.security.principals import EVERYBODY, Principal
from modelwatch.collector.security.refusals import Refusal
from modelwatch.collector.security.sessions import Sessions, cookie_value
from modelwatch.collector.security.tokens import Token

__all__ = ["REALM", "Door"]

REALM: Final = 'Bearer realm="modelwatch"'

logger = logging.getLogger(__name__)


class Door:
    """Knows tokens and sessions. One event loop uses it.

    Args:
        keyring: the tokens.
        sessions: who is signed in.
        failures: bounds wrong tokens.
    """

    def __init__(self, keyring: Keyring, sessions: Sessions, failures: FailureLimiter) -> None:
        self._keyring = keyring
        self._sessions = sessions
        self._failures = failures

    async def recognise(
        self, authorization: str, cookie: str, *, address: str, secure: bool
    ) -> Principal | None:
        """Return who it is, or None where it does not say.

        Args:
            authorization: the header of this name; empty where there is none.
            cookie: the header of this name; empty where there is none.
            address: where the request comes from.
            secure: whether it came over TLS.

        Raises:
            Refusal: 401 where a token is wrong, 429 where too many were.
            StoreError: the tokens cannot be read.
        """
        await self._keyring.refresh()
        if not self._keyring.asks:
            return EVERYBODY
        if authorization:
            scheme, _, text = authorization.partition(" ")
            token = self.token_of(text.strip() if scheme.lower() == "bearer" else "", address)
            await self._keyring.note_use(token)
            return Principal(token=token, way="bearer")
        return self._signed_in(cookie, secure=secure) if cookie else None

    def token_of(self, text: str, address: str) -> Token:
        """Return the usable token of a text.

        Raises:
            Refusal: 401 where there is none, 429 where that was so too often of late.
        """
        token = self._keyring.of_text(text)
        if token is not None:
            return token
        wait_seconds = self._failures.fail(address)
        if wait_seconds:
            raise Refusal(
                429,
                "too-many-failures",
                "too many wrong tokens came from this address: wait, and send a right one.",
                {"Retry-After": str(round(wait_seconds + 0.5))},
            )
        logger.warning("a wrong token came from %s", address)
        raise Refusal(
            401,
            "invalid-token",
            "the token is unknown, revoked or past its end: `modelwatch token create` makes one.",
            {"WWW-Authenticate": f'{REALM}, error="invalid_token"'},
        )

    async def sign_in(self, text: str, address: str) -> str:
        """Begin a session; return the value of its cookie.

        Raises:
            Refusal: as of `token_of`, and 403 where the token may not read.
            StoreError: the tokens cannot be read.
        """
        await self._keyring.refresh()
        token = self.token_of(text.strip(), address)
        if not token.has("read"):
            raise Refusal(
                403, "insufficient-scope", "this token may not read: give one with scope read."
            )
        await self._keyring.note_use(token)
        logger.info("token %s signed in from %s", token.name, address)
        return self._sessions.begin(token.id)

    def sign_out(self, cookie: str, *, secure: bool) -> None:
        """End the session of a Cookie header."""
        self._sessions.end(cookie_value(cookie, secure=secure))

    def _signed_in(self, cookie: str, *, secure: bool) -> Principal | None:
        token_id = self._sessions.token_id(cookie_value(cookie, secure=secure))
        token = self._keyring.of_id(token_id) if token_id else None
        return None if token is None else Principal(token=token, way="session")
