from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from modelwatch.collector.security import audit_log
from modelwatch.collector.security.audit_log import AuditLog
from modelwatch.collector.storing.database import Database
from tests.collector.security.conftest import ENTRY


async def test_latest_acts_come_first_page_by_page(tmp_path: Path) -> None:
    """Acts are read from the newest on, and each page goes on where the one before ended."""
    database = Database(tmp_path / "store.sqlite")
    log = AuditLog(database)
    for number in range(5):
        await log.append(replace(ENTRY, at_ns=number))
    first = log.entries(limit=2)
    second = log.entries(limit=10, before=first[-1].number)
    assert [found.entry.at_ns for found in first + second] == [4, 3, 2, 1, 0]
    database.close()


async def test_retention_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of too many acts the oldest go, and texts are cut."""
    monkeypatch.setattr(audit_log, "MOST_ENTRIES", 3)
    database = Database(tmp_path / "store.sqlite")
    log = AuditLog(database)
    for number in range(10):
        await log.append(replace(ENTRY, at_ns=number, target="x" * 10_000))
    kept = [found.entry for found in log.entries(limit=100)]
    assert [entry.at_ns for entry in kept] == [9, 8, 7]
    assert len(kept[0].target) == 512
    database.close()
