"""The OpenAPI document: who may ask what, and every error that is answered."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from modelwatch.collector.security.rules import Need, api_need
from modelwatch.collector.serving import schemas

__all__ = ["DescribedApi"]

_METHODS: Final = frozenset({"get", "put", "post", "patch", "delete"})

_ERRORS: Final = {
    400: "A parameter or the body cannot be read.",
    401: "No token, or a wrong one.",
    403: "The token has not the scope, or may not read this.",
    404: "The model, its version, or what else is asked for is unknown.",
    405: "The path does not take this method.",
    408: "The body came too slowly.",
    409: "There is no baseline, or what is there already does not allow it.",
    413: "The body is too large.",
    421: "The collector is not called by this name.",
    422: "The body cannot be taken.",
    429: "Too many wrong tokens came from this address.",
    503: "The store cannot be read or written now.",
}

_OF_ALL: Final = (421, 503)
_OF_CLOSED: Final = (401, 403, 429)
_OF_NAMED: Final = (404, 409)
_OF_BODIES: Final = (400, 408, 409, 413, 422)


class DescribedApi(FastAPI):
    """An application that describes itself whole, and no more than once."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        if self.openapi_schema is None:
            self.openapi_schema = _document(self)
        return self.openapi_schema


def _document(app: FastAPI) -> dict[str, Any]:
    found = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    components = found.setdefault("components", {})
    components["schemas"] = {"Problem": schemas.PROBLEM}
    components["responses"] = {str(status): _error(text) for status, text in _ERRORS.items()}
    components["securitySchemes"] = {
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "A token of `modelwatch token create`. Needed once there is one.",
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "modelwatch",
            "description": "What a browser has from /sign-in.",
        },
    }
    for path, operations in found["paths"].items():
        for method in _METHODS & operations.keys():
            _complete(operations[method], method, path, api_need(method.upper(), path))
    return found


def _complete(operation: dict[str, Any], method: str, path: str, need: Need) -> None:
    closed = not need.is_open
    operation["security"] = [{"token": []}, {"session": []}] if closed else []
    if closed:
        operation["x-scopes"] = list(need.scopes)
    statuses = [*_OF_ALL, *(_OF_CLOSED if closed else ())]
    statuses += _OF_NAMED if "{" in path else ()
    statuses += _OF_BODIES if "requestBody" in operation else ()
    statuses += (400,) if "parameters" in operation else ()
    responses = operation["responses"]
    responses.pop("422", None)  # what FastAPI would answer: here it is 400
    for status in sorted(set(statuses) - {int(known) for known in responses}):
        responses[str(status)] = {"$ref": f"#/components/responses/{status}"}
    if method == "get" and closed:
        responses["304"] = {"description": "If-None-Match names what would be answered."}


def _error(text: str) -> dict[str, Any]:
    return {
        "description": text,
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        },
    }
