"""What the writer's thread does with labels: each is stored, and joined with its predictions."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, Literal, NamedTuple

from modelwatch.collector.outcomes.counted import counted_of, counted_pairs_of
from modelwatch.collector.outcomes.joined_chunks import AGAIN, NEW, TAKEN
from modelwatch.collector.outcomes.joining import Joining
from modelwatch.collector.outcomes.keys import Key, key_of, time_of
from modelwatch.collector.outcomes.label_values import LabelFault, LabelKind, stored_label
from modelwatch.collector.outcomes.open_rows import (
    IDS_AT_ONCE,
    LABEL,
    Held,
    HeldLabel,
    OpenRow,
    find,
    model_number,
    put,
)
from modelwatch.collector.outcomes.pair_chunks import PairEvent
from modelwatch.collector.outcomes.protocols import LabelsKept
from modelwatch.collector.outcomes.rates import highest_rate
from modelwatch.collector.windows import LATEST_NS
from modelwatch.telemetry.sampled_ids import is_sampled
from modelwatch.telemetry.wire.outcomes import LabelRows, OutcomeValue

__all__ = ["PreparedLabels", "by_model", "labels_kept", "prepare_labels", "write_labels"]

Outcome = Literal[
    "joined", "waiting", "unsampled", "duplicates", "corrected", "taken_back", "outdated",
    "conflicting", "expired",
]  # fmt: skip

_REFUSED: Final = "refused:"


class _Told(NamedTuple):
    """A label as it was told: its key, where it stood, the prediction's id, and itself."""

    key: Key
    place: int
    prediction_id: str
    label: HeldLabel


@dataclass(frozen=True, slots=True)
class PreparedLabels:
    """Labels of one model, in the order of their keys.

    Attributes:
        model: the model.
        told: those that can be stored; those of the same id in the order in which they came.
        refused: those that cannot, by reason.
    """

    model: str
    told: list[_Told]
    refused: Counter[str]


def prepare_labels(rows: LabelRows, *, now_ns: int, most: int) -> Iterator[PreparedLabels]:
    """Yield labels in parts, as they are stored. Needs no store, so that no other write waits.

    Args:
        rows: labels of one model.
        now_ns: when those became known that do not tell it, Unix nanoseconds.
        most: labels in one part.
    """
    for first in range(0, len(rows.ids), most):
        some = slice(first, first + most)
        told: list[_Told] = []
        refused: Counter[str] = Counter()
        for place, (name, value, at_ns) in enumerate(
            zip(rows.ids[some], rows.labels[some], rows.times_ns[some], strict=True)
        ):
            try:
                told.append(_told(place, name, value, at_ns or now_ns))
            except LabelFault as fault:
                refused[str(fault)] += 1
        told.sort()
        yield PreparedLabels(rows.model, told, refused)


def _told(place: int, name: str, value: OutcomeValue, at_ns: int) -> _Told:
    if not name:
        raise LabelFault("empty_id")
    if not 0 <= at_ns <= LATEST_NS:
        raise LabelFault("time")
    try:
        key = key_of(name)
    except UnicodeEncodeError as error:
        raise LabelFault("encoding") from error
    return _Told(key, place, name, HeldLabel(at_ns, *stored_label(value)))


def write_labels(
    connection: sqlite3.Connection,
    labels: PreparedLabels,
    *,
    expired_before_ns: int,
    grain_seconds: int,
) -> Counter[str]:
    """Store labels and join them, in the current transaction; return what became of them.

    Args:
        connection: in a transaction.
        labels: of one model.
        expired_before_ns: what was predicted before is not waited for, Unix nanoseconds.
        grain_seconds: length of the shortest windows that are told apart.
    """
    model_id = model_number(connection, labels.model)
    joining = Joining(
        model_id,
        counted_of(connection, labels.model),
        counted_pairs_of(connection, labels.model),
    )
    joining.outcomes.update({f"{_REFUSED}{why}": n for why, n in labels.refused.items()})
    writer = _Writer(joining, expired_before_ns, highest_rate(connection, labels.model))
    for first in range(0, len(labels.told), IDS_AT_ONCE):
        told = labels.told[first : first + IDS_AT_ONCE]
        held = find(connection, model_id, [one.key for one in told])
        changed: dict[Key, HeldLabel] = {}
        for one in told:
            if writer.take(one, held[one.key]):
                changed[one.key] = one.label
        rows: list[OpenRow] = [(model_id, *key, LABEL, *label) for key, label in changed.items()]
        put(connection, rows)
    joining.finish(connection, grain_seconds=grain_seconds)
    return joining.outcomes


