"""What the writer's thread does with predictions: each is stored, and joined with its label."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from modelwatch.collector.outcomes.counted import counted_of, counted_pairs_of
from modelwatch.collector.outcomes.joined_chunks import NEW
from modelwatch.collector.outcomes.joining import Joining
from modelwatch.collector.outcomes.keys import Key, key_of
from modelwatch.collector.outcomes.label_values import LabelKind
from modelwatch.collector.outcomes.open_rows import (
    IDS_AT_ONCE,
    Held,
    HeldLabel,
    HeldPrediction,
    OpenRow,
    find,
    model_number,
    put,
)
from modelwatch.collector.outcomes.pair_chunks import PairEvent
from modelwatch.collector.outcomes.protocols import PredictionsKept
from modelwatch.collector.outcomes.rates import note_rate
from modelwatch.collector.outcomes.records import PLAIN, encode_records, write_out
from modelwatch.collector.outcomes.value_codes import CodesLearnt, ValueCodes
from modelwatch.collector.storing.version_numbers import version_number
from modelwatch.collector.windows import LATEST_NS
from modelwatch.telemetry.wire.outcomes import PredictionRows

__all__ = [
    "PredictionWriter",
    "PredictionsWritten",
    "PreparedPredictions",
    "predictions_kept",
    "prepare_predictions",
]

LARGEST_RECORD: Final = 65_536
"""Bytes of what is kept of one prediction."""

_PREFIX: Final = "predictions:"
_REFUSED: Final = "predictions:refused:"

_LAYOUTS: Final = "SELECT count(*) FROM outcome_layouts WHERE version_id = ?"
_MOST_LAYOUTS: Final = 200
_CACHED: Final = 10_000

_NO_LABEL: Final = HeldLabel(0, LabelKind.NONE, None)


class _Told(NamedTuple):
    """A prediction's key, and its place in the rows."""

    key: Key
    place: int


@dataclass(frozen=True, slots=True)
class PreparedPredictions:
    """Predictions of one model version.

    Attributes:
        rows: those that can be stored.
        told: their keys and places, in order.
        refused: those that cannot, by reason.
    """

    rows: PredictionRows
    told: list[_Told]
    refused: Counter[str]


@dataclass(frozen=True, slots=True)
class PredictionsWritten:
    """What became of predictions, and what is to be known once that is committed."""

    outcomes: Counter[str]
    codes: CodesLearnt
    layouts: dict[tuple[int, str], int]


def prepare_predictions(rows: PredictionRows, most: int) -> Iterator[PreparedPredictions]:
    """Yield predictions in parts, as they are stored. Needs no store."""
    for first in range(0, len(rows.ids), most):
        told: list[_Told] = []
        refused: Counter[str] = Counter()
        for place in range(first, min(first + most, len(rows.ids))):
            try:
                told.append(_Told(_key(rows.ids[place], rows.times_ns[place]), place))
            except _Refused as refusal:
                refused[str(refusal)] += 1
        places = [place for _, place in told]
        told = sorted(_Told(key, place) for place, (key, _) in enumerate(told))
        yield PreparedPredictions(rows.at(places), told, refused)


class _Refused(ValueError):
    """A prediction that can never be stored; the text is the reason, in one word."""


def _key(name: str, at_ns: int) -> Key:
    if not name:
        raise _Refused("empty_id")
    if not 0 <= at_ns <= LATEST_NS:
        raise _Refused("time")
    try:
        return key_of(name)
    except UnicodeEncodeError as error:
        raise _Refused("encoding") from error


def predictions_kept(outcomes: Counter[str]) -> PredictionsKept:
    """Return what became of predictions."""
    counts = {"stored": 0, "joined": 0, "duplicates": 0, "expired": 0}
    refused: dict[str, int] = {}
    for name, count in outcomes.items():
        if name.startswith(_REFUSED):
            refused[name.removeprefix(_REFUSED)] = count
        else:
            counts[name.removeprefix(_PREFIX)] = count
    return PredictionsKept(**counts, refused=refused)


