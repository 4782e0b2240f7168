"""Rows of the current interval whose traces can be found again: a bounded few of them.

They are kept where the prediction's span is sampled and records, which is off the short way of
usual calls: where nobody traces, nothing of this is run.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Final, NamedTuple

from modelwatch.capture.packed_rows import Kept
from modelwatch.capture.plan import CapturePlan
from modelwatch.capture.sampling import DRAW_BITS, draw

__all__ = ["MOST_EACH", "TracedRow", "TracedRows"]

MOST_EACH: Final = 2
"""Traces that are told of each feature and each type of error in an interval."""

_MOST_SAMPLED: Final = 256
"""Rows that are chosen from where a feature's values have moved; drawn evenly from the interval."""

_MOST_OUTLYING: Final = 1_000
_MOST_ERROR_TYPES: Final = 20


class TracedRow(NamedTuple):
    """One prediction that has a trace.

    Attributes:
        span: trace id, span id and trace flags.
        time_ns: when it ended, Unix nanoseconds.
        plan: how its features were read.
        values: those of the plan's features, in order; None where they are not captured.
        is_packed: whether they are as the plan's layout has them.
        output: its result, copied; a `Failure` where it has none.
        outliers: feature name to rule.
        error_type: of the call, where it failed.
    """

    span: tuple[int, int, int]
    time_ns: int
    plan: CapturePlan
    values: Kept | None
    is_packed: bool
    output: object
    outliers: Mapping[str, str]
    error_type: str


class TracedRows:
    """Keeps, until they are taken, rows with outliers, rows whose call failed, and an even sample.

    Thread-safe. Memory: some 1,300 rows at the very most, and usually 256.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all rows, and take a new lock: what a forked child needs."""
        self._lock = threading.RLock()  # guards all below; the garbage collector may come in
        self._sampled: list[TracedRow] = []
        self._seen = 0
        self._outlying: dict[str, list[TracedRow]] = {}
        self._failed: dict[str, list[TracedRow]] = {}

    def takes_next(self, plan: CapturePlan) -> bool:
        """Tell whether one more row that is nothing but usual belongs to the sample.

        Two threads at a time may count as one: the sample is then a little less even.
        """
        if plan.baseline is None:
            return False
        seen = self._seen = self._seen + 1
        return seen <= _MOST_SAMPLED or draw(DRAW_BITS) * seen >> DRAW_BITS < _MOST_SAMPLED

    def add(self, row: TracedRow) -> None:
        """Keep a row."""
        with self._lock:
            for feature in row.outliers:
                _keep(self._outlying, feature, row, most=_MOST_OUTLYING)
            if row.error_type:
                _keep(self._failed, row.error_type, row, most=_MOST_ERROR_TYPES)
            if row.values is None or row.plan.baseline is None:
                return
            if len(self._sampled) < _MOST_SAMPLED:
                self._sampled.append(row)
            else:
                self._sampled[draw(DRAW_BITS) % _MOST_SAMPLED] = row

    def take(self) -> tuple[list[TracedRow], list[TracedRow]]:
        """Return the rows that are told of in any case, and the sample; and forget both."""
        with self._lock:
            kept = [*self._outlying.values(), *self._failed.values()]
            telling = list({id(row): row for rows in kept for row in rows}.values())
            sampled, self._sampled, self._seen = self._sampled, [], 0
            self._outlying, self._failed = {}, {}
        return telling, sampled


def _keep(kept: dict[str, list[TracedRow]], name: str, row: TracedRow, *, most: int) -> None:
    rows = kept.get(name)
    if rows is None:
        if len(kept) < most:
            kept[name] = [row]
    elif len(rows) < MOST_EACH:
        rows.append(row)
