"""One watched call between its begin and its end, and what of it is looked at on the way."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextvars import Token
from itertools import islice
from typing import Any, Final

from modelwatch.capture.buffer import CLEAN
from modelwatch.capture.known_tables import NOTHING_MORE, Ids
from modelwatch.capture.outputs import Failure
from modelwatch.capture.plan import CapturePlan
from modelwatch.capture.prediction import CURRENT, Prediction, Scope
from modelwatch.capture.rows import Batch, Row
from modelwatch.capture.spans import PredictionSpan
from modelwatch.capture.traced_rows import TracedRow
from modelwatch.tables.columns import ABSENT

__all__ = ["INLINE_CHECK_ROWS", "Observation", "outliers_of", "rows_of", "traced_row"]

INLINE_CHECK_ROWS: Final = 256
"""Rows of a batch that are checked before the prediction, first come; the fold checks all."""


class Observation:
    """One watched call between its begin and its end.

    Attributes:
        prediction: the prediction being made.
        plan: how its features were read.
        captured: its features; None where they are not captured.
        started: when the function was entered, seconds.
        answer: what is answered in place of the function, if anything; maybe awaited first.
        span: the span of the prediction, where someone traces.
        ids: of its own that the row has, or each row of a batch; None where they have none.
        needs_id: whether its rows are to have such: those without are counted.
        segment: of the row, or of each row of a batch; None for none.
        told: the features of what can be told by an id; None where nothing can.
        telling: how.
    """

    __slots__ = (
        "_token",
        "answer",
        "captured",
        "ids",
        "needs_id",
        "plan",
        "prediction",
        "segment",
        "span",
        "started",
        "telling",
        "told",
    )

    started: float

    def __init__(self, prediction: Prediction, plan: CapturePlan) -> None:
        self.prediction = prediction
        self.plan = plan
        self.captured: Row | Batch | None = None
        self.answer: Any = None
        self.span: PredictionSpan | None = None
        self.ids: Ids | None = None
        self.needs_id = False
        self.segment: str | Sequence[str] | None = None
        self.told: Row | Batch | None = None
        self.telling = NOTHING_MORE
        self._token: Token[Prediction | Scope | None] | None = None

    def enter(self) -> None:
        """Make the prediction the current one."""
        self._token = CURRENT.set(self.prediction)
        if self.span is not None:
            self.span.enter()

    def leave(self) -> None:
        """Restore what was current before, if that was not done yet."""
        token, self._token = self._token, None
        if token is not None:
            if self.span is not None:
                self.span.leave()
            CURRENT.reset(token)


def rows_of(captured: Row | Batch | None) -> int:
    """Return how many rows were captured; one where that is not known."""
    return captured.rows if isinstance(captured, Batch) else 1


def outliers_of(plan: CapturePlan, captured: Row | Batch) -> dict[str, str] | None:
    """Name the features with an outlier, in any of a batch's first rows, and the rules broken."""
    if isinstance(captured, Row):
        return plan.check(captured.values)
    found: dict[str, str] = {}
    for values in islice(_batch_values(plan, captured), INLINE_CHECK_ROWS):
        found.update(plan.check(values) or {})
    return found


def traced_row(observation: Observation, span: PredictionSpan, output: object) -> TracedRow:
    """Return what the trace of a call can be an example of; of a batch, its first row is."""
    captured, values, is_packed = observation.captured, None, False
    error_type = output.error_type if type(output) is Failure else ""
    if isinstance(captured, Row):
        values = captured.values
        is_packed = captured.extras is CLEAN and observation.plan.layout is not None
    elif captured is not None:
        values, output = next(_batch_values(observation.plan, captured), None), Failure("")
    return TracedRow(
        span.ids,
        time.time_ns(),
        observation.plan,
        values,
        is_packed,
        output,
        observation.prediction.outliers,
        error_type,
    )


def _batch_values(plan: CapturePlan, batch: Batch) -> Iterator[tuple[Any, ...]]:
    absent = [ABSENT] * min(batch.rows, INLINE_CHECK_ROWS)
    columns = [batch.columns.get(name, absent)[:INLINE_CHECK_ROWS] for name in plan.reader.names]
    plain = [column.tolist() if hasattr(column, "tolist") else column for column in columns]
    return zip(*plain, strict=True)
