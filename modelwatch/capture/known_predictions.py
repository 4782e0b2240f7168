"""Predictions that somebody can know by an id, until they are told to the collector.

A watched call leaves its result as it is; it is read in the thread that sends, as columns of many.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final, NamedTuple

from modelwatch.capture.buffer import CLEAN
from modelwatch.capture.guard import Guard
from modelwatch.capture.outcome_values import outcome_values
from modelwatch.capture.plan import CapturePlan
from modelwatch.capture.rows import Batch, Row
from modelwatch.tables.columns import ABSENT, RawColumn
from modelwatch.telemetry.sampled_ids import is_sampled
from modelwatch.telemetry.wire.outcomes import (
    MOST_FEATURES,
    MOST_OUTPUTS,
    MOST_TEXT_CHARACTERS,
    OutcomeValue,
    PredictionRows,
)

__all__ = ["MOST_WAITING", "NOTHING_MORE", "Ids", "KnownPredictions", "Telling"]

MOST_WAITING: Final = 16_384
"""Predictions that wait to be sent; those beyond are counted as dropped."""

_REMEDIES: Final[Mapping[str, str]] = {
    "queue_full": f"more than {MOST_WAITING} a process are known by an id within an interval. Take "
    "a sample (sample_rate=), or export more often.",
    "no_prediction_id": "their rows lack the id of prediction_id=, which is a text of 1 to 256 "
    "characters or a whole number, and of a batch one a row.",
}
"""What is said, once in a while, of predictions that were dropped for a reason."""

Columns = Mapping[str, Sequence[OutcomeValue]]
Ids = str | Sequence[str | None]
"""Of one row or of a batch; or of each row of a batch, None where it has none."""


def _nothing(_feature: str) -> bool:
    return False


@dataclass(frozen=True, kw_only=True)
class Telling:
    """How predictions of one watched function are told.

    Attributes:
        sample_rate: the share of them that is told, by their ids.
        sends: whether a feature's values are sent along.
        has_values: whether any are.
    """

    sample_rate: float = 1.0
    sends: Callable[[str], bool] = _nothing
    has_values: bool = False


NOTHING_MORE: Final = Telling()
"""All predictions, and no features."""


class _Known(NamedTuple):
    """Predictions of one call.

    Attributes:
        plan: how its features were read.
        telling: how they are told.
        ids: of its row; or of each row of a batch, None for those that are not told.
        time_ns: when it ended.
        output: its result, copied.
        captured: its features, where they are sent; of a batch always.
        segment: of its row, or of each row of a batch; None for none.
    """

    plan: CapturePlan
    telling: Telling
    ids: Ids
    time_ns: int
    output: object
    captured: Row | Batch | None
    segment: str | Sequence[str] | None

    @property
    def is_row(self) -> bool:
        """Whether it is a single row."""
        return isinstance(self.ids, str)

    @property
    def rows(self) -> int:
        """How many predictions there are."""
        return 1 if isinstance(self.ids, str) else sum(one is not None for one in self.ids)


class KnownPredictions:
    """Keeps predictions until they are taken: 16,384 at most. Thread-safe.

    Args:
        model: the model's name.
        version: its version.
        guard: keeps faults away from the thread that sends.
        clock_ns: Unix time in nanoseconds.
    """

    def __init__(
        self,
        model: str,
        version: str,
        *,
        guard: Guard,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._model = model
        self._version = version
        self._guard = guard
        self._clock_ns = clock_ns
        self.reset()

    def reset(self) -> None:
        """Forget all predictions, and take a new lock: what a forked child needs."""
        self._lock = threading.RLock()  # guards all below; the garbage collector may come in
        self._waiting: list[_Known] = []
        self._rows = 0
        self._dropped: Counter[str] = Counter()

    def add_row(
        self,
        plan: CapturePlan,
        telling: Telling,
        prediction_id: str,
        output: object,
        row: Row,
        segment: str | Sequence[str] | None = None,
    ) -> None:
        """Keep a prediction, or count it as dropped.

        Args:
            plan: how its features were read.
            telling: how it is told.
            prediction_id: its id.
            output: its result, copied.
            row: its features.
            segment: of which it is.
        """
        kept = row if telling.has_values else None
        now_ns = self._clock_ns()
        self._add(_Known(plan, telling, prediction_id, now_ns, output, kept, segment), 1)

    def add_batch(
        self,
        plan: CapturePlan,
        telling: Telling,
        ids: Ids,
        output: object,
        batch: Batch,
        segments: str | Sequence[str] | None = None,
    ) -> None:
        """Keep the predictions of a batch, as many as fit, and count the others as dropped.

        Args:
            plan: how their features were read.
            telling: how they are told.
            ids: of the batch, whose rows then are ``<id>/0``, ``<id>/1`` and so on; or of each row,
                None where it has none. Of these, those in the sample are kept.
            output: its result, copied.
            batch: its features.
            segments: of each row.
        """
        rate = telling.sample_rate
        named = [f"{ids}/{row}" for row in range(batch.rows)] if isinstance(ids, str) else ids
        lacking = sum(one is None for one in named)
        if lacking:
            self.drop("no_prediction_id", lacking)
        if rate < 1.0:
            named = [one if one is not None and is_sampled(one, rate) else None for one in named]
        rows = sum(one is not None for one in named)
        if rows:
            kept = batch if telling.has_values else Batch({}, batch.rows)
            now_ns = self._clock_ns()
            self._add(_Known(plan, telling, named, now_ns, output, kept, segments), rows)

    def drop(self, reason: str, rows: int = 1) -> None:
        """Count predictions that are not told."""
        with self._lock:
            self._dropped[reason] += rows

    def take(self) -> tuple[list[PredictionRows], Counter[str]]:
        """Return what waits, and how many were dropped for which reason, and forget both."""
        with self._lock:
            waiting, dropped = self._waiting, self._dropped
            self._waiting, self._rows, self._dropped = [], 0, Counter()
        told: dict[tuple[Any, ...], list[_Table]] = {}
        for group in _alike(waiting):
            for table in self._tables(group, dropped):
                if table.without_output:
                    dropped["no_output"] += table.without_output
                if table.ids:
                    told.setdefault(table.kind, []).append(table)
        for reason in dropped.keys() & _REMEDIES.keys():
            self._guard.notice(
                f"known predictions {reason}",
                f"{dropped[reason]} predictions are not told: {_REMEDIES[reason]}",
            )
        return [self._rows_of(tables) for tables in told.values()], +dropped

    def _tables(self, group: Sequence[_Known], dropped: Counter[str]) -> Iterator[_Table]:
        """Read predictions together; where that fails, in parts, so that one spoils no other."""
        found = None
        with self._guard:
            found = _table(group)
        if found is not None:
            yield found
        elif len(group) > 1:
            middle = len(group) // 2
            yield from self._tables(group[:middle], dropped)
            yield from self._tables(group[middle:], dropped)
        else:
            dropped["fault"] += group[0].rows

    def _add(self, known: _Known, rows: int) -> None:
        with self._lock:
            room = MOST_WAITING - self._rows
            if rows > room:
                self._dropped["queue_full"] += rows - room
                if not room:
                    return
                known = known._replace(ids=_first(known.ids, room))
            self._waiting.append(known)
            self._rows += min(rows, room)

    def _rows_of(self, tables: Sequence[_Table]) -> PredictionRows:
        first = tables[0]
        segments = [one for table in tables for one in table.segments]
        return PredictionRows(
            model=self._model,
            version=self._version,
            ids=[one for table in tables for one in table.ids],
            times_ns=[one for table in tables for one in table.times_ns],
            outputs=_joined([table.outputs for table in tables]),
            segments=segments if any(segments) else None,
            features=_joined([table.features for table in tables]),
            sample_rate=first.sample_rate,
        )


def _first(ids: Ids, most: int) -> Ids:
    """Return ids of which no more than so many are there."""
    if isinstance(ids, str):
        return ids
    left = iter(range(most))
    return [one if one is not None and next(left, None) is not None else None for one in ids]


@dataclass(frozen=True, kw_only=True)
class _Table:
    """Predictions as columns, and how many had no output that could be read."""

    ids: Sequence[str]
    times_ns: Sequence[int]
    outputs: Columns
    features: Columns
    segments: Sequence[str]
    sample_rate: float
    without_output: int

    @property
    def kind(self) -> tuple[Any, ...]:
        """What tables have in common that can be told as one."""
        return self.sample_rate, tuple(self.outputs), tuple(self.features)


def _alike(waiting: Sequence[_Known]) -> Iterator[list[_Known]]:
    """Put rows together that came one after the other; each batch is by itself."""

    def kind(known: _Known) -> tuple[int, Telling, int]:
        return known.plan.number, known.telling, 0 if known.is_row else id(known)

    for _, group in groupby(waiting, key=kind):
        yield list(group)


def _table(group: Sequence[_Known]) -> _Table:
    """Read predictions, and leave out those without any output: no label says if they fit."""
    first = group[0]
    ids, outputs = _ids(group), _outputs(group)
    features = _features(group) if first.telling.has_values else {}
    sent = {name: column for name, column in features.items() if first.telling.sends(name)}
    read, brought = _values(outputs, MOST_OUTPUTS), _values(sent, MOST_FEATURES)
    told = [at for at, one in enumerate(ids) if one is not None]
    kept = [at for at in told if any(column[at] is not None for column in read.values())]
    times_ns = [known.time_ns for known in group]
    segments = _segments(group)
    return _Table(
        ids=[one for at in kept if (one := ids[at]) is not None],
        times_ns=[times_ns[at if first.is_row else 0] for at in kept],
        outputs={name: [column[at] for at in kept] for name, column in read.items()},
        features={name: [column[at] for at in kept] for name, column in brought.items()},
        segments=[segments[at] for at in kept],
        sample_rate=first.telling.sample_rate,
        without_output=len(told) - len(kept),
    )


def _ids(group: Sequence[_Known]) -> Sequence[str | None]:
    first = group[0]
    return [str(known.ids) for known in group] if first.is_row else first.ids


def _outputs(group: Sequence[_Known]) -> Mapping[str, RawColumn]:
    first = group[0]
    reader = first.plan.outputs
    if isinstance(first.captured, Batch):
        return reader.batch_columns(first.output, first.captured.rows)
    return reader.columns([known.output for known in group])


def _segments(group: Sequence[_Known]) -> Sequence[str]:
    first = group[0]
    if isinstance(first.captured, Batch):
        return [""] * first.captured.rows if first.segment is None else first.segment
    return [known.segment if isinstance(known.segment, str) else "" for known in group]


def _features(group: Sequence[_Known]) -> Mapping[str, RawColumn]:
    """Return the features' columns; of packed rows together, which is quicker by far."""
    first = group[0]
    if isinstance(first.captured, Batch):
        return first.captured.columns
    plan = first.plan
    rows = [known.captured for known in group if isinstance(known.captured, Row)]
    values: list[Sequence[Any]] = [row.values for row in rows]
    if plan.layout is not None:
        packed = [at for at, row in enumerate(rows) if row.extras is CLEAN]
        unpacked = plan.layout.values([values[at] for at in packed]) if packed else []
        for at, one in zip(packed, unpacked, strict=True):
            values[at] = one
    columns: dict[str, RawColumn] = {
        name: [row[place] for row in values] for place, name in enumerate(plan.reader.names)
    }
    extras: list[Mapping[str, Any]] = [row.extras or {} for row in rows]
    for name in dict.fromkeys(name for extra in extras for name in extra):
        columns[name] = [extra.get(name, ABSENT) for extra in extras]
    return columns


def _values(columns: Mapping[str, RawColumn], most: int) -> dict[str, list[OutcomeValue]]:
    names = [name for name in columns if 0 < len(name) <= MOST_TEXT_CHARACTERS and _is_text(name)]
    return {name: outcome_values(columns[name]) for name in names[:most]}


def _is_text(name: str) -> bool:
    """Tell whether UTF-8 can write a name."""
    return name.isascii() or name.encode("utf-8", "replace").decode("utf-8") == name


def _joined(parts: Sequence[Columns]) -> Columns:
    return {name: [value for part in parts for value in part[name]] for name in parts[0]}
