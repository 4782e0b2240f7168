"""Events: log records of what happened to single predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["Event"]

EventValue = str | int | float | bool | Sequence[str] | Sequence[int] | Sequence[float]


@dataclass(frozen=True, kw_only=True)
class Event:
    """One log record."""

    name: str
    time_ns: int
    attributes: Mapping[str, EventValue] = field(default_factory=dict)
    trace_id: int = 0
    span_id: int = 0
    trace_flags: int = 0
    body: str | bytes | Mapping[str, EventValue] | None = None
