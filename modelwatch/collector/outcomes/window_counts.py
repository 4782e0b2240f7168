"""How many predictions of each version and window are kept, and of how many the label is known."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np

from modelwatch.collector.windows import NANOSECONDS

__all__ = ["Sighting", "count_in_windows", "count_outcomes"]

Sighting = tuple[int, int]
"""A version's number, and when something was predicted (Unix nanoseconds)."""

_NEXT: Final = "UPDATE outcome_progress SET through = through + 1 RETURNING through"
_COUNT: Final = """
INSERT INTO outcome_windows (version_id, end_ns, start_ns, predictions, labelled, through)
VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (version_id, end_ns, start_ns) DO UPDATE SET
    predictions = predictions + excluded.predictions, labelled = labelled + excluded.labelled,
    through = excluded.through
"""
_OUTCOME: Final = """
INSERT INTO outcome_counts (model_id, name, number) VALUES (?, ?, ?)
ON CONFLICT (model_id, name) DO UPDATE SET number = number + excluded.number
"""


def count_in_windows(
    connection: sqlite3.Connection,
    *,
    grain_seconds: int,
    predicted: Sequence[Sighting] = (),
    labelled: Sequence[Sighting] = (),
    unlabelled: Sequence[Sighting] = (),
) -> None:
    """Count what became of predictions, in the current transaction.

    Args:
        connection: in a transaction.
        grain_seconds: length of the shortest windows that are told apart.
        predicted: predictions that are kept now.
        labelled: of which a label is known now; once more where it is corrected.
        unlabelled: of which a label is known no longer; those corrected likewise.
    """
    cells: dict[tuple[int, int], list[int]] = {}
    grain_ns = grain_seconds * NANOSECONDS
    for place, sightings, step in ((0, predicted, 1), (1, labelled, 1), (1, unlabelled, -1)):
        if not sightings:
            continue
        told = np.array(sightings, np.int64)
        told[:, 1] = (told[:, 1] - 1) // grain_ns
        found, counts = np.unique(told, axis=0, return_counts=True)
        for (version_id, number), count in zip(found.tolist(), counts.tolist(), strict=True):
            cells.setdefault((version_id, number), [0, 0])[place] += step * count
    if not cells:
        return
    through = connection.execute(_NEXT).fetchone()[0]
    connection.executemany(
        _COUNT,
        [
            (version_id, (number + 1) * grain_ns, number * grain_ns, *counts, through)
            for (version_id, number), counts in cells.items()
        ],
    )


def count_outcomes(connection: sqlite3.Connection, model_id: int, outcomes: Counter[str]) -> None:
    """Count what became of predictions and labels of a model, by name."""
    connection.executemany(_OUTCOME, [(model_id, *told) for told in sorted(outcomes.items())])
