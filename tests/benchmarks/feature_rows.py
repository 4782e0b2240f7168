"""Seeded rows of a service's usual size; the standard library alone, for any environment.

A row has 22 floats, 2 integers and 6 texts. Other tools' environments draw the same ones.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from time import process_time
from typing import Any

__all__ = ["FLOATS", "INTEGERS", "ROWS", "TEXTS", "Row", "cpu_microseconds", "draw_rows"]

FLOATS, INTEGERS, TEXTS = 22, 2, 6
ROWS = 2_000
COLOURS = ("red", "green", "blue", "grey")

Row = dict[str, Any]


def draw_rows(count: int = ROWS, seed: int = 7) -> list[Row]:
    """Return rows of which no two are alike."""
    generator = random.Random(seed)
    return [
        {f"float_{i}": generator.gauss(0.0, 1.0) for i in range(FLOATS)}
        | {f"integer_{i}": generator.randint(5, 35) for i in range(INTEGERS)}
        | {f"text_{i}": generator.choice(COLOURS) for i in range(TEXTS)}
        for _ in range(count)
    ]


def cpu_microseconds(call: Callable[[Row], Any], rows: list[Row], times: int) -> float:
    """Return what a call takes of the processor, all threads of the process included."""
    started = process_time()
    for _ in range(times):
        for row in rows:
            call(row)
    return (process_time() - started) / (times * len(rows)) * 1e6
