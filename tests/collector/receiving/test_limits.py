from __future__ import annotations

import asyncio
from typing import Any

import pytest

import modelwatch as mw
from modelwatch.collector.receiving.limits import IngestLimits, read_limits
from modelwatch.collector.receiving.options import ReceivingOptions
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.errors import ConfigurationError
from modelwatch.telemetry.wire import encode_metrics
from tests.collector.conftest import MODEL, NOW_NS, SECOND, Start, Traffic


def test_flags_go_before_the_file() -> None:
    """What was given goes before the file, and the file before the defaults."""
    limits = read_limits({"models": 5, "segments": 6}, {"models": 3})
    assert limits == IngestLimits(models=3, segments=6)


@pytest.mark.parametrize("value", [0, -1, 1.5, "5", True, None])
def test_wrong_limits_are_named(value: Any) -> None:
    """What is no whole number of 1 or more is refused by its name."""
    with pytest.raises(ConfigurationError, match=r"\[limits\]\.models"):
        read_limits({"models": value}, {})


def test_unknown_limits_are_refused() -> None:
    """An unknown limit is refused with the nearest one that is known."""
    with pytest.raises(ConfigurationError, match="did you mean models"):
        read_limits({"model": 5}, {})
    with pytest.raises(ConfigurationError, match="did you mean models"):
        ReceivingOptions(limits={"model": 5})


def test_refusals_are_shown(start: Start, traffic: Traffic) -> None:
    """A collector refuses what goes beyond its limits, counts it and shows it."""
    running = start(receiving=ReceivingOptions(limits={"features": 1}))
    answer = running.post(traffic.body())
    assert answer.status_code == 200
    told = running.received()
    assert told["refused_by_limit"]["features"] == told["rejected"] > 0
    assert told["points"] + told["rejected"] == traffic.points()
    assert told["names_heard"]["features"] == 1


def test_versions_that_are_gone_hold_no_place(start: Start) -> None:
    """Places are of names heard within a day: neither silence nor retention leaves one taken."""
    now = [NOW_NS]
    running = start(receiving=ReceivingOptions(limits={"versions": 1}), clock=lambda: now[0])

    def refused(version: str) -> bool:
        profile = mw.Profile.empty(MODEL, version, start_ns=now[0] - 60 * SECOND)
        profile.rows, profile.end_ns = 5, now[0]
        return b"1 versions" in running.post(encode_metrics(profile, resource={})).content

    def held() -> int:
        places: dict[str, int] = running.received()["names_heard"]
        return places["versions"]

    assert not refused("1")
    assert refused("2")
    assert held() == 1
    now[0] += 401 * 86_400 * SECOND
    beside = SqliteStore.open(running.store, clock=lambda: now[0])
    asyncio.run(beside.tidy())
    assert beside.database.read("SELECT count(*) FROM merged") == [(0,)]
    beside.close()
    assert held() == 0
    assert not refused("2")
    assert held() == 1
    again = start(receiving=ReceivingOptions(limits={"versions": 1}), clock=lambda: now[0])
    assert again.received()["names_heard"]["versions"] == 0
