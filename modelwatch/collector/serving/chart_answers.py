"""Charts as answers: drawn once for each specification, and not sent to who has them."""

from __future__ import annotations

from typing import Final

from fastapi import Request, Response

from modelwatch.collector.latest import Latest
from modelwatch.collector.serving.entity_tags import names_tag
from modelwatch.collector.serving.rendering import tag_of
from modelwatch.report import charts

__all__ = ["chart_answer"]

_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-cache",
}


def chart_answer(request: Request, spec: str, drawings: Latest[str]) -> Response:
    """Return a chart; 304 where If-None-Match names it.

    Args:
        request: asks for it.
        spec: what is drawn.
        drawings: those that are kept, by tag.
    """
    etag = tag_of(spec)
    headers = {**_HEADERS, "ETag": etag}
    if names_tag(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=304, headers=headers)
    svg = drawings.get(etag, lambda: charts.standalone(charts.draw(spec)))
    return Response(svg, headers=headers, media_type="image/svg+xml")
