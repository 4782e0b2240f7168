"""Requests that are not let in, in the form of errors that their server has."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

from modelwatch.collector.receiving.rpc_status import PROTOBUF, error_response
from modelwatch.collector.security.people import is_for_people, refusal_page
from modelwatch.collector.serving.problems import Problem, problem_response

__all__ = ["Refusal", "as_problem", "as_rpc_status"]


class Refusal(Exception):
    """Ends a request before it reaches the application.

    Args:
        status: HTTP status code.
        kind: short name of the problem.
        detail: what is wrong, and the remedy.
        headers: further headers of the answer.
    """

    def __init__(
        self, status: int, kind: str, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.headers = dict(headers or {})


def as_problem(scope: Scope, refusal: Refusal) -> Response:
    """Answer as the API does; a browser that asks for a page, by a page."""
    problem = Problem(refusal.status, refusal.kind, refusal.detail)
    if is_for_people(scope):
        response = refusal_page(
            scope, status=problem.status, title=problem.title, detail=problem.detail
        )
    else:
        response = problem_response(problem)
    response.headers.update({"Cache-Control": "no-store", **refusal.headers})
    return response


def as_rpc_status(scope: Scope, refusal: Refusal) -> Response:
    """Answer as OTLP has it."""
    media_type = Headers(scope=scope).get("content-type", PROTOBUF).partition(";")[0].strip()
    return error_response(
        refusal.status, refusal.detail, media_type=media_type.lower(), headers=refusal.headers
    )
