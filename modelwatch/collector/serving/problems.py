"""Errors of the API, as RFC 9457 (application/problem+json) has them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from http import HTTPStatus

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

from modelwatch.errors import StoreError

__all__ = ["Problem", "allowed_methods", "no_baseline", "problem_of", "problem_response"]


class Problem(Exception):
    """Ends a request with an error that says what is wrong and what to do.

    Args:
        status: HTTP status code.
        kind: short name of the problem, the end of its ``type``.
        detail: what is wrong here, and the remedy.
        extra: further members of the answer, such as the known models.
    """

    def __init__(self, status: int, kind: str, detail: str, **extra: object) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.extra = extra

    @property
    def title(self) -> str:
        """The kind, in words."""
        return self.kind.replace("-", " ").capitalize()


def no_baseline(model: str, version: str) -> Problem:
    """Return the problem of a version that there is nothing to compare with."""
    return Problem(
        409,
        "no-baseline",
        f"model {model!r} version {version!r} has no baseline to compare with: push one with "
        "`modelwatch baseline push FILE`, PUT its JSON to this version's /baseline, or promote "
        "live traffic.",
        state="no_baseline",
    )


def problem_response(problem: Problem) -> Response:
    """Return the answer for a problem."""
    content = {
        "type": f"urn:modelwatch:problem:{problem.kind}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        **problem.extra,
    }
    return Response(json.dumps(content), problem.status, media_type="application/problem+json")


def problem_of(error: Exception) -> Problem:
    """Return the problem that an error is to the client; of one of ours it learns nothing."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, HTTPException):
        kind = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
        return Problem(error.status_code, kind, f"{error.detail}: see /openapi.json.")
    if isinstance(error, RequestValidationError):
        detail = "; ".join(f"{found['loc'][-1]}: {found['msg']}" for found in error.errors())
        return Problem(400, "invalid-parameter", f"{detail}.")
    if isinstance(error, StoreError):
        return Problem(503, "store-failed", str(error))
    return Problem(
        500, "internal-error", "the collector failed to answer this request: its log says why."
    )


def allowed_methods(routes: Iterable[BaseRoute], scope: Scope) -> str:
    """Return the value of Allow: the methods of all routes that have the path of the request."""
    methods: set[str] = set()
    for route in routes:
        if route.matches(scope)[0] is not Match.NONE:
            methods |= getattr(route, "methods", None) or set()
    return ", ".join(sorted(methods))
