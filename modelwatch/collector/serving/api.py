"""The collector's HTTP API: models, drift of a window, baselines, scheduled evaluations.

Errors are RFC 9457 problems that name the remedy. An answer about a window always carries its
``state``: a window without data or with too few rows is never passed off as one without drift.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, PlainTextResponse

from modelwatch import __version__
from modelwatch.baseline import Baseline
from modelwatch.collector.evaluating.evaluation import Assessment, Evaluator
from modelwatch.collector.evaluating.persisting import histories_of, read_windows, windows_needed
from modelwatch.collector.options import CollectorOptions
from modelwatch.collector.receiving.bodies import read_body
from modelwatch.collector.receiving.received import ReceiverCounts
from modelwatch.collector.serving import answers
from modelwatch.collector.serving.encoded_paths import EncodedPaths
from modelwatch.collector.serving.pages import Pages
from modelwatch.collector.serving.problems import (
    Problem,
    allowed_methods,
    problem_of,
    problem_response,
)
from modelwatch.collector.serving.queries import read_window, require_version, visible_versions
from modelwatch.collector.serving.steering_api import SteeringApi
from modelwatch.collector.storing.store import Store
from modelwatch.errors import BodyTooLarge, FormatError, StoreError

__all__ = ["build_api"]

VERSION_PATH = "/api/v1/models/{model:segment}/versions/{version:segment}"
MAX_BASELINE_BYTES = 64 * 1_048_576
BASELINE_TIMEOUT_SECONDS = 60.0
MAX_TIMELINE_WINDOWS = 1_000

WindowParameter = Annotated[
    str | None, Query(description="Length of the window: 30s, 15m, 1h, 7d.", examples=["1h"])
]
EndParameter = Annotated[
    str | None, Query(description="End of the window, Unix seconds or ISO 8601; now by default.")
]


def build_api(
    store: Store,
    evaluator: Evaluator,
    options: CollectorOptions,
    counts: ReceiverCounts,
    *,
    clock: Callable[[], int] = time.time_ns,
) -> FastAPI:
    """Return the ASGI application of the API and the pages.

    Args:
        store: what is asked and written.
        evaluator: compares windows on demand.
        options: gives the default length of a window.
        counts: what the receiver has seen.
        clock: Unix nanoseconds.
    """
    app = FastAPI(
        title="modelwatch collector",
        version=__version__,
        description="What the watched models receive and predict, against their baselines.",
        docs_url=None,  # both load scripts from other hosts; /openapi.json is served
        redoc_url=None,
    )
    app.add_middleware(EncodedPaths)
    pages = Pages(store, evaluator, options, counts, clock=clock)
    json_routes = _Api(store, evaluator, options, counts, clock).router()
    page_routes = pages.router()
    steering_routes = SteeringApi(store).router(VERSION_PATH)
    app.include_router(json_routes)
    app.include_router(steering_routes)
    app.include_router(page_routes, include_in_schema=False)
    routers = (app.router, json_routes, steering_routes, page_routes)
    routes = [route for router in routers for route in router.routes]

    def failed(request: Request, error: Exception) -> Response:
        problem = problem_of(error)
        for_programs = request.url.path.startswith("/api/")
        response = problem_response(problem) if for_programs else pages.problem(problem)
        if problem.status == HTTPStatus.METHOD_NOT_ALLOWED:
            response.headers["Allow"] = allowed_methods(routes, request.scope)
        if problem.status == HTTPStatus.REQUEST_TIMEOUT:
            response.headers["Connection"] = "close"  # what is left of the body is not waited for
        return response

    # What nobody foresaw is raised again once it was answered, and the server logs it.
    for kind in (Problem, HTTPException, RequestValidationError, StoreError, Exception):
        app.add_exception_handler(kind, failed)
    return app


class _Api:
    def __init__(
        self,
        store: Store,
        evaluator: Evaluator,
        options: CollectorOptions,
        counts: ReceiverCounts,
        clock: Callable[[], int],
    ) -> None:
        self._counts = counts
        self._store = store
        self._evaluator = evaluator
        self._options = options
        self._clock = clock

    def router(self) -> APIRouter:
        router = APIRouter()
        get, put = router.get, router.put
        for path, probe, summary in (
            ("/healthz", self.healthz, "Is the process alive?"),
            ("/readyz", self.readyz, "Can the store be read?"),
        ):
            get(path, summary=summary)(probe)
            router.head(path, include_in_schema=False)(probe)
        get("/api/v1/models", summary="Models and their versions")(self.models)
        get("/api/v1/received", summary="What came in")(self.received)
        get(f"{VERSION_PATH}/drift", summary="Drift of one window")(self.drift)
        get(f"{VERSION_PATH}/captured", summary="Calls and rows of one window")(self.captured)
        get(f"{VERSION_PATH}/windows", summary="Scheduled evaluations")(self.windows)
        get(f"{VERSION_PATH}/baseline", summary="The current baseline")(self.get_baseline)
        put(f"{VERSION_PATH}/baseline", summary="Push a baseline", status_code=201)(
            self.put_baseline
        )
        return router

    def healthz(self) -> PlainTextResponse:
        """Answer while the process serves requests."""
        return PlainTextResponse("ok\n")

    def readyz(self) -> PlainTextResponse:
        """Answer 200 where the store can be read, else 503."""
        try:
            self._store.versions()
        except StoreError as error:
            return PlainTextResponse(f"{error}\n", 503)
        return PlainTextResponse("ready\n")

    def models(self) -> dict[str, Any]:
        """Every model with its versions, the one with the most recent data first."""
        return answers.models(visible_versions(self._store))

    def received(self) -> dict[str, int]:
        """Count what came in since the collector was started, what was not ours too."""
        return asdict(self._counts)

    def drift(
        self, model: str, version: str, window: WindowParameter = None, end: EndParameter = None
    ) -> dict[str, Any]:
        """Compare a window with the current baseline.

        ``state`` is drift, warning, no_drift, insufficient_data, no_data or incomparable.
        ``persistent`` names the features whose finding holds in k of the last m finished windows
        up to the end of this one.
        404 names the known models; 409 says that no baseline was pushed.
        """
        require_version(self._store, model, version)
        asked = read_window(
            window, end, default_seconds=self._options.window_seconds, clock=self._clock
        )
        found = self._evaluator.assess(model, version, asked.window)
        _require_baseline(found)
        histories = histories_of(self._store, found, self._options)
        return answers.drift(found, histories, self._options.persistence)

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
    ) -> dict[str, Any]:
        """Return the latest finished windows that were evaluated by themselves, oldest first."""
        require_version(self._store, model, version)
        persistence = self._options.persistence
        before = windows_needed(persistence)
        evaluations = self._store.evaluations(model, version, limit=limit + before)
        evaluated = read_windows(evaluations, persistence)[-limit:]
        return answers.windows(model, version, self._options.window_seconds, evaluated, persistence)

    def get_baseline(self, model: str, version: str, request: Request) -> Response:
        """Return the current baseline; 304 where If-None-Match names it."""
        require_version(self._store, model, version)
        stored = self._store.baseline(model, version)
        if stored is None:
            raise _no_baseline(model, version)
        headers = {"ETag": f'"{stored.id}"', "Cache-Control": "private, no-cache"}
        if headers["ETag"] in request.headers.get("if-none-match", ""):
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


async def _read_baseline(request: Request) -> Baseline:
    try:
        body = await read_body(
            request, limit=MAX_BASELINE_BYTES, timeout_seconds=BASELINE_TIMEOUT_SECONDS
        )
        return await asyncio.to_thread(Baseline.from_json, body)
    except BodyTooLarge as error:
        raise Problem(413, "baseline-too-large", str(error)) from error
    except TimeoutError as error:
        raise Problem(408, "baseline-too-slow", str(error)) from error
    except ClientDisconnect as error:
        raise Problem(400, "damaged-baseline", "the baseline was not sent to its end.") from error
    except FormatError as error:
        raise Problem(400, "damaged-baseline", str(error)) from error


def _require_baseline(found: Assessment) -> None:
    if found.baseline is None:
        raise _no_baseline(found.model, found.version)


def _no_baseline(model: str, version: str) -> Problem:
    return Problem(
        409,
        "no-baseline",
        f"model {model!r} version {version!r} has no baseline to compare with: push one with "
        "`modelwatch baseline push FILE`, or PUT its JSON to this version's /baseline.",
        state="no_baseline",
    )
