"""Bodies of requests that are small JSON documents, read by hand so that they are bounded."""

from __future__ import annotations

from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect

from modelwatch.collector.alerting.configuration import told_errors
from modelwatch.collector.receiving.bodies import read_body
from modelwatch.collector.serving.problems import Problem
from modelwatch.collector.serving.schemas import body
from modelwatch.errors import BodyTooLarge

__all__ = ["read_json", "takes_json"]

MOST_BODY_BYTES = 65_536
TIMEOUT_SECONDS = 30.0

Body = TypeVar("Body", bound=BaseModel)


async def read_json(request: Request, kind: type[Body]) -> Body:
    """Return the body of a request, checked.

    Raises:
        Problem: it is too large, too slow, not sent to its end, or not of that kind.
    """
    try:
        sent = await read_body(request, limit=MOST_BODY_BYTES, timeout_seconds=TIMEOUT_SECONDS)
        return kind.model_validate_json(sent)
    except BodyTooLarge as error:
        raise Problem(413, "body-too-large", str(error)) from error
    except TimeoutError as error:
        raise Problem(408, "body-too-slow", str(error)) from error
    except ClientDisconnect as error:
        raise Problem(400, "invalid-body", "the body was not sent to its end.") from error
    except ValidationError as error:
        raise Problem(422, "invalid-body", told_errors(error, kind)) from error


def takes_json(kind: type[BaseModel]) -> dict[str, Any]:
    """Return what the API's description says of a body that is read by hand."""
    schema = kind.model_json_schema()
    return body(_whole(schema, schema.pop("$defs", {})))


def _whole(part: Any, parts: dict[str, Any]) -> Any:
    """Return a schema with its parts in place: in the API's description they are not found."""
    if isinstance(part, list):
        return [_whole(one, parts) for one in part]
    if not isinstance(part, dict):
        return part
    found = parts.get(str(part.get("$ref", "")).removeprefix("#/$defs/"))
    if found is not None:
        return _whole(found, parts)
    return {name: _whole(one, parts) for name, one in part.items()}
