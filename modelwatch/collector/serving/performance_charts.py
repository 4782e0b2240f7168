"""Draws the charts of performance over time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from modelwatch.collector.evaluating.performance_history import PerformanceHistory
from modelwatch.collector.latest import Latest
from modelwatch.collector.options import CollectorOptions
from modelwatch.collector.serving.chart_answers import chart_answer
from modelwatch.collector.serving.performance_views import points_of
from modelwatch.collector.serving.problems import Problem
from modelwatch.collector.serving.queries import read_window, require_version
from modelwatch.collector.storing.store import VersionSource
from modelwatch.collector.windows import NANOSECONDS
from modelwatch.report.performance_chart import performance_spec

__all__ = ["PerformanceCharts"]

CACHED_CHARTS = 64
"""Drawings kept, about 30 kB each."""

OWN_WINDOWS = 72
OTHER_WINDOWS = 30
"""Windows of a chart: of the collector's own length, and of others, each of which is evaluated."""

Text = Annotated[str | None, Query()]


class PerformanceCharts:
    """Handler of ``/charts/performance.svg``. It blocks.

    Args:
        versions: which model versions there are.
        history: how well they did.
        options: gives the default length of a window.
        clock: Unix nanoseconds.
    """

    def __init__(
        self,
        versions: VersionSource,
        history: PerformanceHistory,
        options: CollectorOptions,
        *,
        clock: Callable[[], int],
    ) -> None:
        self._versions = versions
        self._history = history
        self._options = options
        self._clock = clock
        self._drawings = Latest[str](capacity=CACHED_CHARTS)

    def router(self) -> APIRouter:
        """Return the route."""
        router = APIRouter()
        router.get("/charts/performance.svg")(self.performance)
        return router

    def performance(
        self,
        request: Request,
        model: str,
        version: str,
        metric: str,
        window: Text = None,
        end: Text = None,
    ) -> Response:
        """Draw one measure by window up to an end: baseline, estimated and realised."""
        require_version(self._versions, model, version)
        default = self._options.window_seconds
        asked = read_window(window, end, default_seconds=default, clock=self._clock)
        seconds = asked.window.seconds
        width_ns = seconds * NANOSECONDS
        until_ns = min(-(-asked.window.end_ns // width_ns) * width_ns, self._clock())
        found = self._history.windows(
            model,
            version,
            seconds=seconds,
            limit=OWN_WINDOWS if seconds == default else OTHER_WINDOWS,
            until_ns=until_ns,
        )
        spec = performance_spec(points_of(found, metric))
        if spec is None:
            detail = f"there is nothing to draw of {metric!r} of {model!r} {version!r}."
            raise Problem(404, "unknown-metric", detail)
        return chart_answer(request, spec, self._drawings)
