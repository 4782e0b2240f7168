from __future__ import annotations

import json

from modelwatch.collector.showing.standing import Standings, follow, recalled
from modelwatch.collector.storing.store import Evaluation, VersionSeen
from modelwatch.report.drift_report import Severity
from tests.collector.showing.reports import report, standing, window


def run(*minutes: dict[str, Severity]) -> list[tuple[int | None, tuple[str, ...]]]:
    """Return since which minute drift is told after each minute, and which features joined."""
    told, before = [], None
    for number, severities in enumerate(minutes):
        before = follow(before, window(number), "drift", report(severities, number=number))
        since = None if before.since_ns is None else before.since_ns // window(0).end_ns
        told.append((since, before.joined))
    return told


def test_drift_is_told_since_its_first_window() -> None:
    """A run of windows with drift keeps the start of its first window; a calm one ends it."""
    assert run({"a": "none"}, {"a": "drift"}, {"a": "drift"}, {"a": "none"}, {"a": "drift"}) == [
        (None, ()),
        (1, ("a",)),
        (1, ()),
        (None, ()),
        (4, ("a",)),
    ]


def test_unjudged_window_neither_begins_nor_ends_a_run() -> None:
    """A window with too little data leaves what was known of a feature as it was."""
    assert run(
        {"a": "insufficient_data"}, {"a": "drift"}, {"a": "insufficient_data"}, {"a": "drift"}
    ) == [(None, ()), (1, ("a",)), (1, ()), (1, ())]


def test_features_that_join_are_told() -> None:
    """Drift that spreads tells what is new, and keeps the time at which the first one began."""
    assert run({"a": "drift", "b": "none"}, {"a": "drift", "b": "drift"}) == [
        (0, ("a",)),
        (0, ("b",)),
    ]


def test_new_baseline_begins_anew() -> None:
    """What drifted from another baseline says nothing of this one."""
    first = follow(None, window(1), "drift", report({"a": "drift"}, number=1))
    then = follow(first, window(2), "drift", report({"a": "drift"}, number=2, baseline_id="c"))
    assert (then.since_ns, then.joined) == (window(2).start_ns, ("a",))


def test_late_window_does_not_replace_a_later_one() -> None:
    """A window that is judged again after a later one changes nothing of how the version stands."""
    standings = Standings(capacity=2)
    standings.take(window(5), "no_drift", report({"a": "none"}, number=5))
    assert standings.take(window(4), "drift", report({"a": "drift"}, number=4)) is None
    assert [found.state for found in standings.all()] == ["no_drift"]


def test_memory_is_bounded_by_versions() -> None:
    """Of more versions than fit, those whose window ended first are let go."""
    standings = Standings(capacity=2)
    for number in (3, 1, 2):
        standings.recall(standing({"a": "none"}, version=str(number), number=number))
    assert [found.version for found in standings.all()] == ["2", "3"]


class Shelf:
    """Evaluations that an earlier process made."""

    def evaluations(
        self,
        model: str,
        version: str,
        *,
        limit: int,
        until_ns: int = 0,
        seconds: int | None = None,
    ) -> list[Evaluation]:
        """Return drift in the last two of three minutes."""
        assert seconds == 60
        minutes: list[Severity] = ["none", "drift", "drift"]
        return [
            Evaluation(
                baseline_id="b",
                window=window(number),
                through_id=number,
                evaluated_ns=0,
                report=json.dumps(report({"a": found}, number=number).to_dict()),
            )
            for number, found in enumerate(minutes)
        ]


def test_earlier_evaluations_are_recalled() -> None:
    """After a restart drift is still told since its first window, and is not new."""
    seen = VersionSeen(
        model="m",
        version="1",
        rows=1,
        first_seen_ns=0,
        last_seen_ns=0,
        baseline_id="b",
        has_data=True,
    )
    found = recalled(Shelf(), seen, seconds=60)
    assert found is not None
    assert (found.state, found.since_ns, found.joined) == ("drift", window(1).start_ns, ())
