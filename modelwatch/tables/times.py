"""Columns of times as numbers."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import numpy.typing as npt

from modelwatch.tables.columns import numeric_column
from modelwatch.tables.compact_columns import CodedColumn, RawColumn
from modelwatch.tables.value_kinds import infer_kind

__all__ = ["unix_seconds"]


def unix_seconds(times: RawColumn) -> npt.NDArray[np.float64]:
    """Return times as Unix seconds, NaN where there is none, shape (rows,).

    Args:
        times: numbers, dates and times, or ISO 8601 texts, in UTC where they name no zone.

    >>> unix_seconds(["1970-01-01T01:00:00", None]).tolist()
    [3600.0, nan]
    """
    if infer_kind(times) == "categorical":
        if isinstance(times, CodedColumn):
            times = CodedColumn([_parsed(value) for value in times.values], times.codes)
        else:
            times = [_parsed(value) for value in times]
    return numeric_column(times).values


def _parsed(value: Any) -> dt.datetime | None:
    try:
        return dt.datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
