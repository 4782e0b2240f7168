"""Renders the templates of the pages, and answers with their headers."""

from __future__ import annotations

import hashlib
from typing import Final

from fastapi import Request, Response
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from modelwatch.collector.security.principals import current_principal
from modelwatch.collector.serving.encoded_paths import path_of
from modelwatch.collector.serving.entity_tags import names_tag
from modelwatch.collector.serving.problems import Problem

__all__ = ["Rendering", "tag_of"]

PAGE_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self'; style-src 'self'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
}


class Rendering:
    """Makes pages of templates. All that is put in is user data, and is escaped. Thread-safe."""

    def __init__(self) -> None:
        self._templates = Environment(
            loader=ChoiceLoader(
                [PackageLoader("modelwatch.collector.serving"), PackageLoader("modelwatch.report")]
            ),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals["path_of"] = path_of
        self._templates.globals["is_signed_in"] = lambda: current_principal().way == "session"

    def page(self, template: str, request: Request, **values: object) -> Response:
        """Return a page; 304 where If-None-Match names it."""
        text = self._templates.get_template(template).render(**values)
        headers = {**PAGE_HEADERS, "ETag": tag_of(text)}
        if names_tag(request.headers.get("if-none-match", ""), headers["ETag"]):
            return Response(status_code=304, headers=headers)
        return HTMLResponse(text, headers=headers)

    def problem(self, problem: Problem) -> Response:
        """Return a page that says what is wrong."""
        text = self._templates.get_template("problem.html").render(problem=problem)
        return HTMLResponse(text, problem.status, PAGE_HEADERS)


def tag_of(text: str) -> str:
    """Return the entity tag of a text."""
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    return f'"{digest[:24]}"'
