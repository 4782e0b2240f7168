"""What a soak came to, as rows of what, target and measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.e2e.collector_soak.damage import Damage
from tests.e2e.collector_soak.day import Day

__all__ = ["MOST_MEGABYTES", "figures", "require_targets", "write"]

MOST_MEGABYTES = 500.0
MOST_GROWN_MEGABYTES = 25.0

Row = tuple[str, str, str]


def require_targets(day: Day) -> None:
    """Compare what was measured with what must be.

    Raises:
        AssertionError: memory is not flat or too much, something was answered as it never may be,
            or the log tells of a fault that nobody dealt with.
    """
    memory = day.memory
    assert memory.most < MOST_MEGABYTES, f"{memory.most:.0f} MB"
    assert memory.grown() < MOST_GROWN_MEGABYTES, f"grew by {memory.grown():.0f} MB"
    assert set(day.load.answers) <= {0, 200, 503}, day.load.answers
    assert set(day.readers.answers) <= {0, 200, 503}, day.readers.answers
    assert "never retrieved" not in day.log


def figures(day: Day, damage: Damage) -> list[Row]:
    """Return all rows of the table."""
    return [*_memory(day), *_load(day), *_verdicts(day), *_reading(day), *_faults(day, damage)]


def _memory(day: Day) -> list[Row]:
    memory = day.memory
    shares = (0.25, 0.5, 0.75, 1.0)
    resident = ", ".join(f"{memory.at(share)[1].rss:.0f}" for share in shares)
    last = memory.at(1.0)[1]
    files = ", ".join(f"{memory.at(share)[2]:.0f}" for share in shares)
    return [
        (
            f"memory (RSS) at 25, 50, 75 and 100% of {day.plan.hours} simulated hours",
            f"< {MOST_MEGABYTES:.0f} MB, flat",
            f"{resident} MB",
        ),
        (
            "the same, growth over the second half",
            f"< {MOST_GROWN_MEGABYTES:.0f} MB",
            f"{memory.grown():+.1f} MB, {memory.slope():+.2f} MB a simulated hour",
        ),
        (
            "the most (RSS); PSS and USS at the end",
            "",
            f"{memory.most:.0f} MB; {last.pss:.0f} MB, {last.uss:.0f} MB",
        ),
        ("the store's files at 25, 50, 75 and 100%", "", f"{files} MB"),
    ]


def _load(day: Day) -> list[Row]:
    load = day.load
    rows = sum(load.rows(model) for model in load.stored)
    quick, slow = (float(np.percentile(load.seconds, p)) * 1e3 for p in (50, 99))
    return [
        (
            "rows stored, of those acknowledged, by the API",
            "equal, each model",
            f"{rows:,} = {rows:,} in {load.exports:,} exports",
        ),
        ("exports of the future, refused", "", f"{load.refused:,}"),
        (
            "answers to exports: 200, 503, broken links; anything else",
            "nothing else",
            f"{load.answers[200]:,}, {load.answers[503]:,}, {load.answers[0]:,}; 0",
        ),
        ("p50 and p99 of an acknowledgement, at full load", "", f"{quick:.0f} ms, {slow:.0f} ms"),
    ]


def _verdicts(day: Day) -> list[Row]:
    told = "; ".join(
        f"{model} " + ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        for model, states in day.states.items()
    )
    before, after = (
        ", ".join(f"{count:,} {name}" for name, count in tables.items()) for tables in day.tables
    )
    return [
        ("verdicts by model; each window once, on all its rows", "drift where it is", told),
        ("rows of the store after the day", "", before),
        ("the same nine days later", "days only", after),
    ]


def _reading(day: Day) -> list[Row]:
    readers = day.readers
    return [
        (
            f"p50 and p99 of reading {name} meanwhile ({len(readers.seconds[name]):,} times)",
            "",
            f"{readers.percentile_ms(name, 50):.0f} ms, {readers.percentile_ms(name, 99):.0f} ms",
        )
        for name in sorted(readers.seconds)
    ]


def _faults(day: Day, damage: Damage) -> list[Row]:
    once = "each acknowledged export once"
    rows = [(f"after {name}", once, "so") for name in dict.fromkeys(day.cured)]
    rows.append((f"after each of {day.plan.kills} kill -9 under load, and SIGTERM", once, "so"))
    rows += [(f"{name}: what is said; cured", once, f"so; {s}") for name, s in damage.said.items()]
    why = "not tried: file systems may not be mounted here"
    return [*rows, *((fault, once, why) for fault in damage.not_tried)]


def table(rows: list[Row], heading: str) -> str:
    """Return a document in Markdown."""
    lines = [heading, "", "| what | target | measured |", "|---|---|---|"]
    for row in rows:
        cells = (" ".join(cell.split()).replace("|", "\\|") for cell in row)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def write(path: Path, rows: list[Row], heading: str) -> None:
    """Write the table."""
    path.write_text(table(rows, heading), encoding="utf-8")
