from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from modelwatch.collector.security import token_shelf
from modelwatch.collector.security.audit_log import AuditLog
from modelwatch.collector.security.token_shelf import TokenShelf
from modelwatch.collector.security.tokens import Token, mint
from modelwatch.collector.storing.database import Database
from modelwatch.errors import ConfigurationError
from tests.collector.security.conftest import ENTRY


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty store."""
    opened = Database(tmp_path / "store.sqlite")
    yield opened
    opened.close()


def made(name: str) -> Token:
    """Return a token with every field set."""
    token = mint(
        name,
        scopes=frozenset({"read", "ingest"}),
        models=("a b", "é*"),
        created_ns=5,
        lifetime_ns=7,
    ).token
    return replace(token, last_used_ns=None)


async def test_what_is_kept_comes_back(database: Database) -> None:
    """A token is read as it was written, with what became of it."""
    shelf, token = TokenShelf(database), made("one")
    await shelf.add(token, entry=ENTRY)
    assert shelf.tokens() == [token]
    await shelf.note_use(token.id, now_ns=8)
    await shelf.revoke("one", now_ns=9, entry=ENTRY)
    assert shelf.tokens() == [replace(token, last_used_ns=8, revoked_ns=9)]


async def test_adopting_again_changes_nothing(database: Database) -> None:
    """A token that was made elsewhere is kept once, and takes the place of its name's last one."""
    shelf, first, second = TokenShelf(database), made("one"), made("one")
    assert await shelf.adopt(first, entry=ENTRY)
    assert not await shelf.adopt(replace(first, created_ns=6), entry=ENTRY)
    assert shelf.tokens() == [first]
    assert await shelf.adopt(replace(second, created_ns=8), entry=ENTRY)
    assert [token.revoked_ns for token in shelf.tokens()] == [8, None]
    with pytest.raises(ConfigurationError, match="was revoked"):
        await shelf.adopt(first, entry=ENTRY)
    with pytest.raises(ConfigurationError, match="known as 'one'"):
        await shelf.adopt(replace(second, scopes=frozenset({"read"})), entry=ENTRY)
    assert len(AuditLog(database).entries(limit=10)) == 2


async def test_names_are_of_one_token_at_a_time(database: Database) -> None:
    """A name in use is refused; once revoked, it is free again."""
    shelf = TokenShelf(database)
    await shelf.add(made("one"), entry=ENTRY)
    with pytest.raises(ConfigurationError, match="is in use"):
        await shelf.add(made("one"), entry=ENTRY)
    await shelf.revoke("one", now_ns=9, entry=ENTRY)
    await shelf.add(made("one"), entry=ENTRY)
    assert len(shelf.tokens()) == 2
    with pytest.raises(ConfigurationError, match="named 'two'"):
        await shelf.revoke("two", now_ns=9, entry=ENTRY)


async def test_both_kinds_are_bounded(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many tokens in use are refused, and of too many revoked ones the oldest go."""
    monkeypatch.setattr(token_shelf, "MOST_TOKENS", 2)
    monkeypatch.setattr(token_shelf, "MOST_REVOKED", 1)
    shelf = TokenShelf(database)
    for number in range(3):
        await shelf.add(made(f"old{number}"), entry=ENTRY)
        await shelf.revoke(f"old{number}", now_ns=number, entry=ENTRY)
    assert [token.name for token in shelf.tokens()] == ["old2"]
    for name in ("a", "b"):
        await shelf.add(made(name), entry=ENTRY)
    with pytest.raises(ConfigurationError, match="revoke some"):
        await shelf.add(made("c"), entry=ENTRY)


async def test_acts_are_kept_with_what_they_did(database: Database) -> None:
    """Each token made or revoked is in the audit log; one that was refused is not."""
    shelf = TokenShelf(database)
    await shelf.add(made("one"), entry=ENTRY)
    with pytest.raises(ConfigurationError):
        await shelf.add(made("one"), entry=ENTRY)
    assert [found.entry for found in AuditLog(database).entries(limit=10)] == [ENTRY]
