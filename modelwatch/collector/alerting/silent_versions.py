"""No data from a version that used to send. Pure: it needs no window, but the clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from modelwatch.collector.alerting.alert import AlertFeature
from modelwatch.collector.alerting.holding import Condition
from modelwatch.collector.alerting.rules import Rule
from modelwatch.collector.storing.store import VersionSeen
from modelwatch.collector.windows import NANOSECONDS

__all__ = ["Watching", "silence_of"]


@dataclass(frozen=True, kw_only=True)
class Watching:
    """By what silence is measured.

    Attributes:
        window_seconds: length of a window.
        since_ns: from when on the collector was there to receive, Unix nanoseconds. Silence before
            that is its own.
        until_ns: windows that end later are not finished.
    """

    window_seconds: int
    since_ns: int
    until_ns: int

    def silent_windows(self, last_ns: int) -> int:
        """Return how many whole windows have gone by since a moment, in which we were there."""
        width_ns = self.window_seconds * NANOSECONDS
        return self.until_ns // width_ns - self.window_after(max(last_ns, self.since_ns))

    def window_after(self, moment_ns: int) -> int:
        """Return the number of the first window that starts at or after a moment."""
        return -(-moment_ns // (self.window_seconds * NANOSECONDS))


def silence_of(
    rule: Rule,
    seen: VersionSeen,
    *,
    last_ns: int | None,
    windows_sent: int,
    siblings: Iterable[VersionSeen],
    watching: Watching,
) -> Condition | None:
    """Return how things stand with a version's silence; None where that cannot be told yet.

    Args:
        rule: after how many windows silence is an alert, and of which versions.
        seen: the version.
        last_ns: end of its latest data, by a clock that can be believed; None where it never sent.
        windows_sent: in how many finished windows it sent, as far as that is remembered.
        siblings: all versions of the model.
        watching: the clock, and since when the collector has been there.
    """
    if last_ns is None or windows_sent < rule.min_windows:
        return Condition()
    if not rule.even_if_replaced and _is_replaced(seen, siblings, watching, rule.k):
        return Condition(reason="a later version of the model sends in its place")
    silent = watching.silent_windows(last_ns)
    if silent >= rule.k:
        return _silent(last_ns, silent, watching)
    width_ns = watching.window_seconds * NANOSECONDS
    if watching.until_ns // width_ns - watching.window_after(last_ns) < rule.k:
        return Condition(reason="it sends again")
    return None  # silent for long, but for most of that we were not there to hear it


def _silent(last_ns: int, silent: int, watching: Watching) -> Condition:
    width_ns = watching.window_seconds * NANOSECONDS
    last = datetime.fromtimestamp(last_ns // NANOSECONDS, tz=UTC)
    feature = AlertFeature(
        name="data",
        severity="critical",
        found=silent,
        judged=silent,
        cause=f"nothing came since {last:%Y-%m-%d %H:%M:%S} UTC",
    )
    return Condition(
        holding=(feature,),
        since_ns=watching.window_after(last_ns) * width_ns,
        last_seen_ns=watching.until_ns // width_ns * width_ns,
    )


def _is_replaced(
    seen: VersionSeen, siblings: Iterable[VersionSeen], watching: Watching, k: int
) -> bool:
    """Return whether a version that began later sends."""
    return any(
        other.first_seen_ns > (seen.first_seen_ns or 0)
        and watching.silent_windows(other.last_seen_ns) < k
        for other in siblings
        if other.first_seen_ns is not None
        and other.last_seen_ns is not None
        and (other.model, other.version) != (seen.model, seen.version)
        and other.model == seen.model
    )
