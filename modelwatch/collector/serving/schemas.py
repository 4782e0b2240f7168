"""What answers and bodies of the API hold, as OpenAPI says it."""

from __future__ import annotations

from typing import Any, Final

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

_CURSOR: Final = {
    **or_null(STRING),
    "description": "Give it as cursor for the next page; null where there is none.",
}
_WINDOW: Final = object_of({"start": TIME, "end": TIME, "seconds": COUNT})
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
_PERSISTENT: Final = by_name(object_of({"severity": STRING, "found": COUNT, "judged": COUNT}))

_REFERENCE: Final = object_of(
    {"kind": {"type": "string", "enum": ["baseline", "previous", "last_week", "version"]}},
    version=STRING,
    window=_WINDOW,
    rows=COUNT,
    rows_taken_as={"type": "string", "enum": ["dependent", "independent"]},
)

PROBLEM: Final = object_of({"type": STRING, "title": STRING, "status": COUNT, "detail": STRING})

MODELS: Final = object_of(
    {
        "models": list_of(
            object_of(
                {
                    "name": STRING,
                    "versions": list_of(
                        object_of(
                            {
                                "version": STRING,
                                "rows": COUNT,
                                "first_seen": or_null(TIME),
                                "last_seen": or_null(TIME),
                                "baseline_id": or_null(STRING),
                            }
                        )
                    ),
                }
            )
        ),
        "next_cursor": _CURSOR,
    }
)

RECEIVED: Final = object_of(
    {
        "requests": COUNT,
        "points": COUNT,
        "duplicates": COUNT,
        "rejected": COUNT,
        "foreign": COUNT,
        "traces": COUNT,
        "refused": COUNT,
        "begun": COUNT,
        "examples": COUNT,
        "examples_left_out": COUNT,
        "refused_by_limit": by_name(COUNT),
        "predictions": by_name(COUNT),
        "labels": by_name(COUNT),
    },
    names_heard=by_name(COUNT),
    clocks={"type": "object"},
)

_FINDING_ORIGIN: Final[Schema] = {
    "type": "string",
    "enum": ["skew", "drift"],
    "description": "skew: there from the first judged window after a deployment on; drift: later.",
}

DRIFT: Final = object_of(
    {
        "state": _STATE,
        "window": _WINDOW,
        "reference": _REFERENCE,
        "instances": COUNT,
        "other_bins": list_of(STRING),
        "rebinned": by_name({"type": "number", "minimum": 0}),
        "rows_apart": COUNT,
        "profiles_left_out": COUNT,
        "persistent": _PERSISTENT,
    },
    rows=COUNT,
    drifted={"type": "boolean"},
    features=by_name(
        {
            "type": "object",
            "properties": {
                "trace_ids": list_of(STRING),
                "origin": or_null(_FINDING_ORIGIN),
                "since_ns": or_null(COUNT),
            },
        }
    ),
    schema=list_of(object_of({"name": STRING, "kind": STRING, "share": SHARE, "text": STRING})),
    fingerprint=list_of(object_of({"part": STRING, "expected": STRING, "actual": STRING})),
    error_trace_ids=by_name(list_of(STRING)),
)

CAPTURED: Final = object_of(
    {
        "window": _WINDOW,
        "instances": COUNT,
        "calls": COUNT,
        "error_types": by_name(COUNT),
        "rows": COUNT,
        "dropped": by_name(COUNT),
    }
)

WINDOWS: Final = object_of(
    {
        "model": STRING,
        "version": STRING,
        "window_seconds": COUNT,
        "windows": list_of(
            object_of(
                {
                    "start": TIME,
                    "end": TIME,
                    "seconds": COUNT,
                    "baseline_id": STRING,
                    "evaluated": TIME,
                    "rows": COUNT,
                    "state": _STATE,
                    "drifted": {"type": "boolean"},
                    "features": by_name({"type": "object"}),
                    "persistent": _PERSISTENT,
                }
            )
        ),
        "next_cursor": _CURSOR,
    }
)

BASELINE: Final = object_of({"format": {"type": "string", "const": "modelwatch.baseline"}})

PUSHED: Final = object_of({"id": STRING, "model": STRING, "version": STRING, "rows": COUNT})

_ORIGIN: Final = or_null(object_of({"start": TIME, "end": TIME, "baseline_id": or_null(STRING)}))

BASELINES: Final = object_of(
    {
        "baselines": list_of(
            object_of(
                {
                    "id": STRING,
                    "current": {"type": "boolean"},
                    "in_force_since": TIME,
                    "rows": COUNT,
                    "features": COUNT,
                    "promoted_from": _ORIGIN,
                }
            )
        ),
        "next_cursor": {**_CURSOR, **or_null(COUNT)},
    }
)

