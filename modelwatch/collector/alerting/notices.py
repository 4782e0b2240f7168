"""Who is to be told what, and when. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Literal

from modelwatch.collector.alerting.alert import Alert, AlertSeverity
from modelwatch.collector.alerting.json_form import json_of
from modelwatch.collector.windows import NANOSECONDS
from modelwatch.errors import FormatError

__all__ = ["Notice", "NoticeKind", "due_notice", "tell"]

NoticeKind = Literal["firing", "escalated", "repeat", "resolved", "test"]


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What is told of an alert, once.

    Attributes:
        key: the same however often it is sent: by it, who gets it twice knows.
        kind: why it is told.
        alert: how it was then.
        at_ns: when it was made, Unix nanoseconds.
        severity_before: at which severity the notice before it was.
    """

    key: str
    kind: NoticeKind
    alert: Alert
    at_ns: int
    severity_before: AlertSeverity | None = None

    def to_json(self) -> str:
        """Return the text that the store keeps."""
        return json_of(self)

    @classmethod
    def from_json(cls, text: str) -> Notice:
        """Read what `to_json` made.

        Raises:
            FormatError: where it is damaged.
        """
        try:
            body = json.loads(text)
            return cls(**{**body, "alert": Alert.from_dict(body["alert"])})
        except (ValueError, KeyError, TypeError) as error:
            raise FormatError(f"a stored notice is damaged: {error}.") from error


def due_notice(
    alert: Alert, *, is_muted: bool, repeat_seconds: int, now_ns: int
) -> NoticeKind | None:
    """Return what is to be told of an alert now, or None.

    That it is resolved is told to whoever was told of it, even where it is muted: it ends what was
    begun, and disturbs nobody. One that came and went unheard is told to nobody.

    Args:
        alert: as it is now.
        is_muted: whether a silence or planned maintenance is of it.
        repeat_seconds: time between two notices of an alert that stays open; 0 for never.
        now_ns: Unix nanoseconds.
    """
    if alert.state == "resolved":
        return "resolved" if alert.told_ns is not None else None
    if alert.state == "pending" or is_muted:
        return None
    if alert.told_severity is not None and alert.told_severity != alert.severity:
        return "escalated"
    if alert.acknowledged is not None:
        return None
    if alert.told_ns is None:
        return "firing"
    # Either way: a clock that was set back must not put it off for as long.
    is_due = abs(now_ns - alert.told_ns) >= repeat_seconds * NANOSECONDS
    return "repeat" if repeat_seconds and is_due else None


def tell(alert: Alert, kind: NoticeKind, *, now_ns: int) -> tuple[Alert, Notice]:
    """Return the alert as told, and the notice of it."""
    told = replace(alert, told_ns=now_ns, told_severity=alert.severity, notices=alert.notices + 1)
    notice = Notice(
        key=f"{alert.id}-{told.notices}",
        kind=kind,
        alert=told,
        at_ns=now_ns,
        severity_before=alert.told_severity,
    )
    return told, notice
