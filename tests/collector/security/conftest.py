"""Tokens for running collectors, and requests that carry them."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from modelwatch.collector.security.audit_log import AuditEntry
from modelwatch.collector.security.token_shelf import TokenShelf
from modelwatch.collector.security.tokens import Scope, mint
from modelwatch.collector.storing.database import Database

ENTRY = AuditEntry(
    at_ns=1, who="(test)", act="token create", target="t", address="here", outcome="done"
)
HOUR_NS = 3_600 * 1_000_000_000


def bearer(token: str) -> dict[str, str]:
    """Return the header that carries a token."""
    return {"Authorization": f"Bearer {token}"}


class StoreTokens:
    """Tokens in a store's file, written beside the collector as the command line does."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def make(
        self,
        name: str,
        *scopes: Scope,
        models: tuple[str, ...] = (),
        lifetime_ns: int | None = None,
        created_ns: int | None = None,
    ) -> str:
        """Make a token and return it."""
        made = mint(
            name,
            scopes=frozenset(scopes),
            models=models,
            created_ns=time.time_ns() if created_ns is None else created_ns,
            lifetime_ns=lifetime_ns,
        )
        database = Database(self._path)
        try:
            asyncio.run(TokenShelf(database).add(made.token, entry=ENTRY))
        finally:
            database.close()
        return made.text

    def revoke(self, name: str) -> None:
        """End a token."""
        database = Database(self._path)
        try:
            asyncio.run(TokenShelf(database).revoke(name, now_ns=2, entry=ENTRY))
        finally:
            database.close()


@pytest.fixture
def tokens(tmp_path: Path) -> StoreTokens:
    """The tokens of the store that collectors of this test use."""
    return StoreTokens(tmp_path / "store.sqlite")
