"""What is found out while some predictions or labels are stored, written at the end of it."""

from __future__ import annotations

import sqlite3
from collections import Counter
from typing import Final

from modelwatch.collector.outcomes.counted import Counted, note_pairs
from modelwatch.collector.outcomes.joined_chunks import TAKEN, JoinedRow, append_joined
from modelwatch.collector.outcomes.keys import Key
from modelwatch.collector.outcomes.open_rows import HeldLabel, HeldPrediction
from modelwatch.collector.outcomes.pair_chunks import (
    Pair,
    PairEvent,
    PairRow,
    append_pairs,
    pair_row,
)
from modelwatch.collector.outcomes.window_counts import (
    Sighting,
    count_in_windows,
    count_outcomes,
)

__all__ = ["Joining"]

_WAITING: Final = "UPDATE outcome_models SET waiting = waiting + ? WHERE id = ?"


class Joining:
    """Collects what is joined within one transaction. Not thread-safe.

    Args:
        model_id: of which model.
        counted: its versions whose rows are summed up.
        pairs: its pairs of versions that predicted under the same ids.

    Attributes:
        predicted: predictions that were stored.
        waiting: by how many the labels grew that have no prediction.
        outcomes: what became of predictions or labels, by name.
    """

    def __init__(
        self, model_id: int, counted: dict[int, Counted], pairs: dict[Pair, Counted]
    ) -> None:
        self._model_id = model_id
        self._counted = counted
        self._counted_pairs = pairs
        self._rows: list[JoinedRow] = []
        self._pairs: list[PairRow] = []
        self._new_pairs: set[Pair] = set()
        self._labelled: list[Sighting] = []
        self._unlabelled: list[Sighting] = []
        self.predicted: list[Sighting] = []
        self.waiting = 0
        self.outcomes: Counter[str] = Counter()

    def add(
        self, place: int, key: Key, prediction: HeldPrediction, label: HeldLabel, sign: int
    ) -> None:
        """Take in that a prediction got a label, or lost it."""
        version_id = prediction.version_id
        known = self._unlabelled if sign == TAKEN else self._labelled
        known.append((version_id, prediction.at_ns))
        counted = self._counted.get(version_id)
        if counted is not None and key <= counted.through:
            self._rows.append(
                JoinedRow(
                    place, version_id, counted.baseline_id, prediction.layout, sign, label.kind,
                    label.value, prediction.at_ns, label.at_ns, prediction.record,
                )
            )  # fmt: skip

    def pair(
        self,
        place: int,
        key: Key,
        predictions: tuple[HeldPrediction, HeldPrediction],
        label: HeldLabel,
        event: PairEvent,
    ) -> None:
        """Take in what became known of two versions' predictions of the same id."""
        first, second = sorted(predictions)
        pair = (first.version_id, second.version_id)
        counted = self._counted_pairs.get(pair)
        if counted is None:
            self._new_pairs.add(pair)
        elif key <= counted.through:
            row = pair_row(place, counted.baseline_id, (first, second), label, event)
            self._pairs.append(row)

    def finish(self, connection: sqlite3.Connection, *, grain_seconds: int) -> None:
        """Write all of it, in the current transaction."""
        append_joined(connection, self._rows)
        append_pairs(connection, self._pairs)
        note_pairs(connection, sorted(self._new_pairs))
        count_in_windows(
            connection,
            grain_seconds=grain_seconds,
            predicted=self.predicted,
            labelled=self._labelled,
            unlabelled=self._unlabelled,
        )
        count_outcomes(connection, self._model_id, self.outcomes)
        if self.waiting:
            connection.execute(_WAITING, (self.waiting, self._model_id))
