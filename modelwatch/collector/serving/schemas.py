"""What answers and bodies of the API hold, as OpenAPI says it."""

from __future__ import annotations

from typing import Any, Final

__all__ = [
    "ALERT",
    "ALERTING",
    "ALERTS",
    "ALERT_STORY",
    "AUDIT",
    "BASELINE",
    "BASELINES",
    "CAPTURE",
    "CAPTURED",
    "DRIFT",
    "INSTANCES",
    "MODELS",
    "PROBLEM",
    "PROMOTED",
    "PUSHED",
    "PUT_BACK",
    "RECEIVED",
    "SILENCE",
    "SILENCES",
    "TEXT",
    "WINDOWS",
    "body",
    "content",
]

Schema = dict[str, Any]

_TIME: Final[Schema] = {"type": "string", "format": "date-time"}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_TEXT: Final[Schema] = {"type": "string"}


def _object(required: Schema, **optional: Schema) -> Schema:
    properties = {**required, **optional}
    return {"type": "object", "properties": properties, "required": sorted(required)}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _by_name(schema: Schema) -> Schema:
    return {"type": "object", "additionalProperties": schema}


_CURSOR: Final = {
    **_or_null(_TEXT),
    "description": "Give it as cursor for the next page; null where there is none.",
}
_WINDOW: Final = _object({"start": _TIME, "end": _TIME, "seconds": _COUNT})
_STATES: Final = [
    "drift",
    "warning",
    "no_drift",
    "insufficient_data",
    "no_data",
    "incomparable",
    "no_reference",
]
_STATE: Final[Schema] = {"type": "string", "enum": _STATES}
_PERSISTENT: Final = _by_name(_object({"severity": _TEXT, "found": _COUNT, "judged": _COUNT}))

_REFERENCE: Final = _object(
    {"kind": {"type": "string", "enum": ["baseline", "previous", "last_week", "version"]}},
    version=_TEXT,
    window=_WINDOW,
    rows=_COUNT,
    rows_taken_as={"type": "string", "enum": ["dependent", "independent"]},
)

PROBLEM: Final = _object({"type": _TEXT, "title": _TEXT, "status": _COUNT, "detail": _TEXT})

MODELS: Final = _object(
    {
        "models": _list(
            _object(
                {
                    "name": _TEXT,
                    "versions": _list(
                        _object(
                            {
                                "version": _TEXT,
                                "rows": _COUNT,
                                "first_seen": _or_null(_TIME),
                                "last_seen": _or_null(_TIME),
                                "baseline_id": _or_null(_TEXT),
                            }
                        )
                    ),
                }
            )
        ),
        "next_cursor": _CURSOR,
    }
)

RECEIVED: Final = _object(
    {
        "requests": _COUNT,
        "points": _COUNT,
        "duplicates": _COUNT,
        "rejected": _COUNT,
        "foreign": _COUNT,
        "traces": _COUNT,
        "refused": _COUNT,
        "begun": _COUNT,
        "examples": _COUNT,
        "examples_left_out": _COUNT,
        "refused_by_limit": _by_name(_COUNT),
        "predictions": _by_name(_COUNT),
        "labels": _by_name(_COUNT),
    },
    names_heard=_by_name(_COUNT),
    clocks={"type": "object"},
)

_SHARE: Final[Schema] = {"type": "number", "minimum": 0, "maximum": 1}
_FINDING_ORIGIN: Final[Schema] = {
    "type": "string",
    "enum": ["skew", "drift"],
    "description": "skew: there from the first judged window after a deployment on; drift: later.",
}

DRIFT: Final = _object(
    {
        "state": _STATE,
        "window": _WINDOW,
        "reference": _REFERENCE,
        "instances": _COUNT,
        "other_bins": _list(_TEXT),
        "rebinned": _by_name({"type": "number", "minimum": 0}),
        "rows_apart": _COUNT,
        "profiles_left_out": _COUNT,
        "persistent": _PERSISTENT,
    },
    rows=_COUNT,
    drifted={"type": "boolean"},
    features=_by_name(
        {
            "type": "object",
            "properties": {
                "trace_ids": _list(_TEXT),
                "origin": _or_null(_FINDING_ORIGIN),
                "since_ns": _or_null(_COUNT),
            },
        }
    ),
    schema=_list(_object({"name": _TEXT, "kind": _TEXT, "share": _SHARE, "text": _TEXT})),
    fingerprint=_list(_object({"part": _TEXT, "expected": _TEXT, "actual": _TEXT})),
    error_trace_ids=_by_name(_list(_TEXT)),
)

CAPTURED: Final = _object(
    {
        "window": _WINDOW,
        "instances": _COUNT,
        "calls": _COUNT,
        "error_types": _by_name(_COUNT),
        "rows": _COUNT,
        "dropped": _by_name(_COUNT),
    }
)

WINDOWS: Final = _object(
    {
        "model": _TEXT,
        "version": _TEXT,
        "window_seconds": _COUNT,
        "windows": _list(
            _object(
                {
                    "start": _TIME,
                    "end": _TIME,
                    "seconds": _COUNT,
                    "baseline_id": _TEXT,
                    "evaluated": _TIME,
                    "rows": _COUNT,
                    "state": _STATE,
                    "drifted": {"type": "boolean"},
                    "features": _by_name({"type": "object"}),
                    "persistent": _PERSISTENT,
                }
            )
        ),
        "next_cursor": _CURSOR,
    }
)

BASELINE: Final = _object({"format": {"type": "string", "const": "modelwatch.baseline"}})

