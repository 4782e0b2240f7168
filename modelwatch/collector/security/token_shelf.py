"""Where tokens are kept: a table of the store's file.

The command line writes to it while a collector has the file open: each write is one short
transaction, and the collector looks again within a second.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from modelwatch.collector.security.audit_log import AuditEntry, insert_entry
from modelwatch.collector.security.tokens import Token
from modelwatch.collector.storing.database import Database
from modelwatch.errors import ConfigurationError

__all__ = ["TokenShelf"]

MOST_TOKENS: Final = 1_000
"""Tokens in use at a time; all of them lie in the collector's memory."""

MOST_REVOKED: Final = 1_000
"""Revoked tokens that are remembered, so that the list tells what became of them."""

_COLUMNS: Final = (
    "id, name, digest, scopes, models, created_ns, expires_ns, last_used_ns, revoked_ns"
)


class TokenShelf:
    """Tokens in a database. Thread-safety: as `Database`.

    Args:
        database: the open file.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def tokens(self) -> list[Token]:
        """Return every token, revoked ones too, oldest first. Blocking.

        Raises:
            StoreError: the store cannot be read.
        """
        rows = self._database.read(f"SELECT {_COLUMNS} FROM tokens ORDER BY created_ns, id")
        return [
            Token(
                id=token_id,
                name=name,
                digest=digest,
                scopes=frozenset(scopes.split()),
                models=tuple(models.split("\n")) if models else (),
                created_ns=created_ns,
                expires_ns=expires_ns,
                last_used_ns=last_used_ns,
                revoked_ns=revoked_ns,
            )
            for (
                token_id, name, digest, scopes, models,
                created_ns, expires_ns, last_used_ns, revoked_ns,
            ) in rows
        ]  # fmt: skip

    async def add(self, token: Token, *, entry: AuditEntry) -> None:
        """Keep a new token, and who made it.

        Raises:
            ConfigurationError: its name is in use, or there are too many.
            StoreError: the store cannot be written.
        """

        def work(connection: sqlite3.Connection) -> None:
            _insert(connection, token)
            insert_entry(connection, entry)

        await self._database.write(work)

    async def adopt(self, token: Token, *, entry: AuditEntry) -> bool:
        """Have this token, made elsewhere, be the one in use under its name.

        Returns:
            Whether anything changed: false where it was so already.

        Raises:
            ConfigurationError: it was revoked, its id is another's, or there are too many.
            StoreError: the store cannot be written.
        """
        changed: list[bool] = []

        def work(connection: sqlite3.Connection) -> None:
            changed.append(_adopt(connection, token))
            if changed[-1]:
                insert_entry(connection, entry)

        await self._database.write(work)
        return changed[-1]

    async def revoke(self, name: str, *, now_ns: int, entry: AuditEntry) -> None:
        """End a token for good.

        Raises:
            ConfigurationError: no token of this name is in use.
            StoreError: the store cannot be written.
        """

        def work(connection: sqlite3.Connection) -> None:
            revoked = connection.execute(
                "UPDATE tokens SET revoked_ns = ? WHERE name = ? AND revoked_ns IS NULL",
                (now_ns, name),
            )
            if revoked.rowcount == 0:
                raise ConfigurationError(
                    f"no token in use is named {name!r}: `modelwatch token list` names them."
                )
            connection.execute(
                "DELETE FROM tokens WHERE id IN (SELECT id FROM tokens WHERE revoked_ns NOT NULL"
                " ORDER BY revoked_ns DESC LIMIT -1 OFFSET ?)",
                (MOST_REVOKED,),
            )
            insert_entry(connection, entry)

        await self._database.write(work)

    async def note_use(self, token_id: str, *, now_ns: int) -> None:
        """Keep when a token was last used.

        Raises:
            StoreError: the store cannot be written.
        """
        await self._database.write(
            lambda connection: connection.execute(
                "UPDATE tokens SET last_used_ns = ? WHERE id = ?", (now_ns, token_id)
            )
        )


def _insert(connection: sqlite3.Connection, token: Token) -> None:
    _require_room(connection, token.name)
    connection.execute(
        "INSERT INTO tokens (id, name, digest, scopes, models, created_ns, expires_ns)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            token.id, token.name, token.digest, " ".join(sorted(token.scopes)),
            "\n".join(token.models), token.created_ns, token.expires_ns,
        ),
    )  # fmt: skip


def _adopt(connection: sqlite3.Connection, token: Token) -> bool:
    scopes = " ".join(sorted(token.scopes))
    known = connection.execute(
        "SELECT name, digest, scopes, revoked_ns FROM tokens WHERE id = ?", (token.id,)
    ).fetchone()
    if known == (token.name, token.digest, scopes, None):
        return False
    if known is not None:
        raise ConfigurationError(
            f"this token is known as {known[0]!r}, of the scopes {known[2]!r}"
            f"{'' if known[3] is None else ', and was revoked'}: make another one."
        )
    connection.execute(
        "UPDATE tokens SET revoked_ns = ? WHERE name = ? AND revoked_ns IS NULL",
        (token.created_ns, token.name),
    )
    _insert(connection, token)
    return True


def _require_room(connection: sqlite3.Connection, name: str) -> None:
    in_use = [
        found for (found,) in connection.execute("SELECT name FROM tokens WHERE revoked_ns IS NULL")
    ]
    if name in in_use:
        raise ConfigurationError(
            f"a token named {name!r} is in use: give another name, or revoke it first."
        )
    if len(in_use) >= MOST_TOKENS:
        raise ConfigurationError(
            f"there are {len(in_use)} tokens in use, and no more can be made: revoke some."
        )
