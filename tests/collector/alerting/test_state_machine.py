"""The life of an alert, and laws that hold of any course of findings."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from modelwatch.collector.alerting.alert import Acknowledgement, Transition
from modelwatch.collector.alerting.holding import Condition, Terms
from modelwatch.collector.alerting.observing import Observation
from modelwatch.collector.alerting.state_machine import (
    RuleKey,
    RuleState,
    acknowledge,
    advance,
    end,
    step,
)
from modelwatch.persistence import Persistence
from tests.collector.alerting.conftest import counted, feature, observations, window

KEY = RuleKey(model="churn", version="3", rule="drift")
FRESH = RuleState(key=KEY, on="drift", baseline_id="b")
TERMS = Terms(opens=Persistence(k=2, m=3), clears=Persistence(k=2, m=2))


def play(
    windows: list[Observation], terms: Terms = TERMS, *, at_once: bool = False
) -> tuple[RuleState, list[Transition]]:
    """Take in windows, one a round or all in one."""
    new_id = counted()
    state = replace(FRESH, through_ns=0)
    happened: list[Transition] = []
    for count in [len(windows)] if at_once else range(1, len(windows) + 1):
        state, told = advance(state, windows[:count], terms, now_ns=count, new_id=new_id)
        happened += told
    return state, happened


def kinds(happened: list[Transition]) -> list[str]:
    """Return what happened, in words."""
    return [told.kind for told in happened]


def test_from_pending_to_firing_to_resolved() -> None:
    """Found once it is pending, twice it fires, calm twice it is resolved."""
    state, happened = play(observations(".D.D.."))
    assert kinds(happened) == ["pending", "firing", "resolved"]
    assert state.phase == "inactive"
    (ended,) = [told.alert for told in happened if told.kind == "resolved"]
    assert ended.id == "a1"
    assert ended.since_ns == window(1).start_ns
    assert ended.last_seen_ns == window(3).end_ns
    assert ended.causes == ("age went up",)
    assert (ended.state, ended.ended_by) == ("resolved", "it no longer holds")


def test_what_passes_leaves_no_trace_but_that_it_was_pending() -> None:
    """Found once and not again, nobody is told of it."""
    state, happened = play(observations("D...."))
    assert kinds(happened) == ["pending"]
    assert state.alert is None


def test_one_that_comes_in_every_other_window_stays_one_alert() -> None:
    """It takes two calm windows in a row to resolve it, so that it is not told again and again."""
    _, happened = play(observations("DD.D.D.D.D"))
    assert kinds(happened) == ["pending", "firing"]


def test_what_comes_again_starts_anew() -> None:
    """After its end, the windows before it do not count, and the alert has another id."""
    state, happened = play(observations("DD..D"))
    assert kinds(happened) == ["pending", "firing", "resolved", "pending"]
    assert state.phase == "pending"
    _, happened = play(observations("DD..DD"))
    assert happened[-1].kind == "firing"
    assert happened[-1].alert.id != happened[0].alert.id
    assert happened[-1].alert.since_ns == window(4).start_ns


def test_the_window_that_ends_an_alert_may_begin_another() -> None:
    """What another feature shows in it counts, at once, and not when it is looked at again."""
    state, happened = play(several(["DD..", "...D"]))
    assert kinds(happened) == ["pending", "firing", "resolved", "pending"]
    assert state.alert is not None
    assert [found.name for found in state.alert.features] == ["f1"]


def test_worse_is_told_and_better_is_not() -> None:
    """An open alert gets critical once, and stays so."""
    state, happened = play(observations("wwDDww"))
    assert kinds(happened) == ["pending", "firing", "escalated"]
    assert state.alert is not None
    assert state.alert.severity == "critical"


def test_a_new_rule_tells_nothing_of_the_past() -> None:
    """Of many windows at once, only how things stand after the last is taken in."""
    state, happened = advance(
        FRESH, observations("DD....DD...."), TERMS, now_ns=1, new_id=counted()
    )
    assert (state.phase, happened) == ("inactive", [])
    state, happened = advance(FRESH, observations("....DD"), TERMS, now_ns=1, new_id=counted())
    assert kinds(happened) == ["firing"]


def test_late_data_is_taken_into_account() -> None:
    """A window that is judged anew changes what holds now."""
    state, _ = play(observations(".D."))
    again = observations("DD.")
    state, happened = advance(state, again, TERMS, now_ns=9, new_id=counted())
    assert kinds(happened) == ["firing"]


def test_an_outage_resolves_nothing() -> None:
    """No windows, or windows that could not be judged, leave an alert open."""
    state, _ = play(observations("DD"))
    for windows in ([], observations("DD" + "?" * 30)):
        after, happened = advance(state, windows, TERMS, now_ns=99, new_id=counted())
        assert (after.phase, happened) == ("firing", [])


def test_acknowledging_counts_once_and_ends_with_the_alert() -> None:
    """The first who takes note is noted; another alert is not acknowledged."""
    state, _ = play(observations("DD"))
    state, happened = acknowledge(state, Acknowledgement(by="ann", at_ns=5))
    assert kinds(happened) == ["acknowledged"]
    again, happened = acknowledge(state, Acknowledgement(by="bob", at_ns=6))
    assert (again, happened) == (state, [])
    state, happened = end(state, "done", now_ns=7)
    assert happened[0].alert.acknowledged == Acknowledgement(by="ann", at_ns=5)
    held = Condition(holding=(feature("age"),), since_ns=1, last_seen_ns=2)
    state, _ = step(state, held, now_ns=8, new_id=counted())
    assert state.alert is not None
    assert state.alert.acknowledged is None


courses = st.text(alphabet="Dw.?", max_size=30)
terms_of_rules = st.tuples(st.integers(1, 4), st.integers(0, 3), st.integers(1, 3)).map(
    lambda n: Terms(opens=Persistence(k=n[0], m=n[0] + n[1]), clears=Persistence(k=n[2], m=n[2]))
)


def several(letters: list[str]) -> list[Observation]:
    """Return windows of several features, one text a feature."""
    longest = max(map(len, letters), default=0)
    parts = [
        observations(text.ljust(longest, "."), name=f"f{place}")
        for place, text in enumerate(letters)
    ]
    return [
        Observation(
            window=seen[0].window,
            found={name: found for one in seen for name, found in one.found.items()},
            unjudged=frozenset(f"f{place}" for place, one in enumerate(seen) if not one.judged),
        )
        for seen in zip(*parts, strict=True)
    ]


@given(st.lists(courses, min_size=1, max_size=3), terms_of_rules)
def test_law_at_most_one_open_alert_and_each_transition_once(
    letters: list[str], terms: Terms
) -> None:
    """An alert fires once, is resolved once at most, and none fires while another one is open."""
    _, happened = play(several(letters), terms)
    open_now: str | None = None
    fired: set[str] = set()
    for told in happened:
        if told.kind == "firing":
            assert open_now is None
            assert told.alert.id not in fired
            open_now = told.alert.id
            fired.add(told.alert.id)
        elif told.kind in ("resolved", "escalated"):
            assert told.alert.id == open_now
            open_now = None if told.kind == "resolved" else open_now
    once = [(told.alert.id, told.kind) for told in happened]
    assert len(once) == len(set(once))


@given(st.lists(courses, min_size=2, max_size=3), terms_of_rules)
@example(["DD..", "...D"], TERMS)
def test_law_the_same_windows_again_change_nothing(letters: list[str], terms: Terms) -> None:
    """Taking in again what was taken in leaves the state as it is, and tells nothing."""
    windows = several(letters)
    state, new_id = replace(FRESH, through_ns=0), counted()
    for count in range(1, len(windows) + 1):
        state, _ = advance(state, windows[:count], terms, now_ns=count, new_id=new_id)
        again, happened = advance(state, windows[:count], terms, now_ns=10**6, new_id=new_id)
        assert (again, happened) == (state, [])


@given(st.lists(courses, min_size=1, max_size=3), terms_of_rules)
def test_law_windows_one_by_one_or_all_at_once(letters: list[str], terms: Terms) -> None:
    """After a stop, many windows in one round come to what they would have, one by one."""
    windows = several(letters)
    one_by_one, told = play(windows, terms)
    at_once, told_at_once = play(windows, terms, at_once=True)
    assert one_by_one.phase == at_once.phase
    assert one_by_one.held == at_once.held
    lasting = [happened.kind for happened in told if happened.kind != "pending"]
    assert [h.kind for h in told_at_once if h.kind != "pending"] == lasting


@given(courses, terms_of_rules)
def test_law_it_fires_only_where_k_of_m_windows_found_it(letters: str, terms: Terms) -> None:
    """Of one feature, an alert that fires was found in k of the last m windows that judged it."""
    windows = observations(letters)
    new_id = counted()
    state = replace(FRESH, through_ns=0)
    for count in range(1, len(windows) + 1):
        state, happened = advance(state, windows[:count], terms, now_ns=count, new_id=new_id)
        if "firing" in kinds(happened):
            judged = [seen for seen in windows[:count] if seen.judged][-terms.opens.m :]
            assert sum(bool(seen.found) for seen in judged) >= terms.opens.k
