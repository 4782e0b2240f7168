"""Rules on what labels tell, which come long after the windows that they are of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from modelwatch.collector.alerting.alert_store import Change, VersionKey
from modelwatch.collector.alerting.facts import ERRORS, Seen, WindowFacts, facts_of
from modelwatch.collector.alerting.facts_shelf import FactsShelf
from modelwatch.collector.alerting.holding import Terms
from modelwatch.collector.alerting.observing import BY_LABELS, observe
from modelwatch.collector.alerting.rules import Rule
from modelwatch.collector.alerting.sqlite_alerts import SqliteAlerts
from modelwatch.collector.alerting.state_machine import RuleKey, RuleState, advance
from modelwatch.collector.evaluating.evaluation import Assessment
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.report.drift_report import DriftReport
from modelwatch.report.findings import PerformanceMetric
from modelwatch.report.label_findings import ConceptFinding, LabelFindings
from tests.collector.alerting.conftest import counted, facts, window

KEY: VersionKey = ("m", "1")
ESTIMATED = PerformanceMetric(name="accuracy", reference=0.9, estimated=0.9, lower=0.88, upper=0.92)
WORSE = replace(
    ESTIMATED, realized=0.7, lower=0.68, upper=0.72, rows=500, verdict="concept drift",
    explained="input drift explains none of the 0.20 drop in accuracy: the relation has changed",
)  # fmt: skip
KEPT = replace(
    WORSE, realized=0.9, lower=0.88, upper=0.92, verdict="no change", explained="as it was"
)
RISE = ConceptFinding(
    detected_ns=9, began_ns=8, before=0.1, after=0.3, direction="rise", confidence=0.998
)


def assessed(
    number: int,
    metric: PerformanceMetric,
    *,
    concept: tuple[ConceptFinding, ...] = (),
    bias: str | None = None,
) -> Assessment:
    """Return a window with a measure of performance."""
    labelled = 500 if metric.realized is not None else 0
    report = DriftReport(
        model="m",
        version="1",
        baseline_id="b",
        start_ns=window(number).start_ns,
        end_ns=window(number).end_ns,
        rows=500,
        features={},
        performance={metric.name: metric},
        labels=LabelFindings(predictions=500, labelled=labelled, bias=bias),
        concept=concept,
    )
    return Assessment(
        model="m",
        version="1",
        window=window(number),
        state="no_drift",
        baseline=None,
        current=None,
        report=report,
        other_bins=(),
        rows_apart=0,
        unmergeable=0,
        instances=1,
        through_id=number,
    )


def found_in(rule: Rule, *windows: WindowFacts) -> list[set[str] | None]:
    """Return what a rule finds in windows; None where it cannot judge one."""
    seen = [observe(rule, one) for one in windows]
    return [set(one.found) if one.judged else None for one in seen]


def test_a_window_without_labels_is_not_calm() -> None:
    """A rule on labels passes it over: that nothing was proven is no proof of the contrary."""
    windows = [facts_of(assessed(n, metric)) for n, metric in enumerate((WORSE, ESTIMATED, KEPT))]
    assert found_in(Rule(name="p", on="performance"), *windows) == [{"accuracy"}, None, set()]
    estimates = Rule(name="p", on="performance", estimated=True)
    assert found_in(estimates, *windows) == [{"accuracy"}, set(), set()]
    assert [one.labelled for one in windows] == [500, 0, 500]
    assert windows[1].performance_estimated == {"accuracy"}


def test_a_loss_says_how_much_inputs_explain() -> None:
    """The words of an alert hold the verdict."""
    cause = facts_of(assessed(0, WORSE)).performance["accuracy"].cause
    assert cause == (
        "Accuracy is 0.700, and was 0.900 on the baseline: input drift explains none of the 0.20 "
        "drop in accuracy: the relation has changed"
    )


def test_a_changed_relation_is_found_by_verdict_and_by_errors() -> None:
    """A verdict speaks of its window, a rise of errors of all since; a fall ends it."""
    fall = replace(RISE, direction="fall", detected_ns=20)
    windows = [
        facts_of(assessed(0, WORSE)),
        facts_of(assessed(1, ESTIMATED, concept=(RISE,))),
        facts_of(assessed(2, KEPT, concept=(fall, RISE))),
    ]
    rule = Rule(name="c", on="concept_drift")
    assert found_in(rule, *windows) == [{"accuracy"}, {ERRORS}, set()]
    seen = observe(rule, windows[1])
    assert seen.unjudged == {"accuracy"}
    assert seen.found[ERRORS].severity == "critical"
    assert seen.found[ERRORS].cause.startswith("errors rose from 0.100 to 0.300")
    only = Rule(name="c", on="concept_drift", features=("accuracy",))
    assert found_in(only, *windows) == [{"accuracy"}, set(), set()]


def test_labels_of_some_only_are_found() -> None:
    """Where labels are missing not at random, and only where there are labels."""
    windows = [
        facts_of(assessed(0, KEPT, bias="they differ by score")),
        facts_of(assessed(1, KEPT)),
        facts_of(assessed(2, ESTIMATED)),
    ]
    rule = Rule(name="b", on="label_bias")
    assert found_in(rule, *windows) == [{"labels"}, set(), None]
    assert observe(rule, windows[0]).found["labels"].cause == "they differ by score"


def test_facts_of_labels_are_read_back() -> None:
    """As they were written; what an earlier release wrote has none."""
    found = facts_of(assessed(0, WORSE, concept=(RISE,)))
    assert WindowFacts.from_json(found.to_json()) == found
    assert found.concept[ERRORS] == Seen(weight=found.concept[ERRORS].weight,
                                         cause=found.concept[ERRORS].cause)  # fmt: skip


def shelf_of(windows: Sequence[WindowFacts], *, capacity: int = 3) -> FactsShelf:
    """Return a shelf that took in windows in this order."""
    shelf = FactsShelf({}, window_seconds=60, capacity=capacity)
    for one in windows:
        shelf.add(KEY, one)
    return shelf


def test_the_latest_windows_with_labels_are_kept_too() -> None:
    """However many windows without labels came since, and no more of them than rules look at."""
    late = [facts_of(assessed(number, WORSE)) for number in range(5)]
    shelf = shelf_of([facts(number) for number in range(20)] + late)
    numbers = [(w.end_ns - window(0).end_ns) // (60 * 10**9) for w in shelf.of(KEY)]
    assert numbers == [2, 3, 4, 17, 18, 19]
    assert shelf.kept[KEY] == [one.end_ns for one in shelf.of(KEY)]


async def test_the_store_keeps_them_as_well(store: SqliteStore) -> None:
    """A process that starts anew knows the windows that labels told of."""
    alerts = SqliteAlerts(store.database)
    late = facts_of(assessed(0, WORSE))
    shelf = shelf_of([facts(number) for number in range(6)] + [late])
    change = Change(at_ns=1, facts=shelf.uncommitted, keep_windows=3, keep_ends_ns=shelf.kept)
    await alerts.commit(change)
    shelf.add(KEY, facts(7))
    again = Change(at_ns=1, facts=[(KEY, facts(7))], keep_windows=3, keep_ends_ns=shelf.kept)
    await alerts.commit(again)
    kept = alerts.load().facts[KEY]
    assert kept[0] == late
    assert [one.window for one in kept][1:] == [window(n) for n in (4, 5, 7)]


def test_late_labels_raise_an_alert_and_end_it() -> None:
    """Windows count as their labels come, though twenty others were judged since."""
    rule = Rule(name="p", on="performance")
    terms = Terms(opens=rule.opens, clears=rule.clears)
    state = RuleState(key=RuleKey(model="m", version="1", rule="p"), on="performance")
    shelf = shelf_of([facts_of(assessed(n, ESTIMATED)) for n in range(20)], capacity=12)
    told = []
    for number, metric in enumerate([KEPT, WORSE, WORSE, KEPT, KEPT]):
        shelf.add(KEY, facts_of(assessed(number, metric)))
        seen = [observe(rule, one) for one in shelf.facts[KEY]]
        judged = [one for one in seen if one.judged]
        state, happened = advance(state, judged, terms, now_ns=number, new_id=counted())
        told += [one.kind for one in happened]
    assert told == ["pending", "firing", "resolved"]
    assert rule.on in BY_LABELS
