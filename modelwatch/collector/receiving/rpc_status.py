"""Errors as OTLP wants them: a ``google.rpc.Status`` in the encoding of the request."""

from __future__ import annotations

import json

from google.rpc.code_pb2 import (
    ABORTED,
    DEADLINE_EXCEEDED,
    INVALID_ARGUMENT,
    NOT_FOUND,
    PERMISSION_DENIED,
    RESOURCE_EXHAUSTED,
    UNAUTHENTICATED,
    UNAVAILABLE,
    UNIMPLEMENTED,
)
from google.rpc.status_pb2 import Status
from starlette.responses import Response

__all__ = ["JSON", "PROTOBUF", "error_response"]

JSON = "application/json"
PROTOBUF = "application/x-protobuf"

_CODES: dict[int, int] = {
    400: INVALID_ARGUMENT,
    401: UNAUTHENTICATED,
    403: PERMISSION_DENIED,
    404: NOT_FOUND,
    405: UNIMPLEMENTED,
    408: DEADLINE_EXCEEDED,
    413: RESOURCE_EXHAUSTED,
    415: UNIMPLEMENTED,
    421: INVALID_ARGUMENT,
    429: RESOURCE_EXHAUSTED,
    503: UNAVAILABLE,
}


def error_response(
    http_status: int, message: str, *, media_type: str, headers: dict[str, str] | None = None
) -> Response:
    """Return an error response whose body is a ``google.rpc.Status``.

    Args:
        http_status: the HTTP status code.
        message: what is wrong and what to do.
        media_type: the request's; what is not JSON is answered in protobuf.
        headers: further headers, such as Retry-After.
    """
    code = _CODES.get(http_status, ABORTED)
    if media_type == JSON:
        content = json.dumps({"code": code, "message": message}).encode()
        return Response(content, http_status, headers, JSON)
    content = Status(code=code, message=message).SerializeToString()
    return Response(content, http_status, headers, PROTOBUF)
