"""What requests with labels and the answers to them hold, as OpenAPI says it."""

from __future__ import annotations

from typing import Any, Final

from modelwatch.collector.receiving.outcome_intake import LABEL_OUTCOMES
from modelwatch.collector.serving import schemas
from modelwatch.collector.serving.sent_labels import CSV, JSON, NDJSON, PARQUET

__all__ = ["ANSWERS", "BODY", "COVERAGE"]

Schema = dict[str, Any]

_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_TEXT: Final[Schema] = {"type": "string"}
_NAME: Final[Schema] = {"type": "string", "minLength": 1, "maxLength": 256}

_LABEL: Final[Schema] = {
    "type": "object",
    "required": ["prediction_id", "label"],
    "properties": {
        "model": _NAME,
        "prediction_id": _NAME,
        "label": {
            "anyOf": [
                _NAME,
                {"type": "boolean"},
                {"type": "number", "minimum": -1e18, "maximum": 1e18},
                {"type": "null"},
            ]
        },
        "time": {
            "anyOf": [
                {"type": "string", "format": "date-time"},
                {"type": "number", "minimum": 0, "maximum": 9_223_372_036},
            ]
        },
    },
    "example": {"model": "churn", "prediction_id": "0199d0c4-...", "label": True},
}
_LABELS: Final[Schema] = {"type": "array", "items": _LABEL}
_OF_MODEL: Final[Schema] = {
    "type": "object",
    "required": ["labels"],
    "properties": {"model": _NAME, "labels": _LABELS},
}

BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: {"schema": {"anyOf": [_LABEL, _LABELS, _OF_MODEL]}},
            NDJSON: {"schema": _TEXT},
            CSV: {"schema": _TEXT},
            PARQUET: {"schema": {"type": "string", "format": "binary"}},
        },
    }
}

_REFUSALS: Final[Schema] = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["line", "problem", "remedy"],
        "properties": {
            "line": {**_COUNT, "description": "Line of the body, or place in its list or table."},
            "problem": _TEXT,
            "remedy": _TEXT,
        },
    },
}
_KEPT: Final[Schema] = {
    "type": "object",
    "required": sorted(["rows", *LABEL_OUTCOMES, "unlabelled", "refusals"]),
    "properties": {
        "rows": _COUNT,
        **dict.fromkeys(LABEL_OUTCOMES, _COUNT),
        "unlabelled": _COUNT,
        "refusals": _REFUSALS,
    },
}

_TIME: Final[Schema] = {"type": "string", "format": "date-time"}
_COUNTS: Final[Schema] = {"type": "object", "additionalProperties": _COUNT}
_SHARE: Final[Schema] = {"type": "number", "minimum": 0, "maximum": 1}
_SECONDS: Final[Schema] = {"type": "number", "minimum": 0}


def _object(**members: Schema) -> Schema:
    return {"type": "object", "properties": members, "required": sorted(members)}


COVERAGE: Final[Schema] = _object(
    model=_TEXT,
    version=_TEXT,
    window=_object(start=_TIME, end=_TIME, seconds=_COUNT),
    predictions=_COUNT,
    labelled=_COUNT,
    coverage={"anyOf": [_SHARE, {"type": "null"}]},
    delay_seconds={"anyOf": [_object(p50=_SECONDS, p90=_SECONDS, p99=_SECONDS), {"type": "null"}]},
    of_model=_object(waiting=_COUNT, predictions=_COUNTS, labels=_COUNTS),
)

ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: schemas.content(_KEPT),
    415: {
        "description": "The body is of a type or encoding that is not taken.",
        "content": {"application/problem+json": {"schema": schemas.PROBLEM}},
    },
}
