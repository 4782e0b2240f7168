"""Suggestions kept in the store, and told: once, also by a collector that is started anew."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import SeverityNumber

from modelwatch.collector.alerting.configuration import parse
from modelwatch.collector.alerting.sqlite_alerts import SqliteAlerts
from modelwatch.collector.alerting.targets import Target
from modelwatch.collector.outcomes.protocols import ConceptState
from modelwatch.collector.rollouts.made import MadeSuggestion, SuggestionNotice
from modelwatch.collector.rollouts.options import RolloutTable, margin_of
from modelwatch.collector.rollouts.planning import Plan
from modelwatch.collector.rollouts.rollouts import Rollouts, chosen_pair
from modelwatch.collector.rollouts.sqlite_suggestions import MOST_ENDED, SqliteSuggestions
from modelwatch.collector.rollouts.suggesting import Suggesting
from modelwatch.collector.showing.suggestion_encoding import encode_suggestions
from modelwatch.collector.storing.database import Database
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.collector.storing.store import VersionSeen
from modelwatch.concept.concept_change import ConceptChange
from modelwatch.errors import ConfigurationError
from tests.collector.conftest import NOW_NS, SECOND, Traffic, baseline, traffic
from tests.collector.rollouts.test_planning import holding

__all__ = ["baseline", "traffic"]


TARGETS = """
[[notify]]
kind = "webhook"
name = "pipeline"
url = "http://127.0.0.1:1/"
models = "churn*"
suggestions = ["retrain"]
[[notify]]
kind = "webhook"
name = "people"
url = "http://127.0.0.1:1/"
"""


class Told:
    """Whoever sends notices and tells other programs, and what they were told."""

    def __init__(self, *targets: Target) -> None:
        self.news = asyncio.Event()
        self.made: list[MadeSuggestion] = []
        self._targets = targets

    def targets(self) -> Sequence[Target]:
        """Return who is told."""
        return self._targets

    def suggested(self, made: Sequence[MadeSuggestion]) -> None:
        """Note suggestions."""
        self.made += made


class Changed:
    """Labels by which the errors of every version rose."""

    def __init__(self) -> None:
        self.changes: list[ConceptChange] = [
            ConceptChange(
                direction="rise",
                began_ns=NOW_NS - 60 * SECOND,
                began_labelled_ns=NOW_NS - 50 * SECOND,
                detected_ns=NOW_NS,
                before=0.1,
                after=0.3,
                difference_lower=0.1,
                difference_upper=0.3,
                rows_before=500,
                rows_after=100,
                confidence=0.998,
            )
        ]

    def concept(self, model: str, version: str) -> ConceptState:
        """Return the change."""
        del model, version
        return ConceptState(changes=self.changes)


def suggesting(database: Database, store: SqliteStore, labels: Changed, told: Told) -> Suggesting:
    """Return what looks for suggestions in a store."""
    rollouts = Rollouts(
        store, lambda model, version: None, RolloutTable, window_seconds=60, clock=lambda: NOW_NS
    )
    return Suggesting(
        rollouts,
        store,
        labels,
        SqliteSuggestions(database),
        told,
        told,
        clock=lambda: NOW_NS,
    )


async def test_a_suggestion_is_told_once_by_one_collector_after_the_other(
    store: SqliteStore, traffic: Traffic
) -> None:
    """Who asked for its kind is told; neither the next look nor the next process tells it again.

    Where its reason is gone it ends; where that comes back, it is another one.
    """
    await store.write(traffic.arrivals())
    targets, labels = parse(TARGETS.encode(), {}).notify, Changed()
    told = Told(*targets)
    first = suggesting(store.database, store, labels, told)
    await first.look()
    await first.look()
    await suggesting(store.database, store, labels, told).look()
    (made,) = told.made
    assert (made.kind, made.stable) == ("retrain", None)
    assert "the mean error rose from 0.1 to 0.3" in made.words
    assert told.news.is_set()
    (waiting,) = SqliteAlerts(store.database).due(NOW_NS)
    assert waiting.target == "pipeline"
    assert waiting.notice == SuggestionNotice(suggestion=made, at_ns=NOW_NS)
    kept = SqliteSuggestions(store.database)
    assert kept.holding() == [made]
    labels.changes, changes = [], labels.changes
    await first.look()
    assert kept.holding() == []
    labels.changes = changes
    await first.look()
    assert len(told.made) == 2
    assert told.made[1].id != made.id


async def test_looks_are_as_far_apart_as_configured(store: SqliteStore, traffic: Traffic) -> None:
    """Between two looks, a round costs nothing; a clock that was set back holds nothing up."""
    await store.write(traffic.arrivals())
    labels, told = Changed(), Told()
    labels.changes, changes = [], labels.changes
    found = suggesting(store.database, store, labels, told)
    await found.round_ended()
    labels.changes = changes
    await found.round_ended()
    assert told.made == []
    await found.look()
    assert len(told.made) == 1


async def test_pages_of_suggestions(store: SqliteStore) -> None:
    """The newest come first, page after page, of models that may be read; old ones are let go."""
    kept = SqliteSuggestions(store.database)
    (one,) = holding("promote")
    made = [replace(one, id=f"{at}", model=f"m{at % 2}") for at in range(5)]
    await kept.commit(Plan(made, []), [])
    ended = [replace(found, ended_ns=9, ended_by="over") for found in made[:2]]
    await kept.commit(Plan([], ended), [])

    def ids(**asked: Any) -> tuple[list[str], int | None]:
        whole: dict[str, Any] = {"model": None, "holding": False, "limit": 10, "before": None}
        page = kept.page(**{**whole, "may_read": lambda model: True, **asked})
        return [found.id for found in page.suggestions], page.cursor

    assert ids() == (["4", "3", "2", "1", "0"], None)
    first, cursor = ids(limit=3)
    assert first == ["4", "3", "2"]
    assert ids(limit=3, before=cursor) == (["1", "0"], None)
    assert ids(holding=True)[0] == ["4", "3", "2"]
    assert ids(model="m1")[0] == ["3", "1"]
    assert ids(may_read=lambda model: model == "m0")[0] == ["4", "2", "0"]
    many = [replace(one, id=f"old-{at}", ended_ns=3) for at in range(MOST_ENDED + 5)]
    await kept.commit(Plan(many, []), [])
    assert len(ids(limit=2_000)[0]) == MOST_ENDED + 3


def test_events_say_what_should_be_done() -> None:
    """Each suggestion is a log record of OTLP, with its reasons and figures' versions."""
    (made,) = holding("roll_back")
    body = encode_suggestions([made], resource={"service.name": "c"}, now_ns=9)
    request = ExportLogsServiceRequest.FromString(body)
    (record,) = request.resource_logs[0].scope_logs[0].log_records
    told = {one.key: one.value for one in record.attributes}
    assert record.event_name == "modelwatch.suggestion"
    assert record.severity_number == SeverityNumber.SEVERITY_NUMBER_WARN
    assert record.body.string_value == "m: Roll 4 back to 3: why."
    assert told["modelwatch.suggestion.kind"].string_value == "roll_back"
    assert told["modelwatch.suggestion.stable_version"].string_value == "3"
    assert (record.time_unix_nano, record.observed_time_unix_nano) == (1, 9)


