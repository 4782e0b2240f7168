"""Pages for people: those whose browser is refused, and those who sign in."""

from __future__ import annotations

from functools import cache
from typing import Final
from urllib.parse import quote

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, Template
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, Response
from starlette.types import Scope

__all__ = [
    "PAGE_HEADERS",
    "SIGN_IN_PATH",
    "is_for_people",
    "path_sent",
    "refusal_page",
    "template",
    "wanted",
]

SIGN_IN_PATH: Final = "/sign-in"

PAGE_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
}


def is_for_people(scope: Scope) -> bool:
    """Return whether a browser asks for a page, and no program for an answer of the API."""
    accepts = Headers(scope=scope).get("accept", "")
    return "text/html" in accepts and not path_sent(scope).startswith("/api/")


def refusal_page(scope: Scope, *, status: int, title: str, detail: str) -> Response:
    """Return a page that says why something is refused, and where to sign in.

    Args:
        scope: of the request.
        status: of HTTP.
        title: what is wrong, in short.
        detail: what is wrong, and the remedy.
    """
    following = wanted(scope) if scope["method"] in ("GET", "HEAD") else "/"
    text = template("refused.html").render(
        title=title,
        detail=f"{detail[:1].upper()}{detail[1:]}",
        sign_in=f"{SIGN_IN_PATH}?next={quote(following, safe='')}",
    )
    return HTMLResponse(text, status, PAGE_HEADERS)


def wanted(scope: Scope) -> str:
    """Return the path and the query that a request asks for, as they were sent."""
    query = scope["query_string"].decode("ascii", "replace")
    return path_sent(scope) + (f"?{query}" if query else "")


def path_sent(scope: Scope) -> str:
    """Return the path as it was sent, percent signs and all."""
    raw: bytes | None = scope.get("raw_path")
    return raw.decode("ascii", "replace") if raw else str(scope["path"])


@cache
def template(name: str) -> Template:
    """Return a template of this package, in the layout of the other pages."""
    folders = ("modelwatch.collector.security", "modelwatch.collector.serving")
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(folder) for folder in folders]),
        autoescape=True,
        undefined=StrictUndefined,
    )
    environment.globals["is_signed_in"] = lambda: False
    return environment.get_template(name)
