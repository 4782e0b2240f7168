"""The part of the API by which capture is steered: one document a model version."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response

from modelwatch.collector.serving import schemas
from modelwatch.collector.serving.entity_tags import names_tag
from modelwatch.collector.serving.problems import Problem
from modelwatch.collector.serving.queries import require_version
from modelwatch.collector.serving.sent_bodies import sent_body
from modelwatch.collector.storing.store import Store
from modelwatch.errors import FormatError
from modelwatch.telemetry.steering import MOST_STEERING_BYTES, Steering

__all__ = ["SteeringApi"]

TIMEOUT_SECONDS = 30.0


class SteeringApi:
    """Handlers of ``.../capture``.

    Args:
        store: keeps the documents.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def router(self, path: str) -> APIRouter:
        """Return the routes.

        Args:
            path: of a model version.
        """
        router = APIRouter()
        address = f"{path}/capture"
        described: dict[int | str, dict[str, Any]] = {200: schemas.content(schemas.CAPTURE)}
        taken = schemas.body(schemas.CAPTURE)
        router.get(address, summary="How capture is steered", responses=described)(self.show)
        router.put(address, summary="Steer capture", responses=described, openapi_extra=taken)(
            self.put
        )
        router.delete(address, summary="Steer capture no more", status_code=204)(self.clear)
        return router

    def show(self, model: str, version: str, request: Request) -> Response:
        """Return how capture is steered; 304 where If-None-Match names it.

        Where nothing was set, all is null: as the service's code says.
        """
        require_version(self._store, model, version)
        steering = self._store.steering(model, version) or Steering()
        headers = {"ETag": steering.etag, "Cache-Control": "private, no-cache"}
        if names_tag(request.headers.get("if-none-match", ""), steering.etag):
            return Response(status_code=304, headers=headers)
        return Response(steering.to_json(), headers=headers, media_type="application/json")

    async def put(self, model: str, version: str, request: Request) -> Response:
        """Steer the watches of a model version, which ask at each of their intervals.

        The body is an object of ``enabled``, ``sample_rate`` (in [0, 1]), ``max_rows_per_second``
        and ``outlier_limits`` (an object of ``lower`` and ``upper`` by feature). What is absent or
        null is as the service's code says. It replaces what was set before.
        """
        await asyncio.to_thread(require_version, self._store, model, version)
        steering = await _read_steering(request)
        await self._store.put_steering(model, version, steering)
        headers = {"ETag": steering.etag}
        return Response(steering.to_json(), headers=headers, media_type="application/json")

    async def clear(self, model: str, version: str) -> Response:
        """Let all be as the service's code says."""
        await asyncio.to_thread(require_version, self._store, model, version)
        await self._store.put_steering(model, version, None)
        return Response(status_code=204)


async def _read_steering(request: Request) -> Steering:
    body = await sent_body(
        request,
        name="steering",
        limit=MOST_STEERING_BYTES,
        timeout_seconds=TIMEOUT_SECONDS,
        cut=Problem(400, "invalid-steering", "the document was not sent to its end."),
    )
    try:
        return Steering.from_json(body)
    except FormatError as error:
        raise Problem(422, "invalid-steering", str(error)) from error
