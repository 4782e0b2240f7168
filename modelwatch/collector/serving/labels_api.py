"""The part of the API that takes labels, and tells how many predictions have one."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response

from modelwatch.collector.labels.formats import ColumnNames
from modelwatch.collector.labels.label_chunk import MOST_SHOWN, LabelChunk, RefusedRow
from modelwatch.collector.labels.table_labels import TABLE_ROWS
from modelwatch.collector.options import CollectorOptions
from modelwatch.collector.outcomes.cells import shortest_span
from modelwatch.collector.quick_json import to_json
from modelwatch.collector.receiving.outcome_intake import LABEL_OUTCOMES, OutcomeIntake
from modelwatch.collector.security.principals import may_read
from modelwatch.collector.security.rules import LABELS_PATH
from modelwatch.collector.serving import label_schemas, schemas
from modelwatch.collector.serving.label_answers import coverage_shown, whole_spans
from modelwatch.collector.serving.problems import Problem
from modelwatch.collector.serving.queries import read_window, require_version
from modelwatch.collector.serving.sent_labels import SentLabels, SentLimits
from modelwatch.collector.storing.store import Store

__all__ = ["LabelsApi"]

MOST_BODIES: Final = 16
"""Requests with labels at the same time; more are answered with 503."""

TABLES_AT_ONCE: Final = 2
"""Tables in Parquet that are read at the same time; others wait."""

BULK_ROWS: Final = 1_000
"""Of a request with so many rows or more, the log tells."""

logger = logging.getLogger(__name__)


WindowText = Annotated[
    str | None, Query(description="Length of the window: 30s, 15m, 1h, 7d.", examples=["7d"])
]
EndText = Annotated[
    str | None, Query(description="End of the window, Unix seconds or ISO 8601; now by default.")
]


def _name(part: str, what: str) -> Any:
    return Query(alias=part, max_length=256, description=f"Column or member that holds {what}.")


@dataclass
class _Answer:
    """What became of the rows of one request."""

    rows: int = 0
    unlabelled: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    refusals: list[RefusedRow] = field(default_factory=list)

    def add(self, chunk: LabelChunk) -> None:
        self.rows += len(chunk.rows) + chunk.refused + chunk.unlabelled
        self.unlabelled += chunk.unlabelled
        self.counts["refused"] += chunk.refused
        self.refusals += chunk.shown[: MOST_SHOWN - len(self.refusals)]

    def to_json(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            **{name: self.counts[name] for name in LABEL_OUTCOMES},
            "unlabelled": self.unlabelled,
            "refusals": [
                {"line": row.line, "problem": row.problem, "remedy": row.remedy}
                for row in self.refusals
            ],
        }


class LabelsApi:
    """Handlers of ``/api/v1/labels`` and ``.../labels`` of a version.

    Args:
        intake: commits labels.
        store: knows how many predictions have one.
        options: gives the default length of a window, and how long a client may pause.
        clock: Unix nanoseconds.
    """

    def __init__(
        self,
        intake: OutcomeIntake,
        store: Store,
        options: CollectorOptions,
        *,
        clock: Callable[[], int],
    ) -> None:
        self._intake = intake
        self._store = store
        self._clock = clock
        self._window_seconds = options.window_seconds
        self._limits = SentLimits(part_seconds=options.body_timeout_seconds)
        self._tables = asyncio.Semaphore(TABLES_AT_ONCE)
        self._running = 0

    def router(self, path: str) -> APIRouter:
        """Return the routes.

        Args:
            path: of a model version.
        """
        router = APIRouter()
        router.get(
            f"{path}/labels",
            summary="Predictions and their labels",
            responses={200: schemas.content(label_schemas.COVERAGE)},
        )(self.show)
        router.post(
            LABELS_PATH,
            summary="Send labels",
            responses=label_schemas.ANSWERS,
            openapi_extra=label_schemas.BODY,
        )(self.post)
        return router

    async def post(
        self,
        request: Request,
        model: Annotated[
            str, Query(max_length=256, description="The model of rows that name none.")
        ] = "",
        id_name: Annotated[str, _name("id", "the id")] = ColumnNames.id,
        label_name: Annotated[str, _name("label", "the label")] = ColumnNames.label,
        time_name: Annotated[
            str, _name("time", "when it became known; empty for none")
        ] = ColumnNames.time,
    ) -> Response:
        """Take what turned out to be true of predictions.

        One label, or many: a list of objects, an object of ``model`` and ``labels``, an object a
        line (NDJSON), CSV with a header, or Parquet. Each row holds ``prediction_id``, ``label`` (a
        text, truth value or number; null takes a label back, an empty one in CSV or Parquet is not
        known yet) and, where wanted, ``time`` (RFC 3339, Unix seconds or nanoseconds; else the time
        of receipt). Labels may come before their prediction, and of a model that is not known yet.

        What is answered with 200 has been committed; rows that cannot be taken are ``refused``, the
        first of them told in ``refusals``, and keep no other row back. Where the request ends with
        an error, a part of its labels may have been committed: to send them all again is safe, as
        is any label that is sent twice.
        """
        if self._running >= MOST_BODIES:
            raise Problem(503, "too-many-requests", "too many labels are being read: send later.")
        names = ColumnNames(id=id_name, label=label_name, time=time_name)
        sent = SentLabels(request, names, model, self._limits, tables=self._tables)
        answer = _Answer()
        self._running += 1
        try:
            async with aclosing(sent.chunks()) as chunks:
                async for chunk in chunks:
                    await self._keep(chunk, answer)
        finally:
            self._running -= 1
            if answer.rows >= BULK_ROWS:
                logger.info("labels: %d rows came: %s", answer.rows, dict(+answer.counts))
        told = answer.to_json()
        if answer.rows and answer.counts["refused"] == answer.rows:
            first = answer.refusals[0]
            raise Problem(
                422,
                "unusable-labels",
                f"none of {answer.rows} rows can be taken; line {first.line}: {first.problem}: "
                f"{first.remedy}.",
                refused=answer.rows,
                refusals=told["refusals"],
            )
        return Response(to_json(told), media_type="application/json")

    def show(
        self, model: str, version: str, window: WindowText = None, end: EndText = None
    ) -> Response:
        """Return how many predictions of a window have a label, and how long these took.

        The window is widened to the whole spans that predictions are counted in.
        ``predictions`` are those that are kept to be joined: whose id somebody could know.
        ``coverage`` is the share of them that has a label, null where there are none;
        ``delay_seconds`` tells by when that share of the labels was known, null where none is
        summed up for the current baseline. ``of_model`` counts the labels of all versions that wait
        for their prediction, and what became of predictions and labels since the first one.
        """
        require_version(self._store, model, version)
        asked = read_window(window, end, default_seconds=self._window_seconds, clock=self._clock)
        span = whole_spans(asked.window, shortest_span(self._window_seconds))
        found = self._store.label_coverage(model, version, span)
        shown = coverage_shown(found, self._store.label_counts(model), span)
        return Response(
            to_json({"model": model, "version": version, **shown}), media_type="application/json"
        )

    async def _keep(self, chunk: LabelChunk, answer: _Answer) -> None:
        """Commit the rows of a chunk that may be taken."""
        self._refuse_unadmitted(chunk)
        answer.add(chunk)
        self._intake.count_refused(chunk.refused)
        for batch in chunk.batches(TABLE_ROWS):
            answer.counts.update((await self._intake.take_labels(batch)).counts)

    def _refuse_unadmitted(self, chunk: LabelChunk) -> None:
        admission = self._intake.admission
        why: dict[str, tuple[str, str]] = {}
        for model in {row.model for row in chunk.rows}:
            if not may_read(model):
                told = f"model {model!r:.60}, of which this token may not tell"
                why[model] = (told, "send a token that is not limited to other models")
            elif not admission.takes_model(model):
                told = f"model {model!r:.60}, one beyond the collector's limit of models"
                why[model] = (told, "raise models in [limits] of modelwatch.toml")
        latest_ns = max((row.time_ns for row in chunk.rows), default=0)
        if not why and admission.takes_time(latest_ns):
            return
        taken = []
        for row in chunk.rows:
            if row.model in why:
                chunk.refuse(row.line, *why[row.model])
            elif not admission.takes_time(row.time_ns):
                chunk.refuse(row.line, "a time in the future", "set the clock, or leave it out")
            else:
                taken.append(row)
        chunk.keep(taken)
