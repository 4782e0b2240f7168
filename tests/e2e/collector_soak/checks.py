"""What must hold: each acknowledged export is stored once, each window judged on all its rows."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.collector_soak.fleet import HOUR_NS, MODELS
from tests.e2e.collector_soak.load import Load
from tests.e2e.collector_soak.process import CollectorProcess

__all__ = [
    "differences",
    "judged_windows",
    "require_counted_once",
    "require_merged_once",
    "rows_of_tables",
    "soon",
]


async def read(address: str) -> dict[str, Any]:
    """Return what the API says."""
    async with httpx.AsyncClient(verify=False, timeout=60) as client:
        answer = await client.get(address)
    assert answer.status_code == 200, (address, answer.status_code, answer.text[:500])
    told: dict[str, Any] = answer.json()
    return told


async def require_counted_once(collector: CollectorProcess, load: Load, after: str) -> None:
    """Compare the rows of each model with those that were acknowledged.

    Raises:
        AssertionError: some were lost, or counted twice.
    """
    told = await read(f"{collector.api}/api/v1/models")
    stored = {model["name"]: model["versions"][0]["rows"] for model in told["models"]}
    sent = {model: load.rows(model) for model in MODELS}
    assert stored == sent, f"after {after}: stored {stored}, acknowledged {sent}"


async def require_merged_once(collector: CollectorProcess, load: Load, *, days: int) -> None:
    """Compare the rows that the last days come to, merged, with those that were acknowledged.

    Raises:
        AssertionError: some were lost, or counted twice.
    """
    for model in MODELS:
        end = max(load.stored[model]) + 1
        moment = datetime.fromtimestamp(end * HOUR_NS // 10**9, tz=UTC)
        query = f"/captured?window={days}d&end={moment:%Y-%m-%dT%H:%M:%SZ}"
        told = await read(collector.version(model, query))
        assert told["rows"] == load.rows(model), (model, told["rows"], load.rows(model))


async def judged_windows(collector: CollectorProcess, model: str) -> dict[int, dict[str, Any]]:
    """Return the verdicts on a model's windows, by the number of the window."""
    told = await read(collector.version(model, "/windows?limit=1000"))
    found: dict[int, dict[str, Any]] = {}
    for window in told["windows"]:
        number = int(datetime.fromisoformat(window["start"]).timestamp()) * 10**9 // HOUR_NS
        assert number not in found, f"{model}: window {number} has two verdicts"
        found[number] = window
    return found


def differences(judged: Mapping[int, Mapping[str, Any]], sent: Counter[int]) -> dict[int, Any]:
    """Return windows whose verdict is not on the rows that were sent of them."""
    rows = {number: window["rows"] for number, window in judged.items()}
    both = rows.keys() | sent.keys()
    return {n: (rows.get(n), sent[n]) for n in both if rows.get(n) != sent[n]}


def rows_of_tables(store: Path) -> dict[str, int]:
    """Return how many rows there are of senders, of the fleet by level, and of verdicts."""
    with closing(sqlite3.connect(f"{store.as_uri()}?mode=ro", uri=True)) as connection:

        def count(statement: str) -> int:
            return int(connection.execute(statement).fetchone()[0])

        return {
            "of senders": count("SELECT count(*) FROM arrivals"),
            "minutes": count("SELECT count(*) FROM merged WHERE level = 1"),
            "hours": count("SELECT count(*) FROM merged WHERE level = 2"),
            "days": count("SELECT count(*) FROM merged WHERE level = 3"),
            "remembered exports": count("SELECT count(*) FROM seen"),
            "verdicts": count("SELECT count(*) FROM evaluations"),
        }


async def soon(left: Callable[[], Awaitable[object]], *, seconds: float = 60.0) -> None:
    """Wait until what is left is nothing.

    Raises:
        AssertionError: it never is.
    """
    found: object = None
    for _ in range(int(seconds / 0.25)):
        found = await left()
        if not found:
            return
        await asyncio.sleep(0.25)
    raise AssertionError(f"not reached within {seconds:.0f} s: {found}")
