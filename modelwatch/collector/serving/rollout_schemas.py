"""What answers on compared versions and suggestions hold, as OpenAPI says it."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["ROLLOUT", "SUGGESTIONS"]

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


_FIGURES: Final = _object(
    {
        "name": _TEXT,
        "stable": _or_null(_NUMBER),
        "candidate": _or_null(_NUMBER),
        "gain": _or_null(_NUMBER),
        "gain_lower": _or_null(_NUMBER),
        "gain_upper": _or_null(_NUMBER),
        "margin": _NUMBER,
        "p_value": _SHARE,
        "confidence": _SHARE,
        "standing": {"type": "string", "enum": ["better", "no_worse", "worse", "open"]},
        "stable_rows": _COUNT,
        "candidate_rows": _COUNT,
        "paired": {"type": "boolean"},
    }
)

_SIDE: Final = _object(
    {
        "version": _TEXT,
        "calls": _COUNT,
        "failed": _COUNT,
        "predictions": _COUNT,
        "labelled": _COUNT,
        "baseline_id": _or_null(_TEXT),
    }
)

_AGREEMENT: Final = _object(
    {
        "pairs": _COUNT,
        "compared": _COUNT,
        "agreed": _COUNT,
        "labelled": _COUNT,
        "both_right": _COUNT,
        "only_stable_right": _COUNT,
        "only_candidate_right": _COUNT,
        "none_right": _COUNT,
        "values": _list(
            _object(
                {
                    "name": _TEXT,
                    "rows": _COUNT,
                    "mean_difference": _or_null(_NUMBER),
                    "mean_absolute_difference": _or_null(_NUMBER),
                    "correlation": _or_null(_NUMBER),
                }
            )
        ),
    }
)

_DRIFT: Final = _object(
    {
        "state": _TEXT,
        "stable_rows": _COUNT,
        "rows_taken_as": {"type": "string", "enum": ["baseline", "independent"]},
        "features": _list(
            _object(
                {
                    "name": _TEXT,
                    "severity": _TEXT,
                    "psi": _or_null(_NUMBER),
                    "effect": _or_null(_NUMBER),
                    "diagnosis": _or_null(_TEXT),
                }
            )
        ),
    }
)

ROLLOUT: Final = _object(
    {
        "model": _TEXT,
        "stable": _SIDE,
        "candidate": _SIDE,
        "window": _object({"start": _TIME, "end": _TIME, "seconds": _COUNT}),
        "deciding_metric": _TEXT,
        "suggestion": {"type": "string", "enum": ["promote", "roll_back", "keep_watching"]},
        "words": _TEXT,
        "reasons": _list(_TEXT),
        "evidence": _list(_FIGURES),
        "agreement": _or_null(_AGREEMENT),
        "drift": _DRIFT,
    }
)

SUGGESTIONS: Final = _object(
    {
        "suggestions": _list(
            _object(
                {
                    "id": _TEXT,
                    "model": _TEXT,
                    "suggestion": {"type": "string", "enum": ["promote", "roll_back", "retrain"]},
                    "version": _TEXT,
                    "stable": _or_null(_TEXT),
                    "words": _TEXT,
                    "reasons": _list(_TEXT),
                    "evidence": _list(_FIGURES),
                    "made": _TIME,
                    "ended": _or_null(_TIME),
                    "ended_by": _TEXT,
                    "page": _TEXT,
                }
            )
        ),
        "next_cursor": {
            **_or_null(_COUNT),
            "description": "Give it as cursor for the next page; null where there is none.",
        },
    }
)
