"""What the pages show of instances beside their siblings. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from modelwatch.collector.evaluating.instances import InstanceFinding
from modelwatch.report.wording import MARKS, Tone, number

__all__ = ["InstanceRow", "InstancesView", "instances_view"]

MOST_ROWS = 50


@dataclass(frozen=True, kw_only=True)
class InstanceRow:
    """One instance, as it is shown.

    Attributes:
        tone: how it is coloured.
        mark: a sign of its state that needs no colour.
        words: its state.
        strays_most: the feature that strays most, and by how much.
    """

    instance: str
    rows: str
    errors: str
    tone: Tone
    mark: str
    words: str
    strays_most: str


@dataclass(frozen=True, kw_only=True)
class InstancesView:
    """The table of instances, and how many are not shown."""

    rows: list[InstanceRow]
    more: int


_WORDS: dict[str, tuple[Tone, str]] = {
    "drift": ("drift", "drifts from its siblings"),
    "warning": ("warning", "strays from its siblings"),
    "no_drift": ("none", "as its siblings"),
    "incomparable": ("insufficient_data", "counted on other bins or types"),
    "no_reference": ("insufficient_data", "has no siblings"),
}


def instances_view(found: Sequence[InstanceFinding], in_all: int) -> InstancesView | None:
    """Return the table; None where there are no two instances to compare."""
    if len(found) < 2:
        return None
    rows = [_row(one) for one in found[:MOST_ROWS]]
    return InstancesView(rows=rows, more=max(0, in_all - len(rows)))


def _row(found: InstanceFinding) -> InstanceRow:
    tone, words = _WORDS.get(found.state, ("insufficient_data", "too few rows to judge"))
    most = found.strays_most
    return InstanceRow(
        instance=found.instance or "without a name",
        rows=f"{found.rows:,}",
        errors=f"{found.errors:,} of {found.calls:,}" if found.errors else "0",
        tone=tone,
        mark=MARKS[tone],
        words=words,
        strays_most=f"{most.name}, PSI {number(most.psi)}" if most is not None else "",
    )
