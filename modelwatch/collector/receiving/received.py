"""What the receiver has seen: shown where no model is, so that a miss is never silent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

__all__ = ["ReceiverCounts"]


@dataclass
class ReceiverCounts:
    """What came in since the collector was started. Only the receiver's event loop writes it.

    Attributes:
        requests: requests, refused ones too.
        points: points that were committed.
        duplicates: points that had been committed before.
        rejected: points of modelwatch that could not be used, or were beyond a limit.
        foreign: points of other programs, which are not kept here.
        traces: requests with traces, which are not kept here.
        refused: requests that were answered with an error.
        begun: cumulative points that only are what the next one is subtracted from.
        examples: traces kept as examples of what was found.
        examples_left_out: those that were not: known already, beyond a limit, of no known version.
        refused_by_limit: points beyond a limit, by which: a kind of name, or ``future``; rows of
            predictions and labels too.
        predictions: single predictions that are kept to be joined, by what became of them.
        labels: labels, likewise.
    """

    requests: int = 0
    points: int = 0
    duplicates: int = 0
    rejected: int = 0
    foreign: int = 0
    traces: int = 0
    refused: int = 0
    begun: int = 0
    examples: int = 0
    examples_left_out: int = 0
    refused_by_limit: dict[str, int] = field(default_factory=dict)
    predictions: dict[str, int] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)
    _parts: dict[str, Callable[[], Any]] = field(default_factory=dict, init=False, repr=False)

    def tell(self, name: str, shown: Callable[[], Any]) -> None:
        """Have what another part of the receiver knows shown under a name."""
        self._parts[name] = shown

    def told(self, name: str) -> Any:
        """Return what another part knows under a name; None where there is no such part."""
        return self._parts[name]() if name in self._parts else None

    def to_json(self) -> dict[str, Any]:
        """Return all of it, for the API."""
        counts = {f.name: getattr(self, f.name) for f in fields(self) if f.init}
        return {**counts, **{name: shown() for name, shown in self._parts.items()}}
