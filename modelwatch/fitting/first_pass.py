"""The first pass over the training data, which tells what the columns hold.

It is taken again where the rows have to be sorted, or a column's first values mislead about what
the others are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from modelwatch.errors import DataError, SchemaError
from modelwatch.fitting.order import (
    Grouping,
    TimeOrder,
    in_memory,
    say_sorted_by,
    sorted_by_time,
)
from modelwatch.fitting.roles import Roles
from modelwatch.fitting.survey import ColumnSurvey, Reading, sample_limit
from modelwatch.tables.batches import Batches, Progress, RawBatch
from modelwatch.tables.compact_columns import RawColumn

__all__ = ["Survey", "surveyed"]


@dataclass
class Survey:
    """What the first pass found.

    Attributes:
        batches: the rows, in the order of time.
        columns: what each feature's column holds.
        rows: how many there are.
        in_time_order: whether they are in the order of time: True by a timestamp, False where they
            are sorted by their label, as sample data often is, None where it may be so.
    """

    batches: Batches
    columns: dict[str, ColumnSurvey]
    rows: int = 0
    in_time_order: bool | None = None


def surveyed(batches: Batches, roles: Roles, report: Progress) -> Survey:
    """Take the first pass, as often as is needed.

    Args:
        batches: the rows, readable more than once.
        roles: which column plays which part.
        report: is told the share done.

    Raises:
        DataError: where there are no rows, or too many to be sorted.
        SchemaError: where a column is not there, or a row has no time.
    """
    if roles.timestamp is not None and batches.in_memory is not None:
        batches = _sorted(batches.in_memory, roles)
    readings: dict[str, Reading] = {}
    while True:
        survey = _survey(batches, roles, readings, report)
        if survey is None and roles.timestamp is not None:
            batches = _sorted(in_memory(batches, roles.timestamp), roles)
        elif survey is not None:
            misread = {
                name: column.reading
                for name, column in survey.columns.items()
                if column.assumed not in (None, column.reading)
            }
            if not misread:
                return survey
            readings |= misread


def _survey(
    batches: Batches, roles: Roles, readings: Mapping[str, Reading], report: Progress
) -> Survey | None:
    """Take the first pass; return None where the rows are not in the order of their timestamp."""
    survey = Survey(batches, {})
    order = None if roles.timestamp is None else TimeOrder(roles.timestamp)
    label = None if roles.label is None else Grouping()
    for batch in batches.read(report):
        if not survey.rows:
            survey.columns = _columns(batch, roles, batches, readings)
        _check_columns(batch, (*survey.columns, *roles.needed))
        if order is not None and order.name in batch.columns:
            order.update(batch.columns[order.name])
            if order.broken:
                return None
        elif label is not None and roles.label is not None:
            label.update(batch.columns[roles.label])
        for name, column in survey.columns.items():
            column.update(batch.columns[name])
        survey.rows += batch.rows
    if not survey.rows:
        raise DataError("the data holds no rows: a baseline needs the rows a model was trained on.")
    survey.in_time_order = None if order is None else True
    if order is None and roles.label is not None and label is not None and label.holds:
        say_sorted_by(roles.label)
        survey.in_time_order = False
    return survey


def _sorted(columns: Mapping[str, RawColumn], roles: Roles) -> Batches:
    roles.of_features(columns)
    if roles.timestamp is None:
        return Batches.of_columns(columns)
    return Batches.of_columns(sorted_by_time(columns, roles.timestamp))


def _columns(
    batch: RawBatch, roles: Roles, batches: Batches, readings: Mapping[str, Reading]
) -> dict[str, ColumnSurvey]:
    found = roles.of_features(batch.columns)
    limit = np.inf if batches.in_memory is not None else sample_limit(len(found))
    return {
        name: ColumnSurvey(
            name,
            role,
            is_prediction=name == roles.prediction,
            is_score=name in roles.scores,
            limit=limit,
            reading=readings.get(name),
        )
        for name, role in found.items()
    }


def _check_columns(batch: RawBatch, names: Iterable[str]) -> None:
    absent = next((name for name in names if name not in batch.columns), None)
    if absent is not None:
        raise SchemaError(
            f"column {absent!r} is in the first rows and not in later ones, which have "
            f"{sorted(batch.columns)}: give tables of the same columns."
        )
