"""The part of the API that tells who changed what."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import JSONResponse

from modelwatch.collector.security.audit_log import AuditLog, StoredEntry
from modelwatch.collector.serving import schemas
from modelwatch.collector.serving.answers import iso
from modelwatch.collector.serving.cursors import CursorParameter, decode_cursor, encode_cursor

__all__ = ["AuditApi"]

MOST_ENTRIES: Final = 1_000


class AuditApi:
    """Handlers of ``/api/v1/audit``.

    Args:
        log: the acts.
    """

    def __init__(self, log: AuditLog) -> None:
        self._log = log

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter()
        router.get(
            "/api/v1/audit",
            summary="Who changed what",
            response_class=JSONResponse,
            responses={200: schemas.content(schemas.AUDIT)},
        )(self.show)
        return router

    def show(
        self,
        limit: Annotated[int, Query(ge=1, le=MOST_ENTRIES)] = 100,
        cursor: CursorParameter = None,
    ) -> JSONResponse:
        """Return acts of admins, newest first, what came to nothing too."""
        before = decode_cursor(cursor, int)[0] if cursor else None
        found = self._log.entries(limit=limit + 1, before=before)
        page = found[:limit]
        more = encode_cursor(page[-1].number) if len(found) > limit else None
        content = {"entries": [_entry(act) for act in page], "next_cursor": more}
        return JSONResponse(content, headers={"Cache-Control": "no-store"})


def _entry(act: StoredEntry) -> dict[str, Any]:
    entry = act.entry
    return {
        "at": iso(entry.at_ns),
        "who": entry.who,
        "act": entry.act,
        "target": entry.target,
        "address": entry.address,
        "outcome": entry.outcome,
    }
