"""The life of an alert: inactive, pending, firing, resolved. Pure.

::

    inactive --found--> pending --in k of m windows--> firing --calm in k' of m'--> resolved
        ^                  |                                                          |
        '---not found------'                     what comes again is another alert ---'

A `RuleState` is what is known of one model version by one rule. It holds at most one open alert.
Windows are stepped through one by one, each once; a window that was judged anew, since data came
late, changes what holds now and nothing that was told. So the same windows again change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from modelwatch.collector.alerting.alert import (
    Acknowledgement,
    Alert,
    AlertFeature,
    AlertSeverity,
    Transition,
)
from modelwatch.collector.alerting.holding import Condition, Terms, condition_of, windows_looked_at
from modelwatch.collector.alerting.observing import Observation

__all__ = ["Phase", "RuleKey", "RuleState", "acknowledge", "advance", "end", "step"]

Phase = Literal["inactive", "pending", "firing"]

Step = tuple["RuleState", list[Transition]]


@dataclass(frozen=True, kw_only=True, order=True)
class RuleKey:
    """One model version under one rule."""

    model: str
    version: str
    rule: str


@dataclass(frozen=True, kw_only=True)
class RuleState:
    """What is known of one model version by one rule.

    Attributes:
        key: which.
        on: what kind of thing the rule looks for.
        severity: of its alerts, in place of what follows from what was found.
        baseline_id: what its windows were compared with.
        through_ns: end of the latest window that was stepped through; None before the first.
        anew_ns: windows that end by then belong to alerts that were resolved.
        alert: the open alert, pending or firing; None where nothing is found.
    """

    key: RuleKey
    on: str
    severity: AlertSeverity | None = None
    baseline_id: str | None = None
    through_ns: int | None = None
    anew_ns: int = 0
    alert: Alert | None = None

    @property
    def phase(self) -> Phase:
        """Where it is in its life."""
        if self.alert is None:
            return "inactive"
        return "pending" if self.alert.state == "pending" else "firing"

    @property
    def held(self) -> Mapping[str, AlertFeature]:
        """What holds, by name."""
        if self.alert is None or self.alert.state != "firing":
            return {}
        return {feature.name: feature for feature in self.alert.features}


def advance(
    state: RuleState,
    observations: Sequence[Observation],
    terms: Terms,
    *,
    now_ns: int,
    new_id: Callable[[], str],
) -> Step:
    """Take in windows: those that end after the last one stepped through, one by one.

    Where none was stepped through yet (a new rule, a new baseline), only how things stand after the
    latest is taken in: what came and went before is told to nobody.

    Args:
        state: what is known.
        observations: the latest windows, oldest first, those that were taken in too.
        terms: in how many windows a finding must hold, and be calm.
        now_ns: Unix nanoseconds.
        new_id: makes the id of a new alert.

    Returns:
        What is known now, and what happened to alerts, in order.
    """
    ends = [seen.window.end_ns for seen in observations]
    through = state.through_ns
    new = [end for end in ends if through is not None and end > through] or ends[-1:]
    happened: list[Transition] = []
    for end_ns in new:
        again = True
        while again:  # once more after the end of an alert: the window may start another run
            was_open = state.phase == "firing"
            condition = _condition(state, observations, terms, end_ns)
            state, told = step(state, condition, now_ns=now_ns, new_id=new_id)
            happened += told
            again = was_open and state.phase == "inactive"
        state = replace(state, through_ns=max(end_ns, state.through_ns or 0))
    return state, _without_passing(happened, state.alert)


def _without_passing(happened: Sequence[Transition], alert: Alert | None) -> list[Transition]:
    """Leave out what was only ever pending, and is not any more."""
    kept = {told.alert.id for told in happened if told.kind != "pending"}
    kept |= {alert.id} if alert else set()
    return [told for told in happened if told.alert.id in kept]


def _condition(
    state: RuleState, observations: Sequence[Observation], terms: Terms, end_ns: int
) -> Condition:
    until = [seen for seen in observations if state.anew_ns < seen.window.end_ns <= end_ns]
    return condition_of(until[-windows_looked_at(terms) :], terms, held=state.held)


def step(state: RuleState, condition: Condition, *, now_ns: int, new_id: Callable[[], str]) -> Step:
    """Take in how things stand now; the same condition again changes nothing."""
    if condition.holding:
        return _hold(state, condition, now_ns, new_id)
    if state.phase == "firing":
        return end(state, condition.reason, now_ns=now_ns)
    if condition.pending:
        return _see(state, condition, now_ns, new_id)
    return replace(state, alert=None), []


def end(state: RuleState, reason: str, *, now_ns: int) -> Step:
    """End the open alert; what comes again is another one."""
    alert = state.alert
    if alert is None or alert.state != "firing":
        return replace(state, alert=None), []
    ended = replace(alert, state="resolved", ended_ns=now_ns, ended_by=reason)
    inactive = replace(state, alert=None, anew_ns=max(state.anew_ns, _last(state)))
    return inactive, [Transition(kind="resolved", alert=ended, at_ns=now_ns, detail=reason)]


def acknowledge(state: RuleState, by: Acknowledgement) -> Step:
    """Note that a person has taken note of the open alert."""
    if state.alert is None or state.alert.acknowledged is not None:
        return state, []
    alert = replace(state.alert, acknowledged=by)
    return replace(state, alert=alert), [
        Transition(kind="acknowledged", alert=alert, at_ns=by.at_ns, detail=by.by)
    ]


def _last(state: RuleState) -> int:
    seen = state.alert.last_seen_ns if state.alert else 0
    return max(seen, state.through_ns or 0)


def _see(state: RuleState, condition: Condition, now_ns: int, new_id: Callable[[], str]) -> Step:
    found = _graded(condition.pending, state.severity)
    if state.alert is not None:
        return replace(state, alert=_seen_again(state.alert, condition, found)), []
    alert = _opened(state, condition, found, now_ns, new_id())
    return replace(state, alert=alert), [Transition(kind="pending", alert=alert, at_ns=now_ns)]


def _hold(state: RuleState, condition: Condition, now_ns: int, new_id: Callable[[], str]) -> Step:
    found = _graded(condition.holding, state.severity)
    before = state.alert
    if before is None:
        before = _opened(state, condition, found, now_ns, new_id())
    alert = _seen_again(before, condition, found)
    if alert.state == "pending":
        alert = replace(alert, state="firing", fired_ns=now_ns)
        return _happened(state, alert, Transition(kind="firing", alert=alert, at_ns=now_ns))
    if alert.severity != before.severity:
        return _happened(state, alert, Transition(kind="escalated", alert=alert, at_ns=now_ns))
    return replace(state, alert=alert), []


def _happened(state: RuleState, alert: Alert, transition: Transition) -> Step:
    return replace(state, alert=alert), [transition]


def _opened(
    state: RuleState,
    condition: Condition,
    found: Sequence[AlertFeature],
    now_ns: int,
    alert_id: str,
) -> Alert:
    return Alert(
        id=alert_id,
        model=state.key.model,
        version=state.key.version,
        rule=state.key.rule,
        on=state.on,
        state="pending",
        severity=found[0].severity,
        since_ns=condition.since_ns,
        opened_ns=now_ns,
        last_seen_ns=condition.last_seen_ns,
    ).concerning(found)


def _seen_again(alert: Alert, condition: Condition, found: Sequence[AlertFeature]) -> Alert:
    return replace(
        alert.concerning(found),
        since_ns=min(alert.since_ns, condition.since_ns),
        last_seen_ns=max(alert.last_seen_ns, condition.last_seen_ns),
    )


def _graded(
    found: Sequence[AlertFeature], severity: AlertSeverity | None
) -> tuple[AlertFeature, ...]:
    if severity is None:
        return tuple(found)
    return tuple(replace(feature, severity=severity) for feature in found)
