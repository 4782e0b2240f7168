"""What rules need to know of one finished window: small, and kept for as many as a rule looks at.

Only what was found is kept of the features, and the names of those that could not be judged; all
others were judged and found calm.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Final, Literal

from modelwatch.collector.alerting.json_form import json_of
from modelwatch.collector.evaluating.evaluation import Assessment, State
from modelwatch.collector.windows import TimeWindow
from modelwatch.errors import FormatError
from modelwatch.model_fingerprint import MODEL_HASH, parts_of_mismatch
from modelwatch.persistence import weight_of
from modelwatch.profile import Profile
from modelwatch.report.drift_report import DriftReport
from modelwatch.report.findings import PerformanceMetric
from modelwatch.report.harm import DECIDING, is_surely_worse
from modelwatch.report.label_findings import RELATION_CHANGED
from modelwatch.report.label_words import concept_words
from modelwatch.report.skew_words import short_cause
from modelwatch.report.wording import metric_name, number

__all__ = ["ERRORS", "Seen", "Traffic", "WindowFacts", "facts_of"]

ERRORS: Final = "errors"
"""What a change of the errors is called, as labels came in, beside the metrics of a window."""

MOST_TRACES: Final = 3
"""Traces that are kept of one finding, for its alert."""

MOST_ROWS: Final = 0.5
"""Share of rows without a feature, or with it in another form, from which that is severe."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One thing found in a window.

    Attributes:
        severity: drift or warning.
        weight: its effect times the importance of the feature.
        harmless: whether the model hardly reads it.
        estimated: whether it rests on an estimate and not on labels.
        cause: what happened, in words.
        trace_ids: traces in which it was seen, the latest first.
    """

    severity: Literal["drift", "warning"] = "drift"
    weight: float = 0.0
    harmless: bool = False
    estimated: bool = False
    cause: str = ""
    trace_ids: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> Seen:
        """Read what JSON made of one.

        Raises:
            TypeError: where a field is unknown.
        """
        return cls(**{**body, "trace_ids": tuple(body.get("trace_ids", ()))})


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """What was asked and answered in a window.

    Attributes:
        rows: rows captured.
        calls: all calls, failed ones too.
        errors: calls that failed.
        durations: calls by bin of `modelwatch.profile.DURATION_BOUNDS_SECONDS`.
        outlier_rows: rows of which some input is an outlier.
    """

    rows: int = 0
    calls: int = 0
    errors: int = 0
    durations: tuple[int, ...] = ()
    outlier_rows: int = 0


@dataclass(frozen=True, kw_only=True)
class WindowFacts:
    """What rules need to know of one finished window of one model version.

    Attributes:
        window: the window.
        baseline_id: what it was compared with; None where with nothing.
        through_id: the latest stored profile taken into account.
        state: what the window came to.
        harmless: whether what drifted does no harm.
        features: findings by feature.
        unjudged: features that had too few rows.
        joint: findings by statistic of all inputs together.
        joint_unjudged: statistics that had too few rows.
        performance: metrics that are surely worse.
        performance_unjudged: metrics of which nothing could be said.
        performance_estimated: metrics that no label tells of, worse ones and others.
        labelled: rows with a label, where some metric is known by labels; else 0.
        concept: metrics that surely are worse by more than the inputs explain; and ``errors``,
            where errors rose as labels came in.
        concept_unjudged: metrics of which that could not be told.
        label_bias: how predictions with a label differ from those without, in words; empty where
            they do not.
        mismatches: what of the model or the environment was another than the baseline's.
        skew: training-serving skew, by feature or part: what differs since the deployment, comes in
            another form, or is another binary or version.
        traffic: calls and rows.
        error_traces: traces of calls that failed.
        outlier_traces: traces of rows with an outlier.
        siblings: how many others each instance was compared with; 0 where that could not be done,
            None where nobody asked for it.
        instances: findings by feature of each instance that strays from its siblings.
        instances_unjudged: instances that had too few rows.
    """

    window: TimeWindow
    baseline_id: str | None
    through_id: int
    state: State
    harmless: bool = False
    features: Mapping[str, Seen] = field(default_factory=dict)
    unjudged: frozenset[str] = frozenset()
    joint: Mapping[str, Seen] = field(default_factory=dict)
    joint_unjudged: frozenset[str] = frozenset()
    performance: Mapping[str, Seen] = field(default_factory=dict)
    performance_unjudged: frozenset[str] = frozenset()
    performance_estimated: frozenset[str] = frozenset()
    labelled: int = 0
    concept: Mapping[str, Seen] = field(default_factory=dict)
    concept_unjudged: frozenset[str] = frozenset()
    label_bias: str = ""
    mismatches: tuple[str, ...] = ()
    skew: Mapping[str, Seen] = field(default_factory=dict)
    traffic: Traffic = field(default_factory=Traffic)
    error_traces: tuple[str, ...] = ()
    outlier_traces: tuple[str, ...] = ()
    siblings: int | None = None
    instances: Mapping[str, Mapping[str, Seen]] = field(default_factory=dict)
    instances_unjudged: frozenset[str] = frozenset()

    @property
    def compared(self) -> bool:
        """Whether there was something to compare: data, and a baseline that it fits."""
        return self.state in ("drift", "warning", "no_drift", "insufficient_data")

    def to_json(self) -> str:
        """Return the text that the store keeps."""
        return json_of(self)

    @classmethod
    def from_json(cls, text: str) -> WindowFacts:
        """Read what `to_json` made.

        Raises:
            FormatError: where it is damaged.
        """
        try:
            body: dict[str, Any] = json.loads(text)
            for name in ("unjudged", "joint_unjudged", "performance_unjudged"):
                body[name] = frozenset(body[name])
            for name in ("performance_estimated", "concept_unjudged", "instances_unjudged"):
                body[name] = frozenset(body.get(name, ()))
            for name in ("features", "joint", "performance", "concept", "skew"):
                found = body.get(name, {}) if name in ("concept", "skew") else body[name]
                body[name] = {key: Seen.from_dict(seen) for key, seen in found.items()}
            for name in ("error_traces", "outlier_traces"):
                body[name] = tuple(body.get(name, ()))
            body["instances"] = {
                instance: {key: Seen.from_dict(seen) for key, seen in found.items()}
                for instance, found in body.get("instances", {}).items()
            }
            traffic = body["traffic"]
            body["traffic"] = Traffic(**{**traffic, "durations": tuple(traffic["durations"])})
            body["window"] = TimeWindow(**body["window"])
            body["mismatches"] = tuple(body["mismatches"])
            return cls(**body)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise FormatError(f"a stored window of the alerts is damaged: {error}.") from error


def facts_of(found: Assessment) -> WindowFacts:
    """Return what rules need to know of an assessed window. Pure."""
    facts = WindowFacts(
        window=found.window,
        baseline_id=found.baseline.id if found.baseline else None,
        through_id=found.through_id,
        state=found.state,
        mismatches=_parts(found.current.mismatches) if found.current else (),
        skew=_skew(found.report) if found.report and found.against is None else {},
        traffic=_traffic(found.current),
        error_traces=_few(one for traces in found.traces.errors.values() for one in traces),
        outlier_traces=_few(found.traces.outliers),
    )
    report = found.report
    return _with_report(facts, report) if report is not None and facts.compared else facts


def _with_report(facts: WindowFacts, report: DriftReport) -> WindowFacts:
    features = {
        name: Seen(
            severity=feature.severity,
            weight=weight_of(feature),
            harmless=feature.harmless,
            cause=short_cause(feature),
            trace_ids=_few(feature.trace_ids),
        )
        for name, feature in report.features.items()
        if feature.severity in ("drift", "warning")
    }
    joint = {
        name: Seen(severity=found.severity, cause=found.diagnosis or "")
        for name, found in report.multivariate.items()
        if found.severity in ("drift", "warning")
    }
    metrics = {name: one for name, one in report.performance.items() if name in DECIDING}
    return replace(
        _with_labels(facts, report, metrics),
        harmless=report.verdict == "drifted, harmless",
        features=features,
        unjudged=_unjudged(report.features),
        joint=joint,
        joint_unjudged=_unjudged(report.multivariate),
        performance={n: _worse(one) for n, one in metrics.items() if is_surely_worse(one)},
        performance_unjudged=frozenset(n for n, one in metrics.items() if one.change is None),
    )


def _skew(report: DriftReport) -> dict[str, Seen]:
    """Return what is served otherwise than trained; features that nobody trained on do no harm."""
    found = {
        name: Seen(
            severity="drift" if feature.severity == "drift" else "warning",
            weight=weight_of(feature),
            harmless=feature.harmless,
            cause=short_cause(feature),
            trace_ids=_few(feature.trace_ids),
        )
        for name, feature in report.features.items()
        if feature.origin == "skew"
    }
    for one in report.schema:
        if one.kind != "unexpected":
            severity: Literal["drift", "warning"] = "drift" if one.share >= MOST_ROWS else "warning"
            found.setdefault(one.name, Seen(severity=severity, weight=one.share, cause=one.text))
    for part in report.fingerprint:
        is_binary = part.part == MODEL_HASH
        found[part.part] = Seen(severity="drift" if is_binary else "warning", cause=part.text)
    return found


def _parts(mismatches: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({parts_of_mismatch(key)[0] for key in mismatches}))


def _with_labels(
    facts: WindowFacts, report: DriftReport, metrics: Mapping[str, PerformanceMetric]
) -> WindowFacts:
    labels = report.labels
    concept = {
        name: Seen(weight=_loss(one), cause=one.explained or "")
        for name, one in metrics.items()
        if one.verdict in RELATION_CHANGED
    }
    latest = next(iter(report.concept), None)
    if latest is not None and latest.is_worse:
        cause = concept_words(latest)
        concept[ERRORS] = Seen(weight=latest.after - latest.before, cause=cause)
    by_labels = [name for name, one in metrics.items() if one.realized is not None]
    return replace(
        facts,
        performance_estimated=frozenset(metrics.keys() - by_labels),
        labelled=labels.labelled if labels is not None and by_labels else 0,
        concept=concept,
        concept_unjudged=frozenset(n for n, one in metrics.items() if one.verdict is None),
        label_bias=(labels.bias or "") if labels is not None else "",
    )


def _few(trace_ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(islice(trace_ids, MOST_TRACES))


def _unjudged(found: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(name for name, one in found.items() if one.severity == "insufficient_data")


def _worse(metric: PerformanceMetric) -> Seen:
    value = metric.estimated if metric.realized is None else metric.realized
    told = "is estimated at" if metric.realized is None else "is"
    cause = (
        f"{metric_name(metric.name)} {told} {number(value)}, and was "
        f"{number(metric.reference)} on the baseline"
    )
    if metric.realized is not None and metric.explained:
        cause = f"{cause}: {metric.explained}"
    return Seen(weight=_loss(metric), estimated=metric.realized is None, cause=cause)


def _loss(metric: PerformanceMetric) -> float:
    _, change, _ = metric.change or (0.0, 0.0, 0.0)
    return abs(change)


def _traffic(current: Profile | None) -> Traffic:
    if current is None:
        return Traffic()
    calls = current.predictions.total()
    return Traffic(
        rows=current.rows,
        calls=calls,
        errors=calls - current.predictions[""],
        durations=tuple(current.duration.counts.tolist()),
        outlier_rows=current.outlier_rows,
    )
