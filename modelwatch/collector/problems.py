"""Errors of the API, as RFC 9457 (application/problem+json) has them."""

from __future__ import annotations

import json

from starlette.responses import Response

__all__ = ["Problem", "problem_response"]


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
