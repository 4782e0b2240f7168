"""How an alert is said: titles, sentences and the JSON document. Pure."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

from modelwatch.collector.alerting.alert import Alert, AlertFeature
from modelwatch.collector.alerting.notices import Notice, NoticeKind
from modelwatch.collector.serving.answers import iso
from modelwatch.collector.serving.encoded_paths import path_of
from modelwatch.collector.trace_links import NO_LINKS, TraceLinks
from modelwatch.collector.windows import NANOSECONDS, TimeWindow, format_window

__all__ = [
    "alert_document",
    "causes_text",
    "names_text",
    "page_of",
    "text_of",
    "title_of",
    "traces_of",
    "traces_text",
]

SHOWN_NAMES = 5
SHOWN_CAUSES = 10
SHOWN_TRACES = 3

_WHAT = {
    "drift": "drift in",
    "warning": "change of",
    "joint": "drift of all inputs together by",
    "performance": "worse performance by",
    "concept_drift": "a changed relation of inputs and truth by",
    "fingerprint": "other than the baseline's:",
    "instance": "unlike its siblings:",
    "skew": "training-serving skew in",
}
_SAID: dict[str, str] = {
    "errors": "calls fail",
    "latency": "slow calls",
    "outliers": "outliers",
    "label_bias": "labels of some predictions only",
    "insufficient_data": "too few rows to judge",
    "no_data": "no data",
}
_KINDS: dict[NoticeKind, str] = {
    "firing": "firing",
    "escalated": "worse",
    "repeat": "still firing",
    "resolved": "resolved",
    "test": "test",
}


def names_text(alert: Alert) -> str:
    """Say in short what is wrong.

    >>> from modelwatch.collector.alerting.alert import AlertFeature
    >>> alert = Alert(id="1", model="m", version="1", rule="r", on="drift", state="firing",
    ...               severity="critical", since_ns=0, opened_ns=0, last_seen_ns=0, concerned=9,
    ...               features=(AlertFeature(name="age", severity="critical"),))
    >>> names_text(alert)
    'drift in age and 8 more'
    """
    if alert.on in _SAID:
        return _SAID[alert.on]
    names = [feature.name for feature in alert.features[:SHOWN_NAMES]]
    more = alert.concerned - len(names)
    listed = ", ".join(names) + (f" and {more} more" if more > 0 else "")
    what = _WHAT.get(alert.on, alert.on)
    if alert.on == "instance" and alert.concerned > 1:
        what = "unlike their siblings:"
    return f"{what} {listed}".strip()


def title_of(notice: Notice) -> str:
    """Return one line that says all that is urgent."""
    alert = notice.alert
    kind = _KINDS[notice.kind]
    grade = "" if notice.kind in ("resolved", "test") else f", {alert.severity}"
    return f"[{kind}{grade}] {alert.model} {alert.version}: {names_text(alert)}"


def causes_text(alert: Alert) -> str:
    """Return the causes, one a line."""
    told = [f"{f.name}: {f.cause}" for f in alert.features if f.cause]
    more = len(told) - SHOWN_CAUSES
    lines = told[:SHOWN_CAUSES] + ([f"{more} more"] if more > 0 else [])
    return "\n".join(lines)


def text_of(notice: Notice, pages_url: str, trace_links: TraceLinks = NO_LINKS) -> str:
    """Return what follows the title, for people."""
    alert = notice.alert
    lines = [causes_text(alert), f"Since {iso(alert.since_ns)}, by the rule {alert.rule!r}."]
    if traces := traces_text(alert, trace_links):
        lines.append(f"Seen in the traces {traces}.")
    if notice.kind == "resolved":
        lines.append(f"Resolved {iso(alert.ended_ns)}: {alert.ended_by}.")
    if notice.kind == "test":
        lines.append("This is a test: nothing is wrong.")
    lines.append(page_of(alert, pages_url))
    return "\n".join(line for line in lines if line)


def page_of(alert: Alert, pages_url: str) -> str:
    """Return the address of the page that shows what the alert is of."""
    path = path_of("models", alert.model, "versions", alert.version)
    base = f"{pages_url.rstrip('/')}{path}"
    if alert.on == "no_data" or alert.last_seen_ns <= alert.since_ns:
        return base
    window = TimeWindow(alert.since_ns, alert.last_seen_ns)
    end = str(alert.last_seen_ns // NANOSECONDS)
    return f"{base}?{urlencode({'window': format_window(max(1, window.seconds)), 'end': end})}"


def traces_of(alert: Alert) -> tuple[str, ...]:
    """Return traces that show what is wrong, of the worst things first."""
    every = dict.fromkeys(trace for feature in alert.features for trace in feature.trace_ids)
    return tuple(every)[:SHOWN_TRACES]


def traces_text(alert: Alert, links: TraceLinks) -> str:
    """Say in which traces it was seen, by their addresses where they have one."""
    return ", ".join(links.of(trace) or trace for trace in traces_of(alert))


def _feature(feature: AlertFeature, links: TraceLinks) -> dict[str, Any]:
    urls = [links.of(trace) for trace in feature.trace_ids] if links.template else []
    return {**asdict(feature), "trace_ids": list(feature.trace_ids), "trace_urls": urls}


def alert_document(
    alert: Alert, *, muted_by: str = "", pages_url: str = "", trace_links: TraceLinks = NO_LINKS
) -> dict[str, Any]:
    """Return an alert as the API and the webhooks have it."""
    noted = alert.acknowledged
    return {
        "id": alert.id,
        "model": alert.model,
        "version": alert.version,
        "rule": alert.rule,
        "on": alert.on,
        "state": alert.state,
        "severity": alert.severity,
        "summary": names_text(alert),
        "since": iso(alert.since_ns),
        "opened": iso(alert.opened_ns),
        "fired": iso(alert.fired_ns),
        "last_seen": iso(alert.last_seen_ns),
        "ended": iso(alert.ended_ns),
        "ended_by": alert.ended_by,
        "features": [_feature(feature, trace_links) for feature in alert.features],
        "concerned": alert.concerned,
        "causes": list(alert.causes),
        "acknowledged": noted
        and {"by": noted.by, "at": iso(noted.at_ns), "comment": noted.comment},
        "silenced_by": muted_by or None,
        "page": page_of(alert, pages_url),
    }
