"""Plays a course of drift in a process of its own, which ends itself at a chosen point.

``python -m tests.collector.alerting.dying_process STORE CONFIG METHOD WHEN NUMBER``: at the
NUMBER-th call of METHOD of the store of alerts, before or after it, the process is killed.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
from pathlib import Path
from typing import Any

import modelwatch as mw
from modelwatch.collector.alerting.sqlite_alerts import SqliteAlerts
from modelwatch.collector.storing.sqlite_store import SqliteStore
from tests.collector.alerting.conftest import make_alerting
from tests.collector.alerting.test_alerting import play, push
from tests.collector.alerting.test_sender import drain
from tests.collector.conftest import MODEL, VERSION, Traffic, frame


def die_at(method: str, when: str, number: int) -> None:
    """Have the process killed at one call."""
    original = getattr(SqliteAlerts, method)
    calls = 0

    async def dying(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if (calls, when) == (number, "before"):
            os.kill(os.getpid(), signal.SIGKILL)
        result = await original(*arguments, **options)
        if (calls, when) == (number, "after"):
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(SqliteAlerts, method, dying)


async def main(store_path: str, config: str) -> None:
    """Send four windows, two of which drift, with a round and the sending after each."""
    baseline = mw.Baseline.fit(frame(0, 5_000), model=MODEL, version=VERSION, score="score")
    store = SqliteStore.open(store_path)
    desk = make_alerting(store, config=Path(config), new_id=lambda: secrets.token_hex(8))
    known = [seen.last_seen_ns or 0 for seen in store.versions()]
    desk.clock.now_ns = max([desk.clock.now_ns, *known])  # as clocks do, it goes on
    await push(desk, baseline)
    for number, letter in enumerate("DD.."):
        await play(desk, Traffic(baseline), letter, first=number)
        await drain(desk, passes=2)
    store.close()


if __name__ == "__main__":
    if sys.argv[3] != "never":
        die_at(sys.argv[3], sys.argv[4], int(sys.argv[5]))
    asyncio.run(main(sys.argv[1], sys.argv[2]))