def test_the_table_is_read_and_faults_in_it_are_named() -> None:
    """Unknown keys and values out of range are refused by their place."""
    found = parse(b'[rollout]\nmetric = "f1"\nmargin = 0.02\ninterval = "1m"', {}).rollout
    assert (found.metric, found.margin, found.interval) == ("f1", 0.02, 60)
    for text, said in (
        ("alfa = 0.1", "[rollout].alfa: unknown; did you mean alpha?"),
        ("alpha = 1.5", "[rollout].alpha is 1.5"),
        ("minimum_rows = 5", "[rollout].minimum_rows is 5"),
    ):
        with pytest.raises(ConfigurationError) as refused:
            parse(f"[rollout]\n{text}".encode(), {})
        assert said in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "said"),
    [("alertmanager", "takes no suggestions"), ("webhook", "promote")],
)
def test_who_can_be_told_of_suggestions(kind: str, said: str) -> None:
    """An Alertmanager keeps alerts alone; of kinds, those that there are."""
    named = '["retrain"]' if kind == "alertmanager" else '["demote"]'
    text = f'[[notify]]\nkind = "{kind}"\nname = "n"\nurl = "http://h"\nsuggestions = {named}'
    with pytest.raises(ConfigurationError, match=said):
        parse(text.encode(), {})


def test_margins_follow_the_metric() -> None:
    """Metrics in [0, 1] have one in their units, losses a share of the stable version's."""
    rules = RolloutTable()
    assert margin_of("accuracy", 0.9, rules, is_deciding=True) == 0.01
    assert margin_of("recall", 0.9, rules, is_deciding=True) == 0.01
    assert margin_of("mae", 50.0, rules, is_deciding=True) == pytest.approx(1.0)
    assert margin_of("log_loss", 0.5, rules, is_deciding=False) == pytest.approx(0.01)
    own = RolloutTable(margin=0.3)
    assert margin_of("mae", 50.0, own, is_deciding=True) == 0.3
    assert margin_of("mae", 50.0, own, is_deciding=False) == pytest.approx(1.0)


def seen(version: str, first: int, rows: int) -> VersionSeen:
    """Return a version."""
    return VersionSeen(
        model="m",
        version=version,
        rows=rows,
        first_seen_ns=first,
        last_seen_ns=first + 1,
        baseline_id=None,
        has_data=True,
    )


def test_the_newest_is_the_candidate_and_the_busiest_other_is_stable() -> None:
    """Where nobody says; one that is given leaves the other to be chosen."""
    versions = [seen("1", 1, 900), seen("2", 2, 500), seen("3", 3, 5_000), seen("4", 4, 10)]
    for asked, expected in (
        ((None, None), ("3", "4")),
        (("1", None), ("1", "4")),
        ((None, "1"), ("3", "1")),
        ((None, "3"), ("1", "3")),
        (("4", None), ("4", "3")),
    ):
        pair = chosen_pair(versions, *asked)
        assert pair is not None
        assert (pair.stable.version, pair.candidate.version) == expected
    assert chosen_pair(versions[:1]) is None
    assert chosen_pair([]) is None


def test_a_span_that_cannot_be_compared_is_refused(store: SqliteStore) -> None:
    """Spans end on the grid of windows; empty ones, and those of years, are refused."""
    rollouts = Rollouts(
        store, lambda model, version: None, RolloutTable, window_seconds=60, clock=lambda: NOW_NS
    )
    window = rollouts.window_since(NOW_NS - 90 * SECOND)
    assert (window.start_ns % (60 * SECOND), window.end_ns % (60 * SECOND)) == (0, 0)
    assert window.start_ns <= NOW_NS - 90 * SECOND < NOW_NS <= window.end_ns
    for since, until in (
        (NOW_NS + 3_600 * SECOND, None),
        (0, NOW_NS),
        (NOW_NS, NOW_NS - 120 * SECOND),
    ):
        with pytest.raises(ConfigurationError, match="give a since that is past"):
            rollouts.window_since(since, until)