class PredictionWriter:
    """Stores predictions. Used by the writer's thread alone.

    Args:
        grain_seconds: length of the shortest windows that are told apart.
    """

    def __init__(self, *, grain_seconds: int) -> None:
        self._grain_seconds = grain_seconds
        self._codes = ValueCodes()
        self._layouts: dict[tuple[int, str], int] = {}

    def committed(self, written: PredictionsWritten) -> None:
        """Know what a transaction left behind, now that it is committed."""
        self._codes.know(written.codes)
        if len(self._layouts) > _CACHED:
            self._layouts.clear()
        self._layouts.update(written.layouts)

    def write(
        self,
        connection: sqlite3.Connection,
        predictions: PreparedPredictions,
        *,
        expired_before_ns: int,
    ) -> PredictionsWritten:
        """Store predictions and join them, in the current transaction.

        Args:
            connection: in a transaction.
            predictions: of one version.
            expired_before_ns: what was predicted before is not kept, Unix nanoseconds.
        """
        rows = predictions.rows
        model_id = model_number(connection, rows.model)
        version_id = version_number(connection, rows.model, rows.version)
        written = PredictionsWritten(Counter(), {}, {})
        layout, records = self._encoded(connection, version_id, rows, written)
        joining = Joining(
            model_id,
            counted_of(connection, rows.model),
            counted_pairs_of(connection, rows.model),
        )
        for why, count in predictions.refused.items():
            joining.outcomes[_REFUSED + why] += count
        store = _Storing(joining, expired_before_ns)
        for first in range(0, len(predictions.told), IDS_AT_ONCE):
            told = predictions.told[first : first + IDS_AT_ONCE]
            held = find(connection, model_id, [one.key for one in told])
            new: list[OpenRow] = []
            for key, place in told:
                one = HeldPrediction(version_id, rows.times_ns[place], layout, records[place])
                if store.take(key, place, one, held[key]):
                    new.append((model_id, *key, *one))
            put(connection, new)
        note_rate(connection, version_id, rows.sample_rate, (at for _, at in joining.predicted))
        joining.finish(connection, grain_seconds=self._grain_seconds)
        written.outcomes.update(joining.outcomes)
        return written

    def _encoded(
        self,
        connection: sqlite3.Connection,
        version_id: int,
        rows: PredictionRows,
        written: PredictionsWritten,
    ) -> tuple[int, list[bytes]]:
        """Return the number of the rows' layout, and their records."""
        layout, records = encode_records(
            rows, lambda values: self._codes.of(connection, version_id, values, written.codes)
        )
        if layout is None:
            return PLAIN, records
        number = self._layout(connection, version_id, layout.to_json(), written)
        if number == PLAIN:
            records = write_out(rows)
        return number, records

    def _layout(
        self,
        connection: sqlite3.Connection,
        version_id: int,
        content: str,
        written: PredictionsWritten,
    ) -> int:
        """Return the number of a layout, which is made where it is new; `PLAIN` for too many."""
        known = self._layouts.get((version_id, content))
        if known is not None:
            return known
        find_it = "SELECT id FROM outcome_layouts WHERE version_id = ? AND content = ?"
        found = connection.execute(find_it, (version_id, content)).fetchone()
        if found is None:
            if connection.execute(_LAYOUTS, (version_id,)).fetchone()[0] >= _MOST_LAYOUTS:
                return PLAIN
            found = connection.execute(
                "INSERT INTO outcome_layouts (version_id, content) VALUES (?, ?) RETURNING id",
                (version_id, content),
            ).fetchone()
        written.layouts[version_id, content] = found[0]
        return int(found[0])


class _Storing:
    """Decides what becomes of predictions, each in its turn."""

    def __init__(self, joining: Joining, expired_before_ns: int) -> None:
        self._joining = joining
        self._expired_before_ns = expired_before_ns

    def take(self, key: Key, place: int, one: HeldPrediction, held: Held) -> bool:
        """Join a prediction; return whether it is to be stored."""
        outcomes = self._joining.outcomes
        if len(one.record) > LARGEST_RECORD:
            outcomes[_REFUSED + "too_large"] += 1
            return False
        if one.at_ns < self._expired_before_ns:
            outcomes[_PREFIX + "expired"] += 1
            return False
        if any(other.version_id == one.version_id for other in held.predictions):
            outcomes[_PREFIX + "duplicates"] += 1
            return False
        outcomes[_PREFIX + "stored"] += 1
        self._joining.predicted.append((one.version_id, one.at_ns))
        if held.label is not None:
            self._joining.waiting -= not held.predictions
            if held.label.kind != LabelKind.NONE:
                outcomes[_PREFIX + "joined"] += 1
                self._joining.add(place, key, one, held.label, NEW)
        for other in held.predictions:
            label = held.label or _NO_LABEL
            self._joining.pair(place, key, (one, other), label, PairEvent.BOTH)
        held.predictions.append(one)
        return True