PUSHED: Final = _object({"id": _TEXT, "model": _TEXT, "version": _TEXT, "rows": _COUNT})

_ORIGIN: Final = _or_null(_object({"start": _TIME, "end": _TIME, "baseline_id": _or_null(_TEXT)}))

BASELINES: Final = _object(
    {
        "baselines": _list(
            _object(
                {
                    "id": _TEXT,
                    "current": {"type": "boolean"},
                    "in_force_since": _TIME,
                    "rows": _COUNT,
                    "features": _COUNT,
                    "promoted_from": _ORIGIN,
                }
            )
        ),
        "next_cursor": {**_CURSOR, **_or_null(_COUNT)},
    }
)

PROMOTED: Final = _object(
    {
        "id": _TEXT,
        "model": _TEXT,
        "version": _TEXT,
        "rows": _COUNT,
        "promoted_from": _ORIGIN,
        "design_effects_measured": _list(_TEXT),
        "carried_over": _list(_TEXT),
    }
)

PUT_BACK: Final = _object({"id": _TEXT, "model": _TEXT, "version": _TEXT})

_STRAYING: Final = _object(
    {
        "name": _TEXT,
        "severity": _TEXT,
        "psi": _or_null({"type": "number"}),
        "effect": _or_null({"type": "number"}),
        "diagnosis": _or_null(_TEXT),
    }
)

INSTANCES: Final = _object(
    {
        "model": _TEXT,
        "version": _TEXT,
        "window": _WINDOW,
        "instances_in_all": _COUNT,
        "rows_taken_as": {"type": "string", "enum": ["dependent", "independent"]},
        "instances": _list(
            _object(
                {
                    "instance": _TEXT,
                    "rows": _COUNT,
                    "calls": _COUNT,
                    "errors": _COUNT,
                    "state": _STATE,
                    "p_value": _or_null({"type": "number", "minimum": 0, "maximum": 1}),
                    "strays_most": _or_null(_STRAYING),
                    "features": _list(_STRAYING),
                }
            )
        ),
    }
)

_LIMIT: Final = _or_null({"type": "number"})

CAPTURE: Final = _object(
    {},
    enabled=_or_null({"type": "boolean"}),
    sample_rate=_or_null({"type": "number", "minimum": 0, "maximum": 1}),
    max_rows_per_second=_or_null({"type": "number", "minimum": 0}),
    outlier_limits=_or_null(_by_name(_object({}, lower=_LIMIT, upper=_LIMIT))),
)

AUDIT: Final = _object(
    {
        "entries": _list(
            _object(
                {
                    "at": _TIME,
                    "who": _TEXT,
                    "act": _TEXT,
                    "target": _TEXT,
                    "address": _TEXT,
                    "outcome": _TEXT,
                }
            )
        ),
        "next_cursor": _CURSOR,
    }
)

_ALERT: Final[Schema] = {
    "id": _TEXT,
    "model": _TEXT,
    "version": _TEXT,
    "rule": _TEXT,
    "on": _TEXT,
    "state": {"type": "string", "enum": ["pending", "firing", "resolved"]},
    "severity": {"type": "string", "enum": ["warning", "critical"]},
    "summary": _TEXT,
    "since": _TIME,
    "opened": _TIME,
    "fired": _or_null(_TIME),
    "last_seen": _TIME,
    "ended": _or_null(_TIME),
    "ended_by": _TEXT,
    "features": _list({"type": "object"}),
    "concerned": _COUNT,
    "causes": _list(_TEXT),
    "acknowledged": _or_null(_object({"by": _TEXT, "at": _TIME, "comment": _TEXT})),
    "silenced_by": _or_null(_TEXT),
    "page": _TEXT,
}

ALERT: Final = _object(_ALERT)

ALERT_STORY: Final = _object(
    {**_ALERT, "history": _list(_object({"kind": _TEXT, "at": _TIME, "detail": _TEXT}))}
)

ALERTS: Final = _object(
    {
        "alerts": _list(ALERT),
        "next_cursor": {**_CURSOR, **_or_null(_COUNT)},
    }
)

SILENCE: Final = _object(
    {
        "id": _TEXT,
        "matchers": _by_name(_TEXT),
        "created": _TIME,
        "until": _TIME,
        "in_force": {"type": "boolean"},
        "by": _TEXT,
        "comment": _TEXT,
    }
)

SILENCES: Final = _object({"silences": _list(SILENCE)})

ALERTING: Final = _object(
    {
        "configuration": _object(
            {"path": _or_null(_TEXT), "read": _TIME, "error": _or_null(_TEXT)}
        ),
        "rules": _list({"type": "object"}),
        "maintenance": _list({"type": "object"}),
        "targets": _list(
            _object(
                {
                    "name": _TEXT,
                    "kind": _TEXT,
                    "place": _TEXT,
                    "waiting": _COUNT,
                    "sent": _COUNT,
                    "failures": _COUNT,
                    "given_up": _COUNT,
                    "last_sent": _or_null(_TIME),
                    "last_failed": _or_null(_TIME),
                    "last_error": _TEXT,
                }
            )
        ),
    }
)

TEXT: Final = {"description": "Successful response", "content": {"text/plain": {"schema": _TEXT}}}


def content(schema: Schema) -> dict[str, Any]:
    """Return an answer in JSON of this schema."""
    return {
        "description": "Successful response",
        "content": {"application/json": {"schema": schema}},
    }


def body(schema: Schema) -> dict[str, Any]:
    """Return what a route takes: a body in JSON of this schema."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
