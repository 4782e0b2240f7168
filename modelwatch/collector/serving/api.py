"""The collector's HTTP API: models, drift of a window, baselines, scheduled evaluations.

Errors are RFC 9457 problems that name the remedy. An answer about a window always carries its
``state``: a window without data or with too few rows is never passed off as one without drift.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse

from modelwatch import __version__
from modelwatch.baseline import Baseline
from modelwatch.collector.alerting.alert_store import AlertStore
from modelwatch.collector.alerting.alerting import Alerting
from modelwatch.collector.evaluating.baseline_desk import BaselineDesk
from modelwatch.collector.evaluating.baseline_history import BaselineHistory
from modelwatch.collector.evaluating.evaluation import Assessment, Evaluator
from modelwatch.collector.evaluating.live_comparison import LiveComparisons
from modelwatch.collector.evaluating.performance_history import PerformanceHistory
from modelwatch.collector.evaluating.persisting import histories_of
from modelwatch.collector.options import CollectorOptions
from modelwatch.collector.quick_json import to_json
from modelwatch.collector.receiving.received import ReceiverCounts
from modelwatch.collector.security.principals import current_principal
from modelwatch.collector.serving import answers, schemas
from modelwatch.collector.serving.alerts_api import AlertsApi
from modelwatch.collector.serving.cursors import CursorParameter, decode_cursor, encode_cursor
from modelwatch.collector.serving.encoded_paths import EncodedPaths
from modelwatch.collector.serving.entity_tags import EntityTags, names_tag
from modelwatch.collector.serving.evaluating_api import EvaluatingApi
from modelwatch.collector.serving.evaluation_pages import EvaluationPage
from modelwatch.collector.serving.openapi import DescribedApi
from modelwatch.collector.serving.pages import Pages
from modelwatch.collector.serving.performance_api import PerformanceApi
from modelwatch.collector.serving.problems import (
    Problem,
    allowed_methods,
    no_baseline,
    problem_of,
    problem_response,
)
from modelwatch.collector.serving.queries import (
    assess_asked,
    read_window,
    require_version,
    visible_versions,
)
from modelwatch.collector.serving.readiness import Check, Readiness
from modelwatch.collector.serving.sent_bodies import sent_body
from modelwatch.collector.serving.steering_api import SteeringApi
from modelwatch.collector.storing.store import Store
from modelwatch.errors import FormatError, StoreError

__all__ = ["build_api"]

VERSION_PATH = "/api/v1/models/{model:segment}/versions/{version:segment}"
MAX_BASELINE_BYTES = 64 * 1_048_576
BASELINE_TIMEOUT_SECONDS = 60.0
MAX_TIMELINE_WINDOWS = 1_000
MAX_MODELS = 1_000
RETRY_AFTER_SECONDS = 2

WindowParameter = Annotated[
    str | None, Query(description="Length of the window: 30s, 15m, 1h, 7d.", examples=["1h"])
]
EndParameter = Annotated[
    str | None, Query(description="End of the window, Unix seconds or ISO 8601; now by default.")
]
RowsParameter = Annotated[
    int | None, Query(description="So many of the latest rows, in place of a window in time.")
]
ReferenceParameter = Annotated[
    str | None,
    Query(
        description="What it is compared with: baseline, previous, last_week or version:NAME.",
        examples=["previous"],
    ),
]


def build_api(
    store: Store,
    evaluator: Evaluator,
    options: CollectorOptions,
    counts: ReceiverCounts,
    alerting: Alerting,
    alerts: AlertStore,
    history: BaselineHistory,
    *,
    performance: PerformanceHistory | None = None,
    clock: Callable[[], int] = time.time_ns,
    readiness: Readiness | None = None,
    routers: Sequence[APIRouter] = (),
) -> FastAPI:
    """Return the ASGI application of the API and the pages.

    Args:
        store: what is asked and written.
        evaluator: compares windows on demand.
        options: gives the default length of a window.
        counts: what the receiver has seen.
        alerting: keeps the alerts.
        alerts: answers what alerts there were.
        history: answers which baselines there were.
        performance: answers how well models did; without labels where None.
        clock: Unix nanoseconds.
        readiness: what ``/readyz`` asks; whether the store can be read where None.
        routers: further parts of the API.
    """
    readiness = readiness or Readiness({"store": _reading(store)})
    performance = performance or PerformanceHistory(
        store, evaluator, None, window_seconds=options.window_seconds
    )
    app = DescribedApi(
        title="modelwatch collector",
        version=__version__,
        description="What the watched models receive and predict, against their baselines.",
        docs_url=None,  # both load scripts from other hosts; /openapi.json is served
        redoc_url=None,
    )
    app.add_middleware(EntityTags)
    app.add_middleware(EncodedPaths)
    comparisons, links = LiveComparisons(store, evaluator), options.trace_links
    pages = Pages(store, comparisons, options, counts, alerting, performance, clock=clock)
    json_routes = _Api(store, comparisons, options, counts, clock, readiness).router()
    page_routes = pages.router()
    desk = BaselineDesk(store, history, evaluator, options)
    evaluating = EvaluatingApi(store, evaluator, desk, history, options, clock=clock)
    evaluating_routes = evaluating.router(VERSION_PATH)
    performance_routes = PerformanceApi(store, performance, evaluator, options, clock=clock).router(
        VERSION_PATH
    )
    steering_routes = SteeringApi(store).router(VERSION_PATH)
    alert_routes = AlertsApi(alerting, alerts, clock=clock, trace_links=links).router()
    parts = (
        json_routes,
        evaluating_routes,
        performance_routes,
        steering_routes,
        alert_routes,
        *routers,
    )
    for part in parts:
        app.include_router(part)
    app.include_router(page_routes, include_in_schema=False)
    routes = [route for part in (app.router, *parts, page_routes) for route in part.routes]

    def failed(request: Request, error: Exception) -> Response:
        problem = problem_of(error)
        for_programs = request.url.path.startswith("/api/")
        response = problem_response(problem) if for_programs else pages.problem(problem)
        if problem.status == HTTPStatus.METHOD_NOT_ALLOWED:
            response.headers["Allow"] = allowed_methods(routes, request.scope)
        if problem.status == HTTPStatus.REQUEST_TIMEOUT:
            response.headers["Connection"] = "close"  # what is left of the body is not waited for
        if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
            response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response

    # What nobody foresaw is raised again once it was answered, and the server logs it.
    for kind in (Problem, HTTPException, RequestValidationError, StoreError, Exception):
        app.add_exception_handler(kind, failed)
    return app


class _Api:
    def __init__(
        self,
        store: Store,
        comparisons: LiveComparisons,
        options: CollectorOptions,
        counts: ReceiverCounts,
        clock: Callable[[], int],
        readiness: Readiness,
    ) -> None:
        self._readiness = readiness
        self._counts = counts
        self._store = store
        self._comparisons = comparisons
        self._options = options
        self._clock = clock

    def router(self) -> APIRouter:
        router = APIRouter()
        get, put = router.get, router.put
        for path, probe, summary in (
            ("/healthz", self.healthz, "Is the process alive?"),
            ("/readyz", self.readyz, "Can it do its work?"),
        ):
            described: dict[int | str, dict[str, Any]] = {
                200: schemas.TEXT,
                503: {**schemas.TEXT, "description": "Not ready"},
            }
            get(path, summary=summary, response_class=PlainTextResponse, responses=described)(probe)
            router.head(path, include_in_schema=False)(probe)
        for path, show, summary, schema in (
            ("/api/v1/models", self.models, "Models and their versions", schemas.MODELS),
            ("/api/v1/received", self.received, "What came in", schemas.RECEIVED),
            (f"{VERSION_PATH}/drift", self.drift, "Drift of one window", schemas.DRIFT),
            (f"{VERSION_PATH}/captured", self.captured, "Calls and rows", schemas.CAPTURED),
            (f"{VERSION_PATH}/windows", self.windows, "Scheduled evaluations", schemas.WINDOWS),
            (f"{VERSION_PATH}/baseline", self.get_baseline, "Its baseline", schemas.BASELINE),
        ):
            get(path, summary=summary, responses={200: schemas.content(schema)})(show)
        put(
            f"{VERSION_PATH}/baseline",
            summary="Push a baseline",
            status_code=201,
            responses={201: schemas.content(schemas.PUSHED)},
            openapi_extra=schemas.body(schemas.BASELINE),
        )(self.put_baseline)
        return router

    def healthz(self) -> PlainTextResponse:
        """Answer while the process serves requests."""
        return PlainTextResponse("ok\n")

    async def readyz(self) -> PlainTextResponse:
        """Answer 200 where the store can be written and the schedule runs, else 503 and what fails.

        Why it fails is told where no tokens are asked for; the log tells it in any case.
        """
        problems = await self._readiness.problems()
        if problems:
            is_open = current_principal().has("read")
            told = (f"{name}: {problems[name] if is_open else 'failed'}\n" for name in problems)
            return PlainTextResponse("".join(told), 503)
        return PlainTextResponse("ready\n")

    def models(
        self,
        limit: Annotated[int, Query(ge=1, le=MAX_MODELS)] = MAX_MODELS,
        cursor: CursorParameter = None,
    ) -> dict[str, Any]:
        """Every model with its versions, the one with the most recent data first."""
        after = decode_cursor(cursor, str)[0] if cursor else ""
        seen = visible_versions(self._store)
        names = sorted({found.model for found in seen if not cursor or found.model > after})
        page = set(names[:limit])
        more = encode_cursor(names[limit - 1]) if len(names) > limit else None
        shown = answers.models(found for found in seen if found.model in page)
        return {**shown, "next_cursor": more}

    def received(self) -> dict[str, Any]:
        """Count what came in since the collector was started, what was not ours too."""
        return self._counts.to_json()

    def drift(
        self,
        model: str,
        version: str,
        window: WindowParameter = None,
        end: EndParameter = None,
        rows: RowsParameter = None,
        reference: ReferenceParameter = None,
    ) -> Response:
        """Compare a window with the current baseline, or with another live window.

        ``state`` is drift, warning, no_drift, insufficient_data, no_data, incomparable, or
        no_reference where nothing was sent for the window that it is compared with.
        ``reference`` says what that is, and whether rows are taken as independent, as they are
        where there is no baseline that tells how much they are not.
        ``persistent`` names the features whose finding holds in k of the last m finished windows
        up to the end of this one.
        404 names the known models; 409 says that no baseline was pushed.
        """
        require_version(self._store, model, version)
        asked = read_window(
            window,
            end,
            rows=rows,
            reference=reference,
            default_seconds=self._options.window_seconds,
            clock=self._clock,
        )
        found = assess_asked(self._comparisons, self._store, model, version, asked)
        _require_baseline(found)
        histories = histories_of(self._store, found, self._options)
        body = to_json(answers.drift(found, histories, self._options.persistence))
        return Response(body, media_type="application/json")

    def captured(
        self, model: str, version: str, window: WindowParameter = None, end: EndParameter = None
    ) -> dict[str, Any]:
        """Return what services sent of a window: calls, rows, and rows dropped, by reason.

        ``error_types`` counts the calls that failed. No baseline is needed.
        """
        require_version(self._store, model, version)
        asked = read_window(
            window, end, default_seconds=self._options.window_seconds, clock=self._clock
        )
        return answers.captured(self._store.window(model, version, asked.window), asked.window)

    def windows(
        self,
        model: str,
        version: str,
        limit: Annotated[int, Query(ge=1, le=MAX_TIMELINE_WINDOWS)] = 100,
        cursor: CursorParameter = None,
        window: WindowParameter = None,
    ) -> Response:
        """Return the latest finished windows that were evaluated by themselves, oldest first.

        The next page holds those before them. With ``window``, those of this length that were
        evaluated when somebody asked for it.
        """
        require_version(self._store, model, version)
        persistence, default = self._options.persistence, self._options.window_seconds
        asked = read_window(window, None, default_seconds=default, clock=self._clock)
        seconds = asked.window.seconds
        aligned = window is None
        read = EvaluationPage.read(
            self._store,
            model,
            version,
            cursor,
            limit,
            persistence,
            seconds=seconds,
            aligned=aligned,
        )
        shown = answers.windows(model, version, seconds, read.windows, persistence)
        body = to_json({**shown, "next_cursor": read.next_cursor})
        return Response(body, media_type="application/json")

    def get_baseline(self, model: str, version: str, request: Request) -> Response:
        """Return the current baseline; 304 where If-None-Match names it."""
        require_version(self._store, model, version)
        stored = self._store.baseline(model, version)
        if stored is None:
            raise no_baseline(model, version)
        headers = {"ETag": f'"{stored.id}"', "Cache-Control": "private, no-cache"}
        if names_tag(request.headers.get("if-none-match", ""), headers["ETag"]):
            return Response(status_code=304, headers=headers)
        return Response(stored.content, headers=headers, media_type="application/json")

    async def put_baseline(self, model: str, version: str, request: Request) -> Response:
        """Make a baseline the current one of its model version. The body is its JSON."""
        baseline = await _read_baseline(request)
        if (baseline.model, baseline.version) != (model, version):
            raise Problem(
                422,
                "baseline-of-another-version",
                f"this is the baseline of model {baseline.model!r} version {baseline.version!r}, "
                f"and it was sent to model {model!r} version {version!r}: send it to its own, or "
                "fit one for this version.",
            )
        content = await asyncio.to_thread(baseline.to_json)
        await self._store.put_baseline(model, version, baseline.id, content)
        answer = {"id": baseline.id, "model": model, "version": version, "rows": baseline.rows}
        return JSONResponse(answer, 201, {"ETag": f'"{baseline.id}"'})


def _reading(store: Store) -> Check:
    async def check() -> str:
        await asyncio.to_thread(store.versions)
        return ""

    return check


async def _read_baseline(request: Request) -> Baseline:
    body = await sent_body(
        request,
        name="baseline",
        limit=MAX_BASELINE_BYTES,
        timeout_seconds=BASELINE_TIMEOUT_SECONDS,
        cut=Problem(400, "damaged-baseline", "the baseline was not sent to its end."),
    )
    try:
        return await asyncio.to_thread(Baseline.from_json, body)
    except FormatError as error:
        raise Problem(400, "damaged-baseline", str(error)) from error


def _require_baseline(found: Assessment) -> None:
    if found.baseline is None and found.against is None:
        raise no_baseline(found.model, found.version)
