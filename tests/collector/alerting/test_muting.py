"""Planned maintenance and silences."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from modelwatch.collector.alerting.alert import Alert
from modelwatch.collector.alerting.muting import Maintenance, Silence, muted_by

ALERT = Alert(
    id="a1",
    model="churn-eu",
    version="3",
    rule="drift",
    on="drift",
    state="firing",
    severity="critical",
    since_ns=0,
    opened_ns=0,
    last_seen_ns=0,
)


def at(text: str) -> int:
    """Return Unix nanoseconds of a time."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


def weekly(**options: object) -> Maintenance:
    """Return maintenance in the nights of Berlin that follow a Saturday."""
    return Maintenance.model_validate(
        {
            "days": ["sat"],
            "start_time": "22:00",
            "end_time": "04:00",
            "time_zone": "Europe/Berlin",
            **options,
        }
    )


@pytest.mark.parametrize(
    ("moment", "covered"),
    [
        ("2026-01-17T20:59:59", False),
        ("2026-01-17T21:00:00", True),  # a Saturday in winter: 22:00 in Berlin
        ("2026-01-18T02:59:59", True),
        ("2026-01-18T03:00:00", False),
        ("2026-07-18T20:00:00", True),  # in summer, an hour earlier by UTC
        ("2026-07-18T19:59:59", False),
        ("2026-01-16T22:00:00", False),  # a Friday
        ("2026-03-29T01:59:59", True),  # the clock goes forward: it ends at 04:00, which is 02:00
        ("2026-03-29T02:00:00", False),
    ],
)
def test_every_week_by_the_clock_of_a_zone(moment: str, covered: bool) -> None:
    """It starts and ends by the local clock, past midnight and through changes of the clock."""
    assert weekly().covers(at(moment)) is covered


def test_once() -> None:
    """It lasts from its start until just before its end; a time without zone is of its zone."""
    once = Maintenance.model_validate(
        {"start": "2026-01-17T12:00:00", "end": "2026-01-17T13:00:00+00:00", "time_zone": "UTC"}
    )
    assert [once.covers(at(f"2026-01-17T{t}")) for t in ("11:59:59", "12:00:00", "13:00:00")] == [
        False,
        True,
        False,
    ]


def test_a_silence_matches_all_that_it_names() -> None:
    """Each matcher is a pattern, and all must match, while it is in force."""
    silence = Silence(
        id="s1", matchers={"model": "churn-*", "severity": "critical"}, created_ns=10, until_ns=20
    )
    assert muted_by(ALERT, [silence], [], 10) == "silence s1"
    assert muted_by(ALERT, [silence], [], 20) == ""
    other = Silence(id="s2", matchers={"model": "churn-*", "rule": "x"}, created_ns=0, until_ns=99)
    assert muted_by(ALERT, [other], [], 10) == ""


def test_maintenance_is_of_some_models_and_rules() -> None:
    """What it is not of is told all the same."""
    now = at("2026-01-17T23:00:00")
    assert muted_by(ALERT, [], [weekly(name="night")], now) == "maintenance night"
    assert muted_by(ALERT, [], [weekly(models="fraud")], now) == ""
    assert muted_by(ALERT, [], [weekly(rules=["no data"])], now) == ""
