from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from modelwatch.collector.serving.readiness import Readiness, store_probe
from modelwatch.collector.storing.database import Database
from modelwatch.errors import StoreError
from tests import plain_http
from tests.collector.conftest import Start, eventually
from tests.collector.security.conftest import StoreTokens


async def test_tells_each_part_that_fails_and_asks_once_a_second() -> None:
    """What is wrong is told by part; many who ask make one check a second."""
    now, asked, wrong = [0.0], [0], ["broken"]

    async def part() -> str:
        asked[0] += 1
        return wrong[0]

    async def store() -> str:
        raise StoreError("full")

    async def fine() -> str:
        return ""

    checks = {"part": part, "store": store, "fine": fine}
    readiness = Readiness(checks, monotonic=lambda: now[0])
    for _ in range(10):
        assert await readiness.problems() == {"part": "broken", "store": "full"}
    assert asked == [1]
    wrong[0], now[0] = "", 1.0
    assert await readiness.problems() == {"store": "full"}


async def test_the_store_is_written_to(tmp_path: Path) -> None:
    """The probe of the store writes, each time over what it wrote before."""
    database = Database(tmp_path / "store.sqlite")
    times = iter([1, 2])
    probe = store_probe(database, clock=lambda: next(times))
    assert [await probe(), await probe()] == ["", ""]
    assert database.read("SELECT id, at_ns FROM probes") == [(1, 2)]
    database.close()


def test_a_store_that_cannot_be_written_is_not_ready(start: Start) -> None:
    """While writes fail the collector lives, but is not ready; once cured, it is again."""
    collector = start()
    ready = f"{collector.api}/readyz"
    assert plain_http.get(ready).text == "ready\n"
    with closing(sqlite3.connect(collector.store)) as connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON probes BEGIN SELECT RAISE(ABORT, 'disk'); END"
        )
        connection.commit()
        assert eventually(lambda: plain_http.get(ready).status_code == 503)
        assert plain_http.get(ready).text.startswith("store: ")
        assert plain_http.get(f"{collector.api}/healthz").status_code == 200
        connection.execute("DROP TRIGGER full")
        connection.commit()
    assert eventually(lambda: plain_http.get(ready).status_code == 200)


def test_strangers_are_not_told_why(start: Start, tmp_path: Path) -> None:
    """Where tokens are asked for, who has none learns which part fails, and no path of a file."""
    StoreTokens(tmp_path / "store.sqlite").make("a", "read")
    collector = start()
    assert plain_http.get(f"{collector.api}/healthz").status_code == 200
    collector.store.unlink()
    answer = plain_http.get(f"{collector.api}/readyz")
    assert (answer.status_code, answer.text) == (503, "store: failed\n")
