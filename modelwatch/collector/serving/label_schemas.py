"""What requests with labels and the answers to them hold, as OpenAPI says it."""

from __future__ import annotations

from typing import Any, Final

from modelwatch.collector.receiving.outcome_intake import LABEL_OUTCOMES
from modelwatch.collector.serving import schemas
from modelwatch.collector.serving.schema_parts import (
    COUNT,
    SHARE,
    STRING,
    TIME,
    Schema,
    by_name,
    list_of,
    object_of,
    or_null,
)
from modelwatch.collector.serving.sent_labels import CSV, JSON, NDJSON, PARQUET

__all__ = ["ANSWERS", "BODY", "COVERAGE"]

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
                TIME,
                {"type": "number", "minimum": 0, "maximum": 9_223_372_036},
            ]
        },
    },
    "example": {"model": "churn", "prediction_id": "0199d0c4-...", "label": True},
}
_LABELS: Final[Schema] = list_of(_LABEL)
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
            NDJSON: {"schema": STRING},
            CSV: {"schema": STRING},
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
            "line": {**COUNT, "description": "Line of the body, or place in its list or table."},
            "problem": STRING,
            "remedy": STRING,
        },
    },
}
_KEPT: Final[Schema] = {
    "type": "object",
    "required": sorted(["rows", *LABEL_OUTCOMES, "unlabelled", "refusals"]),
    "properties": {
        "rows": COUNT,
        **dict.fromkeys(LABEL_OUTCOMES, COUNT),
        "unlabelled": COUNT,
        "refusals": _REFUSALS,
    },
}

_SECONDS: Final[Schema] = {"type": "number", "minimum": 0}

COVERAGE: Final = object_of(
    {
        "model": STRING,
        "version": STRING,
        "window": object_of({"start": TIME, "end": TIME, "seconds": COUNT}),
        "predictions": COUNT,
        "labelled": COUNT,
        "coverage": or_null(SHARE),
        "delay_seconds": or_null(object_of(dict.fromkeys(("p50", "p90", "p99"), _SECONDS))),
        "of_model": object_of(
            {"waiting": COUNT, "predictions": by_name(COUNT), "labels": by_name(COUNT)}
        ),
    }
)

ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: schemas.content(_KEPT),
    415: {
        "description": "The body is of a type or encoding that is not taken.",
        "content": {"application/problem+json": {"schema": schemas.PROBLEM}},
    },
}
