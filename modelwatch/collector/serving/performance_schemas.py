"""What answers on performance and on changed relations hold, as OpenAPI says it."""

from __future__ import annotations

from typing import Final

from modelwatch.collector.serving.schema_parts import (
    COUNT,
    NUMBER,
    SHARE,
    STRING,
    TIME,
    list_of,
    object_of,
    or_null,
)

__all__ = ["CONCEPT", "PERFORMANCE"]

_VALUE: Final = or_null(
    object_of({"value": NUMBER, "lower": or_null(NUMBER), "upper": or_null(NUMBER)})
)

_METRIC: Final = object_of(
    {
        "reference": _VALUE,
        "estimated": _VALUE,
        "realized": _VALUE,
        "rows": COUNT,
        "verdict": or_null(STRING),
        "explained": or_null(STRING),
    }
)

_LABELS: Final = object_of(
    {
        "predictions": COUNT,
        "labelled": COUNT,
        "coverage": or_null(SHARE),
        "still_coming": {"type": "boolean"},
        "delay_median_seconds": or_null(NUMBER),
        "delay_p90_seconds": or_null(NUMBER),
    }
)

PERFORMANCE: Final = object_of(
    {
        "model": STRING,
        "version": STRING,
        "window_seconds": COUNT,
        "segment": or_null(STRING),
        "segments": list_of(STRING),
        "windows": list_of(
            object_of(
                {
                    "start": TIME,
                    "end": TIME,
                    "seconds": COUNT,
                    "labels": or_null(_LABELS),
                    "metrics": {"type": "object", "additionalProperties": _METRIC},
                }
            )
        ),
    }
)

_CHANGE: Final = object_of(
    {
        "direction": {"type": "string", "enum": ["rise", "fall"]},
        "began": TIME,
        "detected": TIME,
        "error_before": NUMBER,
        "error_after": NUMBER,
        "rows_before": COUNT,
        "rows_after": COUNT,
        "confidence": SHARE,
        "words": STRING,
    }
)

_CELL: Final = object_of(
    {"feature": STRING, "cell": STRING, "before": NUMBER, "after": NUMBER, "rows": COUNT}
)

CONCEPT: Final = object_of(
    {
        "model": STRING,
        "version": STRING,
        "changed_since": or_null(TIME),
        "changes": list_of(_CHANGE),
        "labels": COUNT,
        "labels_since_change": COUNT,
        "error_since_change": or_null(NUMBER),
        "verdict": or_null(
            object_of({"metric": STRING, "verdict": STRING, "explained": or_null(STRING)})
        ),
        "window": or_null(object_of({"start": TIME, "end": TIME, "seconds": COUNT})),
        "where": list_of(_CELL),
        "label_bias": or_null(STRING),
    }
)
