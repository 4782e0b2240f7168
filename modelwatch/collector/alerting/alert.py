"""An alert, and what happened to it. Values only, with their form as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from modelwatch.collector.alerting.json_form import json_of
from modelwatch.errors import FormatError

__all__ = [
    "MOST_FEATURES",
    "Acknowledgement",
    "Alert",
    "AlertFeature",
    "AlertSeverity",
    "AlertSource",
    "AlertState",
    "Happening",
    "Transition",
    "worst",
]

AlertState = Literal["pending", "firing", "resolved"]
"""``pending``: found, but not yet in as many windows as the rule asks for; nobody is told.
``firing``: it holds. ``resolved``: it held, and does no more. That someone acknowledged it, and
that it is silenced, are said beside its state: neither changes what is found."""

AlertSeverity = Literal["warning", "critical"]

Happening = Literal["pending", "firing", "escalated", "acknowledged", "resolved"]

MOST_FEATURES = 100
"""Features that one alert lists, the worst first; `Alert.concerned` counts them all."""


@dataclass(frozen=True, kw_only=True)
class AlertFeature:
    """One thing that an alert concerns: a feature, a metric, a part of the environment.

    Attributes:
        name: of the feature, metric or instance; or error_rate, latency, outlier_rate, rows, data.
        severity: how bad it is.
        found: windows in which it was found.
        judged: windows in which it was looked for, of which those are.
        weight: its effect times the importance of the feature in the model, where that is known.
        cause: what happened, in words; empty where that is not known.
        trace_ids: traces in which it was seen last, the latest first.
        features: of an instance, the features in which it strays, the worst first.
    """

    name: str
    severity: AlertSeverity
    found: int = 1
    judged: int = 1
    weight: float = 0.0
    cause: str = ""
    trace_ids: tuple[str, ...] = ()
    features: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> AlertFeature:
        """Read what JSON made of one.

        Raises:
            TypeError: where a field is unknown or absent.
        """
        names = ("trace_ids", "features")
        return cls(**{**body, **{name: tuple(body.get(name, ())) for name in names}})


@dataclass(frozen=True, kw_only=True)
class Acknowledgement:
    """That a person has taken note of an alert: who, when (Unix nanoseconds), and a remark."""

    by: str
    at_ns: int
    comment: str = ""


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One thing that is wrong with one model version, by one rule. Times are Unix nanoseconds.

    Attributes:
        id: of this alert; what comes again after it was resolved has another.
        model: the model.
        version: its version.
        rule: name of the rule that found it.
        on: what kind of thing the rule looks for.
        state: whether it is only seen, holds, or held.
        severity: the worst that it was at while it is open.
        since_ns: start of the first window of the run of windows in which it was found.
        opened_ns: when it was first seen.
        last_seen_ns: end of the last window in which it was found.
        features: what it concerns, by severity, then by importance-weighted effect.
        concerned: how many things it concerns; more than ``features`` lists where they are many.
        fired_ns: when it fired; None while it is pending.
        ended_ns: when it was resolved; None while it is open.
        ended_by: why it was resolved.
        acknowledged: by whom, or None.
        told_ns: when the last notice of it was made; None where nobody was told.
        told_severity: at which severity.
        notices: how many notices were made of it.
    """

    id: str
    model: str
    version: str
    rule: str
    on: str
    state: AlertState
    severity: AlertSeverity
    since_ns: int
    opened_ns: int
    last_seen_ns: int
    features: tuple[AlertFeature, ...] = ()
    concerned: int = 0
    fired_ns: int | None = None
    ended_ns: int | None = None
    ended_by: str = ""
    acknowledged: Acknowledgement | None = None
    told_ns: int | None = None
    told_severity: AlertSeverity | None = None
    notices: int = 0

    @property
    def causes(self) -> tuple[str, ...]:
        """What happened, in words, a cause once, in the order of the features."""
        return tuple(dict.fromkeys(f.cause for f in self.features if f.cause))

    def concerning(self, features: Sequence[AlertFeature]) -> Alert:
        """Return the alert with what it concerns now; its severity never falls."""
        severity = worst([self.severity, *(feature.severity for feature in features)])
        return replace(
            self,
            features=tuple(features[:MOST_FEATURES]),
            concerned=len(features),
            severity=severity,
        )

    def to_json(self) -> str:
        """Return the text that the store keeps."""
        return json_of(self)

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> Alert:
        """Read what `to_json` made, and JSON read.

        Raises:
            FormatError: where a field is absent or unknown.
        """
        try:
            known = body["acknowledged"]
            return cls(
                **{
                    **body,
                    "features": tuple(AlertFeature.from_dict(one) for one in body["features"]),
                    "acknowledged": None if known is None else Acknowledgement(**known),
                }
            )
        except (KeyError, TypeError) as error:
            raise FormatError(f"a stored alert is damaged: {error}.") from error


@dataclass(frozen=True, kw_only=True)
class Transition:
    """What happened to an alert, and how it was then."""

    kind: Happening
    alert: Alert
    at_ns: int
    detail: str = ""


class AlertSource(Protocol):
    """Tells which alerts there are; for pages, metrics and other ways of showing them."""

    def open_alerts(self) -> list[Alert]:
        """Return all alerts that are pending or firing, the worst first. Cheap; any thread."""
        ...


def worst(severities: Sequence[AlertSeverity]) -> AlertSeverity:
    """Return the worst of them.

    >>> worst(["warning", "critical"])
    'critical'
    """
    return "critical" if "critical" in severities else "warning"
