"""The collector's web pages: models, one model version, charts. All rendered here, no script.

Everything shown is user data and is escaped by the templates; a strict Content-Security-Policy
allows nothing but our own style sheet and pictures.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from modelwatch.collector.alerting.alerting import Alerting
from modelwatch.collector.evaluating.evaluation import Assessment
from modelwatch.collector.evaluating.instances import assess_instances
from modelwatch.collector.evaluating.live_comparison import LiveComparisons
from modelwatch.collector.evaluating.outcomes import changed_cells, concept_findings
from modelwatch.collector.evaluating.performance_history import PerformanceHistory
from modelwatch.collector.evaluating.persisting import histories_of
from modelwatch.collector.latest import Latest
from modelwatch.collector.options import CollectorOptions
from modelwatch.collector.receiving.received import ReceiverCounts
from modelwatch.collector.security.principals import current_principal, may_read
from modelwatch.collector.serving.alert_views import AlertsView, alerts_view
from modelwatch.collector.serving.chart_answers import chart_answer
from modelwatch.collector.serving.encoded_paths import path_of
from modelwatch.collector.serving.instance_views import InstancesView, instances_view
from modelwatch.collector.serving.page_views import models_view, version_view
from modelwatch.collector.serving.performance_charts import PerformanceCharts
from modelwatch.collector.serving.performance_views import PerformanceView, performance_view
from modelwatch.collector.serving.problems import Problem
from modelwatch.collector.serving.queries import (
    Query as Asked,
)
from modelwatch.collector.serving.queries import (
    assess_asked,
    read_window,
    require_version,
    visible_versions,
)
from modelwatch.collector.serving.rendering import Rendering
from modelwatch.collector.storing.store import Store, SummarizedEvaluation
from modelwatch.report import charts, performance_chart
from modelwatch.report.expected import expected_reference
from modelwatch.report.html import style_sheet

__all__ = ["Pages"]

_FORMS = files("modelwatch.collector.serving") / "templates" / "forms.css"

CACHED_CHARTS = 512
"""Drawings kept, about 10 kB each."""

TIMELINE_WINDOWS = 24

COMPARED_UNASKED = 24
"""Instances that a page compares by itself, in a third of a second; of more, it offers to."""

CACHED_TABLES = 64

Text = Annotated[str | None, Query()]


class Pages:
    """Handlers of the pages. They block: FastAPI runs them in threads.

    Args:
        store: what is asked.
        comparisons: compares windows on demand.
        options: gives the default length of a window.
        counts: what the receiver has seen.
        alerting: tells which alerts there are.
        performance: tells how well models did.
        clock: Unix nanoseconds.
    """

    def __init__(
        self,
        store: Store,
        comparisons: LiveComparisons,
        options: CollectorOptions,
        counts: ReceiverCounts,
        alerting: Alerting,
        performance: PerformanceHistory,
        *,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._store = store
        self._counts = counts
        self._alerting = alerting
        self._comparisons = comparisons
        self._options = options
        self._clock = clock
        self._performance = performance
        self._performance_charts = PerformanceCharts(store, performance, options, clock=clock)
        self._drawings = Latest[str](capacity=CACHED_CHARTS)
        self._siblings = Latest[InstancesView | None](capacity=CACHED_TABLES)
        self._style = style_sheet() + _FORMS.read_text(encoding="utf-8")
        self._rendering = Rendering()

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter()
        router.get("/")(self.models)
        router.get("/models/{model:segment}/versions/{version:segment}")(self.version)
        router.get("/charts/distribution.svg")(self.distribution)
        router.get("/assets/style.css")(self.style)
        router.include_router(self._performance_charts.router())
        return router

    def models(self, request: Request) -> Response:
        """List the models; where there are none, say how to send the first data."""
        view = models_view(
            visible_versions(self._store),
            lambda seen: self._store.evaluations(
                seen.model, seen.version, limit=1, seconds=self._options.window_seconds
            ),
            now_ns=self._clock(),
        )
        address = str(request.base_url).rstrip("/")
        return self._rendering.page(
            "models.html",
            request,
            view=view,
            alerts=self._alerts(),
            address=address,
            counts=self._counts,
            limited=current_principal().is_limited,
        )

    def _alerts(self, model: str | None = None, version: str | None = None) -> AlertsView:
        alerts = [
            (alert, self._alerting.muted_by(alert))
            for alert in self._alerting.open_alerts()
            if may_read(alert.model)
            and (model is None or (alert.model, alert.version) == (model, version))
        ]
        return alerts_view(alerts, now_ns=self._clock(), trace_links=self._options.trace_links)

    def version(
        self,
        request: Request,
        model: str,
        version: str,
        window: Text = None,
        end: Text = None,
        rows: int | None = None,
        reference: Text = None,
        refresh: Text = None,
        siblings: Text = None,
        metric: Text = None,
    ) -> Response:
        """Show one model version in one window; ``siblings=compared`` asks for its instances."""
        seen = require_version(self._store, model, version)
        asked = self._asked(window, end, rows, reference)
        found = assess_asked(self._comparisons, self._store, model, version, asked)
        evaluations = self._store.summaries(
            model, version, limit=TIMELINE_WINDOWS, seconds=self._options.window_seconds
        )
        versions = [one.version for one in self._store.versions() if one.model == model]
        view = version_view(
            seen,
            asked,
            found,
            evaluations,
            histories_of(self._store, found, self._options),
            steering=self._store.steering(model, version),
            versions=versions,
            options=self._options,
            now_ns=self._clock(),
        )
        is_asked = siblings == "compared"
        following = asked.live and asked.rows is None and refresh != "off" and not is_asked
        compares = is_asked or found.instances <= COMPARED_UNASKED
        compared = request.url.include_query_params(siblings="compared")
        size = {"width": charts.WIDTH, "height": charts.HEIGHT}
        alerts = self._alerts(model, version)
        return self._rendering.page(
            "version.html",
            request,
            view=view,
            rollout=path_of("models", model, "rollout") if len(versions) > 1 else "",
            alerts=alerts,
            instances=self._instances(found) if compares else None,
            to_compare="" if compares else f"?{compared.query}",
            in_all=found.instances,
            following=following,
            size=size,
            performance=self._performance_view(request, asked, found, evaluations, metric),
            wide={"width": performance_chart.WIDTH, "height": performance_chart.HEIGHT},
        )

    def _performance_view(
        self,
        request: Request,
        asked: Asked,
        found: Assessment,
        evaluations: Sequence[SummarizedEvaluation],
        metric: str | None,
    ) -> PerformanceView | None:
        own = self._options.window_seconds
        key = (found.model, found.version)
        concept = self._performance.concept(*key)
        regions = self._performance.regions(*key, concept, until_ns=found.window.end_ns)
        seconds = asked.window.seconds
        return performance_view(
            found,
            evaluations,
            concept_findings(concept),
            changed_cells(regions),
            path=path_of("models", found.model, "versions", found.version),
            query=request.url.remove_query_params("metric").query,
            asked=metric,
            address=str(request.base_url).rstrip("/"),
            chart_seconds=seconds if seconds > own and asked.rows is None else own,
        )

    def _instances(self, found: Assessment) -> InstancesView | None:
        if found.instances < 2:
            return None
        key = (found.model, found.version, found.window, found.through_id)

        def make() -> InstancesView | None:
            profiles = self._store.window_by_instance(found.model, found.version, found.window)
            baseline = self._comparisons.baseline(found.model, found.version)
            told = assess_instances(profiles, baseline=baseline)
            return instances_view(told, len(profiles))

        return self._siblings.get(key, make)

    def distribution(
        self,
        request: Request,
        model: str,
        version: str,
        feature: str,
        window: Text = None,
        end: Text = None,
        rows: int | None = None,
        reference: Text = None,
    ) -> Response:
        """Draw one feature, the reference against now."""
        require_version(self._store, model, version)
        asked = self._asked(window, end, rows, reference)
        found = assess_asked(self._comparisons, self._store, model, version, asked)
        before = expected_reference(found.baseline, found.current, feature)
        now = found.current.features.get(feature) if found.current else None
        spec = charts.distribution_spec(before, now)
        if spec is None:
            detail = f"there is nothing to draw of {feature!r} of {model!r} {version!r}."
            raise Problem(404, "unknown-feature", detail)
        return chart_answer(request, spec, self._drawings)

    def _asked(
        self, window: str | None, end: str | None, rows: int | None, reference: str | None
    ) -> Asked:
        return read_window(
            window,
            end,
            rows=rows,
            reference=reference,
            default_seconds=self._options.window_seconds,
            clock=self._clock,
        )

    def style(self) -> Response:
        """Return the style sheet."""
        headers = {"Cache-Control": "max-age=300", "X-Content-Type-Options": "nosniff"}
        return Response(self._style, headers=headers, media_type="text/css")

    def problem(self, problem: Problem) -> Response:
        """Return a page that says what is wrong."""
        return self._rendering.problem(problem)
