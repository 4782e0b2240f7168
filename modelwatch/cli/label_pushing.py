"""Labels of a file, a request after the other, to a collector."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.table import Table

from modelwatch.cli.collector_client import Collector
from modelwatch.cli.resending import ResendingClient
from modelwatch.collector.labels.formats import ColumnNames, LabelFormat
from modelwatch.collector.labels.label_chunk import (
    MOST_SHOWN,
    LabelChunk,
    RefusedRow,
    Row,
)
from modelwatch.collector.labels.label_files import label_parts
from modelwatch.errors import CollectorError

__all__ = ["Pushed", "checked", "pushed", "table_of"]

ROWS_AT_ONCE: Final = 20_000
"""Labels of one request: a megabyte or two before it is compressed."""

Progress = Callable[[float], None] | None

_OUTCOMES: Final = {
    "read": "can be read",
    "joined": "joined with their prediction",
    "waiting": "wait for their prediction",
    "corrected": "replaced another label",
    "taken_back": "took a label back",
    "duplicates": "were there already",
    "unsampled": "of predictions that were left out of the sample",
    "outdated": "became known before the label that is there",
    "conflicting": "contradict a label of the same time, which stays",
    "expired": "of predictions from before the horizon",
    "unlabelled": "have no label yet",
    "refused": "refused",
}


@dataclass
class Pushed:
    """What became of the rows of a file.

    Attributes:
        rows: all of them.
        counts: rows by what became of them.
        refusals: the first of those that were refused.
    """

    rows: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    refusals: list[RefusedRow] = field(default_factory=list)

    @property
    def refused(self) -> int:
        """How many rows were refused."""
        return self.counts["refused"]

    def add(self, chunk: LabelChunk) -> None:
        """Note what was read, but for the rows that can be taken."""
        self.rows += len(chunk.rows) + chunk.refused + chunk.unlabelled
        self.counts.update(refused=chunk.refused, unlabelled=chunk.unlabelled)
        self.show(chunk.shown)

    def show(self, refusals: Sequence[RefusedRow]) -> None:
        """Keep refused rows that are shown, if there are not enough of them yet."""
        self.refusals += refusals[: MOST_SHOWN - len(self.refusals)]


def checked(
    file: Path, names: ColumnNames, *, model: str, kind: LabelFormat, progress: Progress
) -> Pushed:
    """Read a file, and send nothing.

    Args:
        file: as of `label_parts`.
        names: of columns and members.
        model: of rows that name none.
        kind: what the file is written in.
        progress: is told which share was read.

    Raises:
        DataError: it cannot be read.
    """
    found = Pushed()
    for part in label_parts(file, names, model=model, kind=kind):
        found.add(part.chunk)
        found.counts["read"] += len(part.chunk.rows)
        if progress is not None and part.done is not None:
            progress(part.done)
    return found


def pushed(
    file: Path,
    names: ColumnNames,
    collector: Collector,
    *,
    model: str,
    kind: LabelFormat,
    progress: Progress,
) -> Pushed:
    """Send the labels of a file; arguments as of `checked`.

    Raises:
        DataError: the file cannot be read to its end.
        CollectorError: the collector cannot be reached, or refuses all.
    """
    found = Pushed()
    with ResendingClient(collector) as client:
        for rows in _requests(file, names, found, model=model, kind=kind, progress=progress):
            try:
                _send(client, rows, found)
            except CollectorError as error:
                done = sum(found.counts.values()) - found.refused - found.counts["unlabelled"]
                if not done:
                    raise
                raise CollectorError(
                    f"{error} The first {done:,} labels were taken: push the file again, what is "
                    "there already is not counted twice."
                ) from error
    return found


def table_of(found: Pushed) -> Table:
    """Return a table with a row for each thing that became of labels."""
    table = Table(title=f"{found.rows:,} rows")
    table.add_column("labels", justify="right")
    table.add_column("what became of them")
    for outcome, words in _OUTCOMES.items():
        if found.counts[outcome]:
            table.add_row(f"{found.counts[outcome]:,}", words)
    return table


def _requests(
    file: Path,
    names: ColumnNames,
    found: Pushed,
    *,
    model: str,
    kind: LabelFormat,
    progress: Progress,
) -> Iterator[list[Row]]:
    """Yield the rows of a file, so many as a request tells of."""
    rows: list[Row] = []
    for part in label_parts(file, names, model=model, kind=kind):
        found.add(part.chunk)
        rows += part.chunk.rows
        while len(rows) >= ROWS_AT_ONCE:
            yield rows[:ROWS_AT_ONCE]
            del rows[:ROWS_AT_ONCE]
        if progress is not None and part.done is not None:
            progress(part.done)
    if rows:
        yield rows


def _send(client: ResendingClient, rows: Sequence[Row], found: Pushed) -> None:
    body = "".join(map(_line, rows)).encode()
    status, told = client.post(
        "/api/v1/labels", body, media_type="application/x-ndjson", parameters={}
    )
    refused = told.get("refused") if isinstance(told, dict) else None
    if not isinstance(refused, int):
        raise CollectorError(
            f"what answered with {status} to labels is no modelwatch collector of this release."
        )
    found.counts.update({name: told.get(name, 0) for name in _OUTCOMES if name in told})
    found.show(
        [
            RefusedRow(rows[one["line"] - 1].line, one["problem"], one["remedy"])
            for one in told["refusals"]
        ]
    )


def _line(row: Row) -> str:
    told: dict[str, Any] = {
        "model": row.model,
        "prediction_id": row.prediction_id,
        "label": row.label,
    }
    if row.time_ns:
        told["time"] = row.time_ns
    return f"{json.dumps(told, separators=(',', ':'))}\n"
