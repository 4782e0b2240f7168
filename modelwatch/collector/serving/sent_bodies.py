"""Bodies of requests, read by hand so that they are bounded."""

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

__all__ = ["read_json", "sent_body", "takes_json"]

MOST_BODY_BYTES = 65_536
TIMEOUT_SECONDS = 30.0

Body = TypeVar("Body", bound=BaseModel)


async def read_json(request: Request, kind: type[Body]) -> Body:
    """Return the body of a request, checked.

    Raises:
        Problem: it is too large, too slow, not sent to its end, or not of that kind.
    """
    sent = await sent_body(
        request,
        name="body",
        limit=MOST_BODY_BYTES,
        timeout_seconds=TIMEOUT_SECONDS,
        cut=Problem(400, "invalid-body", "the body was not sent to its end."),
    )
    try:
        return kind.model_validate_json(sent)
    except ValidationError as error:
        raise Problem(422, "invalid-body", told_errors(error, kind)) from error


async def sent_body(
    request: Request, *, name: str, limit: int, timeout_seconds: float, cut: Problem
) -> bytes:
    """Return the bytes of a request's body.

    Args:
        request: the request.
        name: what the body is, for the kinds of problems, as in ``baseline-too-large``.
        limit: most bytes.
        timeout_seconds: how long it may take to arrive.
        cut: what is raised where the client went away before its end.

    Raises:
        Problem: it is too large, too slow or cut.
    """
    try:
        return await read_body(request, limit=limit, timeout_seconds=timeout_seconds)
    except BodyTooLarge as error:
        raise Problem(413, f"{name}-too-large", str(error)) from error
    except TimeoutError as error:
        raise Problem(408, f"{name}-too-slow", str(error)) from error
    except ClientDisconnect as error:
        raise cut from error


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
