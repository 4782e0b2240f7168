"""Predictions and labels as events, many in one.

An event ``modelwatch.prediction`` has the attributes ``modelwatch.model.name``,
``modelwatch.model.version`` and, where not all predictions are sent, ``modelwatch.sample_rate``;
its body is a JSON text of columns, each with one value a prediction::

    {"ids": ["0192..."], "times_ns": [1700000000000000000],
     "outputs": {"score": [0.25]}, "segments": ["eu"], "features": {"age": [41]}}

``segments`` and ``features`` are left out where there are none. An event ``modelwatch.label`` has
the model's name alone, and the columns ``ids``, ``labels`` and ``times_ns``. Values are texts,
numbers, true, false and null; numbers that JSON does not have are null.

`modelwatch.telemetry.wire.outcome_reading` reads these, and events of a single prediction or label
besides, as any client can send them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from modelwatch.telemetry import names
from modelwatch.telemetry.wire.events import Event
from modelwatch.telemetry.wire.outcomes import MOST_ROWS, LabelRows, OutcomeValue, PredictionRows

__all__ = ["OUTCOME_EVENTS", "label_events", "prediction_events"]

OUTCOME_EVENTS: Final = frozenset({names.PREDICTION, names.LABEL})
"""Names of the events of predictions and of labels."""


MOST_BYTES: Final = 512 * 1024
"""Characters of the body of one event of several rows; most features' values are written in few."""


def prediction_events(rows: PredictionRows) -> list[Event]:
    """Return events of predictions, at most `MOST_ROWS` in each, and fewer where they are large.

    Numbers that JSON does not have become null.

    Raises:
        ValueError: where the columns are not of one length.
    """
    attributes: dict[str, str | float] = {
        names.MODEL_NAME: rows.model,
        names.MODEL_VERSION: rows.version,
    }
    if rows.sample_rate < 1.0:
        attributes[names.SAMPLE_RATE] = rows.sample_rate
    columns: dict[str, Any] = {
        "ids": rows.ids,
        "times_ns": rows.times_ns,
        "outputs": rows.outputs,
    }
    if rows.segments is not None:
        columns["segments"] = rows.segments
    if rows.features:
        columns["features"] = rows.features
    return list(_events(names.PREDICTION, attributes, columns))


def label_events(rows: LabelRows) -> list[Event]:
    """Return events of labels, at most `MOST_ROWS` in each; values as for `prediction_events`.

    Raises:
        ValueError: where the columns are not of one length.
    """
    attributes = {names.MODEL_NAME: rows.model}
    columns = {"ids": rows.ids, "labels": rows.labels, "times_ns": rows.times_ns}
    return list(_events(names.LABEL, attributes, columns))


def _events(
    name: str, attributes: Mapping[str, str | float], columns: Mapping[str, Any]
) -> Iterator[Event]:
    size = len(columns["ids"])
    for column, values in columns.items():
        parts = values if isinstance(values, Mapping) else {"": values}
        if any(len(part) != size for part in parts.values()):
            raise ValueError(f"{column} are not as many as the {size} ids.")
    for start in range(0, size, MOST_ROWS):
        yield from _parts(name, attributes, columns, start, min(start + MOST_ROWS, size))


def _parts(
    name: str,
    attributes: Mapping[str, str | float],
    columns: Mapping[str, Any],
    start: int,
    end: int,
) -> Iterator[Event]:
    part = {column: _taken(values, slice(start, end)) for column, values in columns.items()}
    body = _json(part)
    if len(body) > MOST_BYTES and end - start > 1:
        middle = (start + end) // 2
        yield from _parts(name, attributes, columns, start, middle)
        yield from _parts(name, attributes, columns, middle, end)
    else:
        yield Event(name, max(part["times_ns"]), attributes, body=body, tells=end - start)


def _taken(values: Any, rows: slice) -> Any:
    if isinstance(values, Mapping):
        return {name: list(column[rows]) for name, column in values.items()}
    return list(values[rows])


def _json(part: dict[str, Any]) -> str:
    try:
        text = json.dumps(part, separators=(",", ":"), allow_nan=False)
    except ValueError:
        text = json.dumps(_writable(part), separators=(",", ":"), allow_nan=False)
    return text


def _writable(values: Any) -> Any:
    if isinstance(values, dict):
        return {name: _writable(column) for name, column in values.items()}
    return [_finite(value) for value in values]


def _finite(value: OutcomeValue) -> OutcomeValue:
    return value if not isinstance(value, float) or math.isfinite(value) else None
