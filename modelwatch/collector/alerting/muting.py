"""When nobody is told of an alert: maintenance that was planned, and silences that people set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from modelwatch.collector.alerting.alert import Alert
from modelwatch.collector.alerting.rules import Patterns, matches
from modelwatch.collector.windows import NANOSECONDS

__all__ = ["MATCHED", "Maintenance", "Silence", "muted_by"]

MATCHED = ("model", "version", "rule", "severity")
"""By what a silence may choose alerts."""

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _time_of_day(value: object) -> object:
    return time.fromisoformat(value) if isinstance(value, str) else value


TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]


class Maintenance(BaseModel):
    """A time in which nobody is told of alerts: once, or every week.

    Attributes:
        name: what it is for.
        models: patterns of the models that it is of.
        rules: patterns of the rules that it is of.
        start: when it starts, where it is once.
        end: when it ends.
        days: on which days of the week it starts, where it is every week.
        start_time: when it starts on these days, by the clock of the time zone.
        end_time: when it ends; on the next day where that is not later than its start.
        time_zone: such as Europe/Berlin.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = ""
    models: Patterns = ("*",)
    rules: Patterns = ("*",)
    start: datetime | None = None
    end: datetime | None = None
    days: tuple[Day, ...] = ()
    start_time: TimeOfDay = time(0)
    end_time: TimeOfDay = time(0)
    time_zone: str = "UTC"

    @model_validator(mode="after")
    def _consistent(self) -> Maintenance:
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(
                f"time_zone {self.time_zone!r} is not known here: give one such as Europe/Berlin"
            ) from error
        once = self.start is not None and self.end is not None
        if once == bool(self.days) or (self.start is None) != (self.end is None):
            raise ValueError("give start and end, or days with start_time and end_time")
        span = self._once()
        if span is not None and span[0] >= span[1]:
            raise ValueError("end is not after start: give a later one")
        return self

    def covers(self, now_ns: int) -> bool:
        """Return whether it is going on."""
        now = datetime.fromtimestamp(now_ns / NANOSECONDS, tz=UTC)
        span = self._once()
        if span is not None:
            return span[0] <= now < span[1]
        today = now.astimezone(ZoneInfo(self.time_zone)).date()
        return any(self._is_within(day, now) for day in (today - timedelta(days=1), today))

    def mutes(self, alert: Alert) -> bool:
        """Return whether it is of an alert."""
        return matches(alert.model, self.models) and matches(alert.rule, self.rules)

    def _once(self) -> tuple[datetime, datetime] | None:
        if self.start is None or self.end is None:
            return None
        return self._zoned(self.start), self._zoned(self.end)

    def _zoned(self, moment: datetime) -> datetime:
        zoned = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(self.time_zone))
        return zoned.astimezone(UTC)

    def _is_within(self, day: date, now: datetime) -> bool:
        if DAYS[day.weekday()] not in self.days:
            return False
        last = day if self.end_time > self.start_time else day + timedelta(days=1)
        start = self._zoned(datetime.combine(day, self.start_time))
        return start <= now < self._zoned(datetime.combine(last, self.end_time))


@dataclass(frozen=True, kw_only=True)
class Silence:
    """That nobody is told of some alerts for a time. Times are Unix nanoseconds.

    Attributes:
        id: of the silence.
        matchers: patterns by model, version, rule and severity; all of them must match.
        created_ns: when it was set.
        until_ns: when it ends.
        by: who set it.
        comment: why.
    """

    id: str
    matchers: Mapping[str, str] = field(default_factory=dict)
    created_ns: int = 0
    until_ns: int = 0
    by: str = ""
    comment: str = ""

    def covers(self, now_ns: int) -> bool:
        """Return whether it is in force."""
        return now_ns < self.until_ns

    def mutes(self, alert: Alert) -> bool:
        """Return whether it is of an alert."""
        return all(
            matches(str(getattr(alert, name)), (pattern,))
            for name, pattern in self.matchers.items()
        )


def muted_by(
    alert: Alert, silences: Sequence[Silence], maintenance: Sequence[Maintenance], now_ns: int
) -> str:
    """Return why nobody is to be told of an alert now; empty where nothing mutes it."""
    for silence in silences:
        if silence.covers(now_ns) and silence.mutes(alert):
            return f"silence {silence.id}"
    for number, planned in enumerate(maintenance, start=1):
        if planned.mutes(alert) and planned.covers(now_ns):
            return f"maintenance {planned.name or number}"
    return ""
