"""What answers on performance and on changed relations hold, as OpenAPI says it."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["CONCEPT", "PERFORMANCE"]

Schema = dict[str, Any]

_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_TEXT: Final[Schema] = {"type": "string"}
_TIME: Final[Schema] = {"type": "string", "format": "date-time"}
_NUMBER: Final[Schema] = {"type": "number"}
_SHARE: Final[Schema] = {"type": "number", "minimum": 0, "maximum": 1}


def _object(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": sorted(properties)}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


_VALUE: Final = _or_null(
    _object({"value": _NUMBER, "lower": _or_null(_NUMBER), "upper": _or_null(_NUMBER)})
)

_METRIC: Final = _object(
    {
        "reference": _VALUE,
        "estimated": _VALUE,
        "realized": _VALUE,
        "rows": _COUNT,
        "verdict": _or_null(_TEXT),
        "explained": _or_null(_TEXT),
    }
)

_LABELS: Final = _object(
    {
        "predictions": _COUNT,
        "labelled": _COUNT,
        "coverage": _or_null(_SHARE),
        "still_coming": {"type": "boolean"},
        "delay_median_seconds": _or_null(_NUMBER),
        "delay_p90_seconds": _or_null(_NUMBER),
    }
)

PERFORMANCE: Final = _object(
    {
        "model": _TEXT,
        "version": _TEXT,
        "window_seconds": _COUNT,
        "segment": _or_null(_TEXT),
        "segments": _list(_TEXT),
        "windows": _list(
            _object(
                {
                    "start": _TIME,
                    "end": _TIME,
                    "seconds": _COUNT,
                    "labels": _or_null(_LABELS),
                    "metrics": {"type": "object", "additionalProperties": _METRIC},
                }
            )
        ),
    }
)

_CHANGE: Final = _object(
    {
        "direction": {"type": "string", "enum": ["rise", "fall"]},
        "began": _TIME,
        "detected": _TIME,
        "error_before": _NUMBER,
        "error_after": _NUMBER,
        "rows_before": _COUNT,
        "rows_after": _COUNT,
        "confidence": _SHARE,
        "words": _TEXT,
    }
)

_CELL: Final = _object(
    {"feature": _TEXT, "cell": _TEXT, "before": _NUMBER, "after": _NUMBER, "rows": _COUNT}
)

CONCEPT: Final = _object(
    {
        "model": _TEXT,
        "version": _TEXT,
        "changed_since": _or_null(_TIME),
        "changes": _list(_CHANGE),
        "labels": _COUNT,
        "labels_since_change": _COUNT,
        "error_since_change": _or_null(_NUMBER),
        "verdict": _or_null(
            _object({"metric": _TEXT, "verdict": _TEXT, "explained": _or_null(_TEXT)})
        ),
        "window": _or_null(_object({"start": _TIME, "end": _TIME, "seconds": _COUNT})),
        "where": _list(_CELL),
        "label_bias": _or_null(_TEXT),
    }
)
