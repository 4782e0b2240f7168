from __future__ import annotations

import json
from dataclasses import replace
from typing import Literal

from modelwatch.collector.showing.standing import Standings, follow, recalled
from modelwatch.collector.storing.store import Evaluation, VersionSeen
from modelwatch.report.drift_report import DriftReport, Severity
from modelwatch.report.label_findings import ConceptFinding, LabelFindings
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


def labelled(number: int, realized: float | None, *changes: ConceptFinding) -> DriftReport:
    """Return a minute's report by labels."""
    found = report({"a": "none"}, number=number)
    metric = replace(found.performance["roc_auc"], realized=realized)
    labels = LabelFindings(predictions=100, labelled=0 if realized is None else 80)
    return replace(found, performance={"roc_auc": metric}, labels=labels, concept=changes)


def change(detected_ns: int, direction: Literal["rise", "fall"] = "rise") -> ConceptFinding:
    """Return a change of the errors."""
    return ConceptFinding(
        detected_ns=detected_ns, began_ns=detected_ns - 1, before=0.1, after=0.2,
        direction=direction, confidence=0.99,
    )  # fmt: skip


def test_realised_values_are_of_the_latest_window_with_labels() -> None:
    """Estimates are of the latest window; labels lag behind, and what came before stays."""
    standings = Standings(capacity=2)
    standings.take(window(3), "no_drift", labelled(3, 0.6))
    found = standings.take(window(4), "no_drift", labelled(4, None))
    assert found is not None
    assert found.labelled is not None
    assert found.labelled.window == window(3)
    told = {kind: value for _, kind, value in found.performance()}
    assert told == {"estimated": 0.8, "realized": 0.6, "reference": 0.9}
    late = standings.take(window(2), "no_drift", labelled(2, 0.5))
    assert late is None
    again = standings.take(window(3), "no_drift", labelled(3, 0.7))
    assert again is not None
    assert again.window == window(4)
    assert {kind: value for _, kind, value in again.performance()}["realized"] == 0.7


def test_a_change_of_the_errors_is_new_once() -> None:
    """However many windows are judged since, and where an earlier window is judged again too."""
    standings = Standings(capacity=2)
    told = []
    for number, changes in ((1, []), (2, [change(9)]), (3, [change(9)]), (1, [change(12)])):
        found = standings.take(window(number), "no_drift", labelled(number, None, *changes))
        told.append(found.changes if found else None)
    assert told == [(), (change(9),), (), (change(12),)]
    (now,) = standings.all()
    assert now.concept_through_ns == 12
    follows = follow(now, window(4), "no_drift", labelled(4, None, change(12), change(9)))
    assert follows.changes == ()


def test_errors_are_higher_until_they_fall() -> None:
    """The latest change tells since when."""
    risen = follow(None, window(1), "no_drift", labelled(1, None, change(9)))
    assert risen.worse_since_ns == 8
    fallen = labelled(2, None, change(12, "fall"), change(9))
    assert follow(risen, window(2), "no_drift", fallen).worse_since_ns is None
