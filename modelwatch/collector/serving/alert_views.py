"""What the pages show of alerts. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from modelwatch.collector.alerting.alert import Alert
from modelwatch.collector.alerting.wording import names_text, traces_of
from modelwatch.collector.serving.answers import iso
from modelwatch.collector.serving.encoded_paths import path_of
from modelwatch.collector.serving.page_words import ago
from modelwatch.collector.trace_links import NO_LINKS, TraceLinks
from modelwatch.report.rows import TraceLink, trace_links_of
from modelwatch.report.wording import MARKS, Tone

__all__ = ["AlertRow", "AlertsView", "alerts_view"]

MOST_ROWS = 50
MOST_CAUSES = 3


@dataclass(frozen=True, kw_only=True)
class AlertRow:
    """One alert, as it is shown.

    Attributes:
        tone: how it is coloured.
        mark: a sign of its severity that needs no colour.
        severity: in a word.
        state: in words, with who acknowledged it, and whether it is silenced.
        since: how long it has been so.
        since_exact: since when, ISO 8601.
        summary: what is wrong, in short.
        causes: what happened, as far as that is known.
        traces: in which it was seen.
        href: the page of the model version.
    """

    tone: Tone
    mark: str
    severity: str
    state: str
    since: str
    since_exact: str
    model: str
    version: str
    rule: str
    summary: str
    causes: tuple[str, ...]
    traces: tuple[TraceLink, ...]
    href: str


@dataclass(frozen=True, kw_only=True)
class AlertsView:
    """The list of open alerts, and how many are not shown."""

    rows: list[AlertRow]
    more: int


def alerts_view(
    alerts: Sequence[tuple[Alert, str]], *, now_ns: int, trace_links: TraceLinks = NO_LINKS
) -> AlertsView:
    """Return the list of alerts.

    Args:
        alerts: open alerts, each with why nobody is told of it, or an empty text.
        now_ns: Unix nanoseconds.
        trace_links: where traces are looked at.
    """
    rows = [_row(alert, muted_by, now_ns, trace_links) for alert, muted_by in alerts[:MOST_ROWS]]
    return AlertsView(rows=rows, more=max(0, len(alerts) - MOST_ROWS))


def _row(alert: Alert, muted_by: str, now_ns: int, trace_links: TraceLinks) -> AlertRow:
    tone: Tone = "drift" if alert.severity == "critical" else "warning"
    if alert.state == "pending":
        tone = "insufficient_data"
    return AlertRow(
        tone=tone,
        mark=MARKS[tone],
        severity=alert.severity,
        state=_state(alert, muted_by),
        since=ago(now_ns - alert.since_ns).removesuffix(" ago"),
        since_exact=iso(alert.since_ns) or "",
        model=alert.model,
        version=alert.version,
        rule=alert.rule,
        summary=names_text(alert),
        causes=_causes(alert)[:MOST_CAUSES],
        traces=trace_links_of(traces_of(alert), trace_links.of),
        href=path_of("models", alert.model, "versions", alert.version),
    )


def _causes(alert: Alert) -> tuple[str, ...]:
    """Return what happened; of instances, to which."""
    if alert.on != "instance":
        return alert.causes
    return tuple(f"{instance.name} {instance.cause}" for instance in alert.features)


def _state(alert: Alert, muted_by: str) -> str:
    words = [str(alert.state)]
    if alert.acknowledged is not None:
        words.append(f"acknowledged by {alert.acknowledged.by}")
    if muted_by:
        words.append(f"muted by {muted_by}")
    return ", ".join(words)
