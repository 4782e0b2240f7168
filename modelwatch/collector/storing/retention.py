"""How long what is stored is kept, and how large the file may grow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from modelwatch.errors import ConfigurationError

__all__ = ["Retention"]

DAY: Final = 86_400


@dataclass(frozen=True, kw_only=True)
class Retention:
    """How long what is stored is kept, in seconds after the end of its window.

    Attributes:
        instances_seconds: what each sender told, apart from the others.
        minutes_seconds: the fleet's minutes; after that they are merged into hours.
        hours_seconds: its hours; after that they are merged into days.
        days_seconds: its days.
        evaluations_seconds: scheduled comparisons, with their reports.
        max_store_bytes: how large the file's content may grow; 0 for no limit. Beyond it the oldest
            detail goes first: senders, minutes, hours, days, then evaluations. Predictions that
            wait for their labels take half of it at most.

    Raises:
        ConfigurationError: a time is out of range, or longer detail is kept less long.
    """

    instances_seconds: int = 2 * DAY
    minutes_seconds: int = 2 * DAY
    hours_seconds: int = 35 * DAY
    days_seconds: int = 400 * DAY
    evaluations_seconds: int = 400 * DAY
    max_store_bytes: int = 10 * 2**30

    def __post_init__(self) -> None:
        for name in ("instances", "minutes", "hours", "days", "evaluations"):
            seconds = getattr(self, f"{name}_seconds")
            if not 3_600 <= seconds <= 36_500 * DAY:
                raise ConfigurationError(
                    f"{name}_seconds is {seconds}: give 3600 (an hour) to {36_500 * DAY}."
                )
        if not self.minutes_seconds <= self.hours_seconds <= self.days_seconds:
            raise ConfigurationError(
                "minutes_seconds, hours_seconds and days_seconds must not fall: minutes become "
                "hours, and hours days."
            )
        if self.max_store_bytes < 0 or 0 < self.max_store_bytes < 2**20:
            raise ConfigurationError(
                f"max_store_bytes is {self.max_store_bytes}: give 1048576 or more, or 0 for no "
                "limit."
            )
