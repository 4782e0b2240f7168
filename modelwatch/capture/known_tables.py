"""Known predictions as columns of many, read in the thread that sends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final, NamedTuple

from modelwatch.capture.buffer import CLEAN
from modelwatch.capture.outcome_values import outcome_values
from modelwatch.capture.plan import CapturePlan
from modelwatch.capture.rows import Batch, Row
from modelwatch.tables.columns import ABSENT, RawColumn
from modelwatch.telemetry.wire.outcomes import (
    MOST_FEATURES,
    MOST_OUTPUTS,
    MOST_TEXT_CHARACTERS,
    OutcomeValue,
)

__all__ = ["NOTHING_MORE", "Ids", "Known", "Table", "Telling", "alike", "joined", "table_of"]

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


class Known(NamedTuple):
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


@dataclass(frozen=True, kw_only=True)
class Table:
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


def alike(waiting: Sequence[Known]) -> Iterator[list[Known]]:
    """Put rows together that came one after the other; each batch is by itself."""

    def kind(known: Known) -> tuple[int, Telling, int]:
        return known.plan.number, known.telling, 0 if known.is_row else id(known)

    for _, group in groupby(waiting, key=kind):
        yield list(group)


def table_of(group: Sequence[Known]) -> Table:
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
    return Table(
        ids=[one for at in kept if (one := ids[at]) is not None],
        times_ns=[times_ns[at if first.is_row else 0] for at in kept],
        outputs={name: [column[at] for at in kept] for name, column in read.items()},
        features={name: [column[at] for at in kept] for name, column in brought.items()},
        segments=[segments[at] for at in kept],
        sample_rate=first.telling.sample_rate,
        without_output=len(told) - len(kept),
    )


def _ids(group: Sequence[Known]) -> Sequence[str | None]:
    first = group[0]
    return [str(known.ids) for known in group] if first.is_row else first.ids


def _outputs(group: Sequence[Known]) -> Mapping[str, RawColumn]:
    first = group[0]
    reader = first.plan.outputs
    if isinstance(first.captured, Batch):
        return reader.batch_columns(first.output, first.captured.rows)
    return reader.columns([known.output for known in group])


def _segments(group: Sequence[Known]) -> Sequence[str]:
    first = group[0]
    if isinstance(first.captured, Batch):
        return [""] * first.captured.rows if first.segment is None else first.segment
    return [known.segment if isinstance(known.segment, str) else "" for known in group]


def _features(group: Sequence[Known]) -> Mapping[str, RawColumn]:
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


def joined(parts: Sequence[Columns]) -> Columns:
    """Return columns of the same names, one part after the other."""
    return {name: [value for part in parts for value in part[name]] for name in parts[0]}
