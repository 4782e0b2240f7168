"""What each kind of rule sees in one window. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from modelwatch.collector.alerting.alert import AlertFeature, AlertSeverity, worst
from modelwatch.collector.alerting.facts import Seen, WindowFacts
from modelwatch.collector.alerting.rules import Kind, Rule, matches
from modelwatch.collector.windows import TimeWindow
from modelwatch.model_fingerprint import MODEL_HASH
from modelwatch.profile import DURATION_BOUNDS_SECONDS
from modelwatch.report.wording import percent

__all__ = ["BASELINE_FREE", "BY_LABELS", "Observation", "observe", "quantile_seconds"]

BASELINE_FREE: Final = frozenset[Kind]({"errors", "latency", "outliers", "no_data", "instance"})
"""Kinds that need no baseline, and go on where a new one is pushed."""

BY_LABELS: Final = frozenset[Kind]({"performance", "label_bias"})
"""Kinds that look at the latest windows whose labels came, and not at the latest windows."""

UNNAMED_INSTANCE: Final = "without a name"
"""Stands for all senders that tell no instance."""

MOST_NAMED: Final = 5
"""Features that the words on an instance name."""

_SEVERITIES: Final[Mapping[str, AlertSeverity]] = {"drift": "critical", "warning": "warning"}


@dataclass(frozen=True, kw_only=True)
class Observation:
    """One window, as one rule sees it.

    Attributes:
        window: the window.
        found: what was found, by name.
        judged: whether anything could be judged; a window where nothing could is passed over.
        unjudged: what could not be judged in it, while the rest could.
    """

    window: TimeWindow
    found: Mapping[str, AlertFeature] = field(default_factory=dict)
    judged: bool = True
    unjudged: frozenset[str] = frozenset()


def observe(rule: Rule, facts: WindowFacts) -> Observation:
    """Return what a rule sees in a window; nothing is known of silence here."""
    return _KINDS[rule.on](rule, facts)


def quantile_seconds(durations: tuple[int, ...], quantile: float) -> float | None:
    """Return a quantile of latency, between the edges of its bin; None without calls.

    What is beyond the last edge is told as that edge.

    >>> quantile_seconds((0, 0, 10) + (0,) * 15, 0.5)
    0.000375
    """
    counts = np.asarray(durations, np.float64)
    if counts.sum() == 0:
        return None
    edges = np.array([0.0, *DURATION_BOUNDS_SECONDS, DURATION_BOUNDS_SECONDS[-1]])
    reached = np.concatenate([[0.0], np.cumsum(counts)]) / counts.sum()
    return float(np.interp(quantile, reached, edges))


def _drift(rule: Rule, facts: WindowFacts) -> Observation:
    """Return the drifted features that the model reads; the rest where the rule asks for it."""
    least = "warning" if rule.on == "warning" else "drift"
    chosen = {
        name: seen
        for name, seen in facts.features.items()
        if matches(name, rule.features) and (rule.harmless or not seen.harmless)
        if least == "warning" or seen.severity == "drift"
    }
    return Observation(
        window=facts.window,
        found=_graded(rule, chosen, harmless=facts.harmless and not rule.harmless),
        judged=facts.compared,
        unjudged=facts.unjudged,
    )


def _joint(rule: Rule, facts: WindowFacts) -> Observation:
    chosen = {name: seen for name, seen in facts.joint.items() if matches(name, rule.features)}
    return Observation(
        window=facts.window,
        found=_graded(rule, chosen),
        judged=facts.compared,
        unjudged=facts.joint_unjudged,
    )


def _performance(rule: Rule, facts: WindowFacts) -> Observation:
    chosen = {
        name: seen
        for name, seen in facts.performance.items()
        if matches(name, rule.features) and (rule.estimated or not seen.estimated)
    }
    estimates = {name for name, seen in facts.performance.items() if seen.estimated}
    without_labels = facts.performance_estimated | estimates
    unjudged = facts.performance_unjudged | (frozenset() if rule.estimated else without_labels)
    return Observation(
        window=facts.window,
        found=_graded(rule, chosen),
        judged=facts.compared and (rule.estimated or bool(facts.labelled)),
        unjudged=unjudged,
    )


def _concept(rule: Rule, facts: WindowFacts) -> Observation:
    """Return the metrics whose loss the inputs do not explain, and that errors rose."""
    chosen = {name: seen for name, seen in facts.concept.items() if matches(name, rule.features)}
    return Observation(
        window=facts.window,
        found=_graded(rule, chosen),
        judged=facts.compared,
        unjudged=facts.concept_unjudged,
    )


def _label_bias(rule: Rule, facts: WindowFacts) -> Observation:
    del rule
    return _scalar(
        facts,
        AlertFeature(name="labels", severity="warning", cause=facts.label_bias),
        is_found=bool(facts.label_bias),
        is_judged=bool(facts.labelled),
    )


def _fingerprint(rule: Rule, facts: WindowFacts) -> Observation:
    parts = [part for part in facts.mismatches if matches(part, rule.features)]
    found = {
        part: AlertFeature(name=part, severity="critical" if part == MODEL_HASH else "warning",
                           cause=_other_part(part, facts.skew))
        for part in parts
    }  # fmt: skip
    return Observation(window=facts.window, found=found, judged=facts.state != "no_data")


def _skew(rule: Rule, facts: WindowFacts) -> Observation:
    """Return what is served otherwise than trained: since the deployment, or in another form."""
    chosen = {
        name: seen
        for name, seen in facts.skew.items()
        if matches(name, rule.features) and (rule.harmless or not seen.harmless)
    }
    return Observation(
        window=facts.window,
        found=_graded(rule, chosen),
        judged=facts.state not in ("no_data", "no_baseline"),
        unjudged=facts.unjudged - chosen.keys(),
    )


def _errors(rule: Rule, facts: WindowFacts) -> Observation:
    traffic = facts.traffic
    share = traffic.errors / traffic.calls if traffic.calls else 0.0
    cause = f"{percent(share)} of {traffic.calls:,} calls failed, above {percent(rule.error_rate)}"
    return _scalar(
        facts,
        AlertFeature(
            name="error_rate",
            severity="critical",
            weight=share,
            cause=cause,
            trace_ids=facts.error_traces,
        ),
        is_found=share > rule.error_rate,
        is_judged=traffic.calls >= rule.min_calls,
    )


def _latency(rule: Rule, facts: WindowFacts) -> Observation:
    limit = rule.latency_seconds or 0.0
    value = quantile_seconds(facts.traffic.durations, rule.quantile) or 0.0
    cause = f"{100 * rule.quantile:g}% of calls took up to {value:.3g} s, above {limit:g} s"
    return _scalar(
        facts,
        AlertFeature(name="latency", severity="warning", weight=value, cause=cause),
        is_found=value > limit,
        is_judged=sum(facts.traffic.durations) >= rule.min_calls,
    )


def _outliers(rule: Rule, facts: WindowFacts) -> Observation:
    traffic = facts.traffic
    share = traffic.outlier_rows / traffic.rows if traffic.rows else 0.0
    cause = f"{percent(share)} of rows hold an outlier, above {percent(rule.outlier_rate)}"
    return _scalar(
        facts,
        AlertFeature(
            name="outlier_rate",
            severity="warning",
            weight=share,
            cause=cause,
            trace_ids=facts.outlier_traces,
        ),
        is_found=share > rule.outlier_rate,
        is_judged=traffic.rows >= rule.min_rows,
    )


def _insufficient(rule: Rule, facts: WindowFacts) -> Observation:
    del rule
    cause = f"{facts.traffic.rows:,} rows, which are too few to judge"
    return _scalar(
        facts,
        AlertFeature(name="rows", severity="warning", cause=cause),
        is_found=facts.state == "insufficient_data",
        is_judged=facts.compared,
    )


def _instances(rule: Rule, facts: WindowFacts) -> Observation:
    """Return the instances that stray from their siblings; one that sent nothing is calm."""
    found: dict[str, AlertFeature] = {}
    for instance, features in facts.instances.items():
        chosen = {
            name: seen
            for name, seen in features.items()
            if matches(name, rule.features) and (rule.harmless or not seen.harmless)
        }
        graded = list(_graded(rule, chosen).values())
        if graded:
            name = instance or UNNAMED_INSTANCE
            found[name] = AlertFeature(
                name=name,
                severity=worst([one.severity for one in graded]),
                weight=max(one.weight for one in graded),
                cause=_unlike(graded, facts.siblings or 0),
                features=tuple(one.name for one in graded),
            )
    return Observation(
        window=facts.window,
        found=found,
        judged=bool(facts.siblings),
        unjudged=frozenset(one or UNNAMED_INSTANCE for one in facts.instances_unjudged),
    )


def _unlike(features: Sequence[AlertFeature], siblings: int) -> str:
    """Say in what an instance strays.

    >>> _unlike([AlertFeature(name="age", severity="critical", cause="multiplied by 100")], 3)
    'strays from its 3 siblings in age (multiplied by 100)'
    """
    words = [f"{one.name} ({one.cause})" if one.cause else one.name for one in features]
    more = len(words) - MOST_NAMED
    told = ", ".join(words[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    others = "its only sibling" if siblings == 1 else f"its {siblings:,} siblings"
    return f"strays from {others} in {told}"


def _nothing(rule: Rule, facts: WindowFacts) -> Observation:
    del rule
    return Observation(window=facts.window, judged=False)


def _scalar(
    facts: WindowFacts, finding: AlertFeature, *, is_found: bool, is_judged: bool
) -> Observation:
    found = {finding.name: finding} if is_found and is_judged else {}
    return Observation(window=facts.window, found=found, judged=is_judged)


def _graded(
    rule: Rule, chosen: Mapping[str, Seen], *, harmless: bool = False
) -> dict[str, AlertFeature]:
    """Return findings with the severity of alerts: what does no harm is a warning at most."""
    graded = {
        name: AlertFeature(
            name=name,
            severity="warning" if harmless else _SEVERITIES[seen.severity],
            weight=seen.weight,
            cause=seen.cause,
            trace_ids=seen.trace_ids,
        )
        for name, seen in chosen.items()
    }
    least = rule.min_severity
    return {n: one for n, one in graded.items() if least == "warning" or one.severity == least}


def _other_part(part: str, skew: Mapping[str, Seen]) -> str:
    if part in skew:
        return skew[part].cause
    if part == MODEL_HASH:
        return "another model binary is served than the one that the baseline was made for"
    return f"{part} is of another version than the baseline was made with"


_KINDS: Final[Mapping[Kind, Callable[[Rule, WindowFacts], Observation]]] = {
    "drift": _drift,
    "warning": _drift,
    "joint": _joint,
    "performance": _performance,
    "concept_drift": _concept,
    "label_bias": _label_bias,
    "outliers": _outliers,
    "errors": _errors,
    "latency": _latency,
    "no_data": _nothing,
    "fingerprint": _fingerprint,
    "skew": _skew,
    "insufficient_data": _insufficient,
    "instance": _instances,
}
