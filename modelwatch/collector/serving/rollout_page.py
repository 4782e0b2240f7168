"""The page of two versions of a model beside each other."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from modelwatch.collector.rollouts.wording import rollout_path
from modelwatch.collector.serving.rendering import Rendering
from modelwatch.collector.serving.rollout_reading import RolloutReading
from modelwatch.collector.serving.rollout_views import rollout_view

__all__ = ["RolloutPage"]

Text = Annotated[str | None, Query()]


class RolloutPage:
    """Handler of ``/models/{model}/rollout``. It blocks.

    Args:
        reading: compares versions.
        rendering: makes pages.
    """

    def __init__(self, reading: RolloutReading, rendering: Rendering) -> None:
        self._reading = reading
        self._rendering = rendering

    def router(self) -> APIRouter:
        """Return the route."""
        router = APIRouter()
        router.get("/models/{model:segment}/rollout", include_in_schema=False)(self.show)
        return router

    def show(
        self,
        request: Request,
        model: str,
        stable: Text = None,
        candidate: Text = None,
        since: Text = None,
        until: Text = None,
    ) -> Response:
        """Show two versions; those that the API chooses where they are not given."""
        read = self._reading.read(
            model, stable=stable, candidate=candidate, since=since, until=until
        )
        found = read.rollout
        swap = rollout_path(model, found.candidate.version, found.stable.version)
        return self._rendering.page("rollout.html", request, view=rollout_view(read, swap=swap))
