"""One round: what changes, from what is known and what was seen. Pure."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace

from modelwatch.collector.alerting.alert import Alert, Transition
from modelwatch.collector.alerting.alert_store import VersionKey
from modelwatch.collector.alerting.configuration import Configuration
from modelwatch.collector.alerting.facts import WindowFacts
from modelwatch.collector.alerting.holding import Terms
from modelwatch.collector.alerting.muting import Silence, muted_by
from modelwatch.collector.alerting.notices import Notice, due_notice, tell
from modelwatch.collector.alerting.observing import BASELINE_FREE, BY_LABELS, observe
from modelwatch.collector.alerting.rules import Rule
from modelwatch.collector.alerting.silent_versions import Watching, silence_of
from modelwatch.collector.alerting.state_machine import RuleKey, RuleState, Step, advance, end, step
from modelwatch.collector.storing.store import VersionSeen

__all__ = ["Known", "Plan", "Round", "plan_round"]


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known before a round.

    Attributes:
        states: by model version and rule.
        facts: the latest finished windows by model version, oldest first.
        versions: every model version.
    """

    states: Mapping[RuleKey, RuleState]
    facts: Mapping[VersionKey, Sequence[WindowFacts]]
    versions: Sequence[VersionSeen]


@dataclass(frozen=True, kw_only=True)
class Round:
    """By what a round is planned.

    Attributes:
        configuration: the rules, and who is told.
        silences: that people set.
        watching: by what silence of a version is measured.
        now_ns: Unix nanoseconds.
        new_id: makes the id of a new alert.
    """

    configuration: Configuration
    silences: Sequence[Silence]
    watching: Watching
    now_ns: int
    new_id: Callable[[], str]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a round changes."""

    states: Sequence[RuleState]
    forgotten: Sequence[RuleKey]
    transitions: Sequence[Transition]
    notices: Sequence[tuple[str, Notice]]


def plan_round(known: Known, this: Round, *, changed: Container[VersionKey]) -> Plan:
    """Return what a round changes.

    Args:
        known: what is known.
        this: the rules and the clock.
        changed: the model versions of which windows were judged since; of the others, only
            silences and repetitions are looked at.
    """
    states: list[RuleState] = []
    transitions: list[Transition] = []
    notices: list[tuple[str, Notice]] = []
    covered: set[RuleKey] = set()
    ended: list[RuleKey] = []
    rules = {rule.name: rule for rule in this.configuration.rules}

    def keep(before: RuleState | None, taken: Step) -> None:
        state, told, sent = _with_notices(taken, rules, this)
        transitions.extend(told)
        notices.extend(sent)
        if state != before:
            states.append(state)

    for seen in known.versions:
        for rule in this.configuration.rules:
            if rule.covers(seen.model):
                key = RuleKey(model=seen.model, version=seen.version, rule=rule.name)
                covered.add(key)
                before = known.states.get(key)
                is_new = before is None or (seen.model, seen.version) in changed
                keep(before, _taken(rule, key, seen, known, this, is_new=is_new))
    for key, state in known.states.items():
        if key not in covered:
            reason = "no rule covers it any more" if key.rule not in rules else _GONE
            _, told, sent = _with_notices(end(state, reason, now_ns=this.now_ns), rules, this)
            transitions.extend(told)
            notices.extend(sent)
            ended.append(key)
    return Plan(states=states, forgotten=ended, transitions=transitions, notices=notices)


_GONE = "its model version is not looked at any more"


def _taken(
    rule: Rule, key: RuleKey, seen: VersionSeen, known: Known, this: Round, *, is_new: bool
) -> Step:
    """Take in what is new by one rule of one version."""
    fresh = RuleState(key=key, on=rule.on, baseline_id=seen.baseline_id, severity=rule.severity)
    state = _not_ahead(known.states.get(key, fresh), this.now_ns)
    state = replace(state, severity=rule.severity)
    happened: list[Transition] = []
    reason = _starts_anew(rule, state, fresh)
    if reason:
        _, happened = end(state, reason, now_ns=this.now_ns)
        state, is_new = fresh, True
    if rule.on == "no_data":
        state, told = _hear(rule, state, seen, known, this)
    elif is_new:
        facts = known.facts.get((seen.model, seen.version), ())
        observations = [observe(rule, one) for one in facts if _is_of(rule, one, seen)]
        if rule.on in BY_LABELS:
            observations = [one for one in observations if one.judged]
        terms = Terms(opens=rule.opens, clears=rule.clears)
        state, told = advance(state, observations, terms, now_ns=this.now_ns, new_id=this.new_id)
    else:
        told = []
    return state, [*happened, *told]


def _not_ahead(state: RuleState, now_ns: int) -> RuleState:
    """Return a state that a clock which was set back since has not led ahead of the windows."""
    through_ns = None if state.through_ns is None else min(state.through_ns, now_ns)
    return replace(state, through_ns=through_ns, anew_ns=min(state.anew_ns, now_ns))


def _starts_anew(rule: Rule, state: RuleState, fresh: RuleState) -> str:
    if state.on != fresh.on:
        return "its rule looks for something else now"
    if rule.on not in BASELINE_FREE and state.baseline_id != fresh.baseline_id:
        return "a new baseline was pushed"
    return ""


def _is_of(rule: Rule, facts: WindowFacts, seen: VersionSeen) -> bool:
    return rule.on in BASELINE_FREE or facts.baseline_id == seen.baseline_id


def _hear(rule: Rule, state: RuleState, seen: VersionSeen, known: Known, this: Round) -> Step:
    facts = known.facts.get((seen.model, seen.version), ())
    condition = silence_of(
        rule,
        seen,
        last_ns=_last_data(seen, facts, this.now_ns),
        windows_sent=len(facts),
        siblings=known.versions,
        watching=this.watching,
    )
    if condition is None:
        return state, []
    return step(state, condition, now_ns=this.now_ns, new_id=this.new_id)


def _last_data(seen: VersionSeen, facts: Sequence[WindowFacts], now_ns: int) -> int | None:
    """Return when the latest data came; a sender whose clock is ahead is not believed."""
    if seen.last_seen_ns is not None and seen.last_seen_ns <= now_ns:
        return seen.last_seen_ns
    return facts[-1].window.end_ns if facts else None


def _with_notices(
    taken: Step, rules: Mapping[str, Rule], this: Round
) -> tuple[RuleState, list[Transition], list[tuple[str, Notice]]]:
    """Add whom to tell of what happened, and of what goes on."""
    state, transitions = taken
    notices: list[tuple[str, Notice]] = []
    told: list[Transition] = []
    for happened in transitions:
        alert = happened.alert
        if happened.kind == "resolved":
            alert, sent = _told(alert, rules, this)
            notices += sent
        told.append(replace(happened, alert=alert))
    if state.alert is not None:
        alert, sent = _told(state.alert, rules, this)
        state = replace(state, alert=alert)
        notices += sent
    return state, told, notices


def _told(
    alert: Alert, rules: Mapping[str, Rule], this: Round
) -> tuple[Alert, list[tuple[str, Notice]]]:
    rule = rules.get(alert.rule)
    muted = muted_by(alert, this.silences, this.configuration.maintenance, this.now_ns)
    kind = due_notice(
        alert,
        is_muted=bool(muted),
        repeat_seconds=rule.repeat_interval if rule else 0,
        now_ns=this.now_ns,
    )
    if kind is None:
        return alert, []
    alert, notice = tell(alert, kind, now_ns=this.now_ns)
    targets = [
        target.name
        for target in this.configuration.notify
        if target.hears(alert) and (kind != "resolved" or target.send_resolved)
    ]
    return alert, [(name, notice) for name in targets]
