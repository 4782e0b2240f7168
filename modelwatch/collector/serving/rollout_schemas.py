"""What answers on compared versions and suggestions hold, as OpenAPI says it."""

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

__all__ = ["ROLLOUT", "SUGGESTIONS"]

_FIGURES: Final = object_of(
    {
        "name": STRING,
        "stable": or_null(NUMBER),
        "candidate": or_null(NUMBER),
        "gain": or_null(NUMBER),
        "gain_lower": or_null(NUMBER),
        "gain_upper": or_null(NUMBER),
        "margin": NUMBER,
        "p_value": SHARE,
        "confidence": SHARE,
        "standing": {"type": "string", "enum": ["better", "no_worse", "worse", "open"]},
        "stable_rows": COUNT,
        "candidate_rows": COUNT,
        "paired": {"type": "boolean"},
    }
)

_SIDE: Final = object_of(
    {
        "version": STRING,
        "calls": COUNT,
        "failed": COUNT,
        "predictions": COUNT,
        "labelled": COUNT,
        "baseline_id": or_null(STRING),
    }
)

_AGREEMENT: Final = object_of(
    {
        "pairs": COUNT,
        "compared": COUNT,
        "agreed": COUNT,
        "labelled": COUNT,
        "both_right": COUNT,
        "only_stable_right": COUNT,
        "only_candidate_right": COUNT,
        "none_right": COUNT,
        "values": list_of(
            object_of(
                {
                    "name": STRING,
                    "rows": COUNT,
                    "mean_difference": or_null(NUMBER),
                    "mean_absolute_difference": or_null(NUMBER),
                    "correlation": or_null(NUMBER),
                }
            )
        ),
    }
)

_DRIFT: Final = object_of(
    {
        "state": STRING,
        "stable_rows": COUNT,
        "rows_taken_as": {"type": "string", "enum": ["baseline", "independent"]},
        "features": list_of(
            object_of(
                {
                    "name": STRING,
                    "severity": STRING,
                    "psi": or_null(NUMBER),
                    "effect": or_null(NUMBER),
                    "diagnosis": or_null(STRING),
                }
            )
        ),
    }
)

ROLLOUT: Final = object_of(
    {
        "model": STRING,
        "stable": _SIDE,
        "candidate": _SIDE,
        "window": object_of({"start": TIME, "end": TIME, "seconds": COUNT}),
        "deciding_metric": STRING,
        "suggestion": {"type": "string", "enum": ["promote", "roll_back", "keep_watching"]},
        "words": STRING,
        "reasons": list_of(STRING),
        "evidence": list_of(_FIGURES),
        "agreement": or_null(_AGREEMENT),
        "drift": _DRIFT,
    }
)

SUGGESTIONS: Final = object_of(
    {
        "suggestions": list_of(
            object_of(
                {
                    "id": STRING,
                    "model": STRING,
                    "suggestion": {"type": "string", "enum": ["promote", "roll_back", "retrain"]},
                    "version": STRING,
                    "stable": or_null(STRING),
                    "words": STRING,
                    "reasons": list_of(STRING),
                    "evidence": list_of(_FIGURES),
                    "made": TIME,
                    "ended": or_null(TIME),
                    "ended_by": STRING,
                    "page": STRING,
                }
            )
        ),
        "next_cursor": {
            **or_null(COUNT),
            "description": "Give it as cursor for the next page; null where there is none.",
        },
    }
)