PROMOTED: Final = object_of(
    {
        "id": STRING,
        "model": STRING,
        "version": STRING,
        "rows": COUNT,
        "promoted_from": _ORIGIN,
        "design_effects_measured": list_of(STRING),
        "carried_over": list_of(STRING),
    }
)

PUT_BACK: Final = object_of({"id": STRING, "model": STRING, "version": STRING})

_STRAYING: Final = object_of(
    {
        "name": STRING,
        "severity": STRING,
        "psi": or_null({"type": "number"}),
        "effect": or_null({"type": "number"}),
        "diagnosis": or_null(STRING),
    }
)

INSTANCES: Final = object_of(
    {
        "model": STRING,
        "version": STRING,
        "window": _WINDOW,
        "instances_in_all": COUNT,
        "rows_taken_as": {"type": "string", "enum": ["dependent", "independent"]},
        "instances": list_of(
            object_of(
                {
                    "instance": STRING,
                    "rows": COUNT,
                    "calls": COUNT,
                    "errors": COUNT,
                    "state": _STATE,
                    "p_value": or_null({"type": "number", "minimum": 0, "maximum": 1}),
                    "strays_most": or_null(_STRAYING),
                    "features": list_of(_STRAYING),
                }
            )
        ),
    }
)

_LIMIT: Final = or_null({"type": "number"})

CAPTURE: Final = object_of(
    {},
    enabled=or_null({"type": "boolean"}),
    sample_rate=or_null({"type": "number", "minimum": 0, "maximum": 1}),
    max_rows_per_second=or_null({"type": "number", "minimum": 0}),
    outlier_limits=or_null(by_name(object_of({}, lower=_LIMIT, upper=_LIMIT))),
)

AUDIT: Final = object_of(
    {
        "entries": list_of(
            object_of(
                {
                    "at": TIME,
                    "who": STRING,
                    "act": STRING,
                    "target": STRING,
                    "address": STRING,
                    "outcome": STRING,
                }
            )
        ),
        "next_cursor": _CURSOR,
    }
)

_ALERT: Final[Schema] = {
    "id": STRING,
    "model": STRING,
    "version": STRING,
    "rule": STRING,
    "on": STRING,
    "state": {"type": "string", "enum": ["pending", "firing", "resolved"]},
    "severity": {"type": "string", "enum": ["warning", "critical"]},
    "summary": STRING,
    "since": TIME,
    "opened": TIME,
    "fired": or_null(TIME),
    "last_seen": TIME,
    "ended": or_null(TIME),
    "ended_by": STRING,
    "features": list_of({"type": "object"}),
    "concerned": COUNT,
    "causes": list_of(STRING),
    "acknowledged": or_null(object_of({"by": STRING, "at": TIME, "comment": STRING})),
    "silenced_by": or_null(STRING),
    "page": STRING,
}

ALERT: Final = object_of(_ALERT)

ALERT_STORY: Final = object_of(
    {**_ALERT, "history": list_of(object_of({"kind": STRING, "at": TIME, "detail": STRING}))}
)

ALERTS: Final = object_of(
    {
        "alerts": list_of(ALERT),
        "next_cursor": {**_CURSOR, **or_null(COUNT)},
    }
)

SILENCE: Final = object_of(
    {
        "id": STRING,
        "matchers": by_name(STRING),
        "created": TIME,
        "until": TIME,
        "in_force": {"type": "boolean"},
        "by": STRING,
        "comment": STRING,
    }
)

SILENCES: Final = object_of({"silences": list_of(SILENCE)})

ALERTING: Final = object_of(
    {
        "configuration": object_of(
            {"path": or_null(STRING), "read": TIME, "error": or_null(STRING)}
        ),
        "rules": list_of({"type": "object"}),
        "maintenance": list_of({"type": "object"}),
        "targets": list_of(
            object_of(
                {
                    "name": STRING,
                    "kind": STRING,
                    "place": STRING,
                    "waiting": COUNT,
                    "sent": COUNT,
                    "failures": COUNT,
                    "given_up": COUNT,
                    "last_sent": or_null(TIME),
                    "last_failed": or_null(TIME),
                    "last_error": STRING,
                }
            )
        ),
    }
)

TEXT: Final = {"description": "Successful response", "content": {"text/plain": {"schema": STRING}}}


def content(schema: Schema) -> dict[str, Any]:
    """Return an answer in JSON of this schema."""
    return {
        "description": "Successful response",
        "content": {"application/json": {"schema": schema}},
    }


def body(schema: Schema) -> dict[str, Any]:
    """Return what a route takes: a body in JSON of this schema."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