def labels_kept(outcomes: Counter[str]) -> LabelsKept:
    """Return what became of labels."""
    refused = {
        name.removeprefix(_REFUSED): count
        for name, count in outcomes.items()
        if name.startswith(_REFUSED)
    }
    rest = {name: n for name, n in outcomes.items() if not name.startswith(_REFUSED)}
    return LabelsKept(**rest, refused=refused)


class _Writer:
    """Decides what becomes of labels, each in its turn."""

    def __init__(self, joining: Joining, expired_before_ns: int, sample_rate: float | None) -> None:
        self._joining = joining
        self._expired_before_ns = expired_before_ns
        self._sample_rate = sample_rate

    def take(self, told: _Told, held: Held) -> bool:
        """Join a label; return whether it is to be stored."""
        before = held.label
        outcome = self._first(told, held) if before is None else _later(told.label, before)
        if outcome == "corrected" and before is not None and before.kind == _NONE:
            outcome = "joined" if held.predictions else "waiting"
        self._joining.outcomes[outcome] += 1
        if outcome not in _STORED:
            return False
        held.label = told.label
        if before is None and not held.predictions:
            self._joining.waiting += 1
        self._join(told, held, before)
        return True

    def _join(self, told: _Told, held: Held, before: HeldLabel | None) -> None:
        joining, (key, place, _, label) = self._joining, told
        old = None if before is None or before.kind == _NONE else before
        new = None if label.kind == _NONE else label
        for prediction in held.predictions:
            if old is not None:
                joining.add(place, key, prediction, old, TAKEN)
            if new is not None:
                joining.add(place, key, prediction, new, NEW if old is None else AGAIN)
        if len(held.predictions) > 1:
            for pair in combinations(held.predictions, 2):
                if old is not None:
                    joining.pair(place, key, pair, old, PairEvent.UNLABELLED)
                if new is not None:
                    joining.pair(place, key, pair, new, PairEvent.LABELLED)

    def _first(self, told: _Told, held: Held) -> Outcome:
        """Return what becomes of the first label of an id."""
        if held.predictions:
            return "taken_back" if told.label.kind == _NONE else "joined"
        known_ns = time_of(told.prediction_id)
        if min(told.label.at_ns, told.label.at_ns if known_ns is None else known_ns) < (
            self._expired_before_ns
        ):
            return "expired"
        rate = self._sample_rate
        if rate is not None and rate < 1.0 and not is_sampled(told.prediction_id, rate):
            return "unsampled"
        return "taken_back" if told.label.kind == _NONE else "waiting"


_NONE: Final = int(LabelKind.NONE)
_STORED: Final = frozenset({"joined", "waiting", "corrected", "taken_back"})


def _later(label: HeldLabel, before: HeldLabel) -> Outcome:
    """Return what becomes of a label where there is another one."""
    if (label.kind, label.value) == (before.kind, before.value):
        return "duplicates"
    if label.at_ns < before.at_ns:
        return "outdated"
    if label.at_ns == before.at_ns:
        return "conflicting"
    return "taken_back" if label.kind == _NONE else "corrected"


def by_model(batches: Sequence[LabelRows]) -> list[LabelRows]:
    """Return labels, those of each model together."""
    found: dict[str, list[LabelRows]] = {}
    for rows in batches:
        found.setdefault(rows.model, []).append(rows)
    return [
        some[0]
        if len(some) == 1
        else LabelRows(
            model=model,
            ids=[one for rows in some for one in rows.ids],
            labels=[one for rows in some for one in rows.labels],
            times_ns=[one for rows in some for one in rows.times_ns],
        )
        for model, some in found.items()
    ]
