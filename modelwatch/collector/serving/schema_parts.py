"""Of what OpenAPI's descriptions of answers are made."""

from __future__ import annotations

from typing import Any, Final

__all__ = [
    "COUNT",
    "NUMBER",
    "SHARE",
    "STRING",
    "TIME",
    "Schema",
    "by_name",
    "list_of",
    "object_of",
    "or_null",
]

Schema = dict[str, Any]

COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
NUMBER: Final[Schema] = {"type": "number"}
SHARE: Final[Schema] = {"type": "number", "minimum": 0, "maximum": 1}
STRING: Final[Schema] = {"type": "string"}
TIME: Final[Schema] = {"type": "string", "format": "date-time"}


def object_of(required: Schema, **optional: Schema) -> Schema:
    """Return an object of members that are always there, and others."""
    properties = {**required, **optional}
    return {"type": "object", "properties": properties, "required": sorted(required)}


def list_of(items: Schema) -> Schema:
    """Return a list."""
    return {"type": "array", "items": items}


def or_null(schema: Schema) -> Schema:
    """Return what may be null too."""
    return {"anyOf": [schema, {"type": "null"}]}


def by_name(schema: Schema) -> Schema:
    """Return an object whose members have any names."""
    return {"type": "object", "additionalProperties": schema}
