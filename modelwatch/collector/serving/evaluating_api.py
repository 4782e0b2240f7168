"""The part of the API that compares instances, keeps baselines, and evaluates when asked to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse

from modelwatch.collector.evaluating.baseline_desk import BaselineDesk, OpenDrift
from modelwatch.collector.evaluating.baseline_history import BaselineHistory, BaselineRecord
from modelwatch.collector.evaluating.evaluation import Evaluator
from modelwatch.collector.evaluating.instances import InstanceFinding, assess_instances
from modelwatch.collector.evaluating.persisting import histories_of
from modelwatch.collector.evaluating.scheduler import evaluation_of
from modelwatch.collector.options import CollectorOptions
from modelwatch.collector.quick_json import to_json
from modelwatch.collector.serving import answers, schemas
from modelwatch.collector.serving.answers import iso
from modelwatch.collector.serving.entity_tags import names_tag
from modelwatch.collector.serving.problems import Problem, no_baseline
from modelwatch.collector.serving.queries import read_window, require_version
from modelwatch.collector.serving.sent_bodies import read_json, takes_json
from modelwatch.collector.storing.store import Store
from modelwatch.errors import ConfigurationError
from modelwatch.report.findings import FeatureDrift

__all__ = ["EvaluatingApi"]

MOST_LISTED = 100

Text = Annotated[str | None, Query()]
WindowText = Annotated[str, Field(max_length=20)]
EndText = Annotated[str, Field(max_length=40)]


class _Traffic(BaseModel):
    """The window of live traffic: its length, and its end, which is now where it is not given."""

    model_config = ConfigDict(extra="forbid")

    window: WindowText
    end: EndText | None = None


class _Promotion(BaseModel):
    """Which traffic becomes the baseline, and whether though it drifts from the current one."""

    model_config = ConfigDict(extra="forbid")

    traffic: Annotated[_Traffic, Field(alias="from")]
    force: Annotated[bool, Field(strict=True)] = False


class _Asked(BaseModel):
    """The window to evaluate; of the collector's own length and up to now where it is not given."""

    model_config = ConfigDict(extra="forbid")

    window: WindowText | None = None
    end: EndText | None = None


class EvaluatingApi:
    """Handlers of ``.../instances``, ``.../baselines``, ``.../baseline/promote``, ``.../evaluate``.

    Args:
        store: what is asked and written.
        evaluator: compares with baselines.
        desk: puts baselines in force.
        history: has the earlier ones.
        options: gives the default length of a window.
        clock: Unix nanoseconds.
    """

    def __init__(
        self,
        store: Store,
        evaluator: Evaluator,
        desk: BaselineDesk,
        history: BaselineHistory,
        options: CollectorOptions,
        *,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._store = store
        self._evaluator = evaluator
        self._desk = desk
        self._history = history
        self._options = options
        self._clock = clock

    def router(self, path: str) -> APIRouter:
        """Return the routes.

        Args:
            path: of a model version.
        """
        router = APIRouter()
        one = f"{path}/baselines/{{baseline_id}}"
        for place, show, summary, schema in (
            (f"{path}/instances", self.instances, "Instances compared", schemas.INSTANCES),
            (f"{path}/baselines", self.baselines, "Its baselines", schemas.BASELINES),
            (one, self.baseline, "One of its baselines", schemas.BASELINE),
        ):
            router.get(place, summary=summary, responses={200: schemas.content(schema)})(show)
        router.post(
            f"{one}/promote",
            summary="Put a baseline back in force",
            responses={200: schemas.content(schemas.PUT_BACK)},
        )(self.put_back)
        router.post(
            f"{path}/baseline/promote",
            summary="Make live traffic the baseline",
            status_code=201,
            responses={201: schemas.content(schemas.PROMOTED)},
            openapi_extra=takes_json(_Promotion),
        )(self.promote)
        router.post(
            f"{path}/evaluate",
            summary="Evaluate a window now",
            responses={200: schemas.content(schemas.DRIFT)},
            openapi_extra=takes_json(_Asked),
        )(self.evaluate)
        return router

    def instances(
        self, model: str, version: str, window: Text = None, end: Text = None
    ) -> dict[str, Any]:
        """Compare each instance with all others of the window, those that stray first.

        ``rows_taken_as`` is independent where there is no baseline that tells how much they are
        not. Kept for a day or so.
        """
        require_version(self._store, model, version)
        asked = read_window(
            window, end, default_seconds=self._options.window_seconds, clock=self._clock
        )
        baseline = self._evaluator.baseline(model, version)
        profiles = self._store.window_by_instance(model, version, asked.window)
        found = assess_instances(profiles, baseline=baseline)
        return {
            "model": model,
            "version": version,
            "window": answers.window(asked.window),
            "instances_in_all": len(profiles),
            "rows_taken_as": "dependent" if baseline else "independent",
            "instances": [_instance(one) for one in found],
        }

    def baselines(
        self,
        model: str,
        version: str,
        limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 20,
        cursor: Annotated[int | None, Query(ge=0, le=2**62)] = None,
    ) -> dict[str, Any]:
        """Return the baselines that were in force; ``next_cursor`` is null on the last page."""
        seen = require_version(self._store, model, version)
        found = self._history.records(model, version, limit=limit + 1, before=cursor)
        page = found[:limit]
        return {
            "baselines": [_record(one, seen.baseline_id) for one in page],
            "next_cursor": page[-1].number if len(found) > limit else None,
        }

    def baseline(self, model: str, version: str, baseline_id: str, request: Request) -> Response:
        """Return one baseline, in force or not; 304 where If-None-Match names it."""
        require_version(self._store, model, version)
        stored = self._history.stored(model, version, baseline_id)
        if stored is None:
            raise _unknown(baseline_id)
        headers = {"ETag": f'"{stored.id}"', "Cache-Control": "private, no-cache"}
        if names_tag(request.headers.get("if-none-match", ""), headers["ETag"]):
            return Response(status_code=304, headers=headers)
        return Response(stored.content, headers=headers, media_type="application/json")

    async def put_back(self, model: str, version: str, baseline_id: str) -> dict[str, Any]:
        """Make an earlier baseline the current one again."""
        await asyncio.to_thread(require_version, self._store, model, version)
        stored = await self._desk.put_back(model, version, baseline_id)
        if stored is None:
            raise _unknown(baseline_id)
        return {"id": stored.id, "model": model, "version": version}

    async def promote(self, model: str, version: str, request: Request) -> Response:
        """Make a baseline of a window's traffic, and put it in force.

        409 where drift from the current baseline holds, unless ``force`` says that it is meant, or
        where the traffic makes no baseline.
        """
        said = await read_json(request, _Promotion)
        await asyncio.to_thread(require_version, self._store, model, version)
        asked = read_window(
            said.traffic.window,
            said.traffic.end,
            default_seconds=self._options.window_seconds,
            clock=self._clock,
        )
        try:
            made = await self._desk.promote(model, version, asked.window, force=said.force)
        except OpenDrift as error:
            raise Problem(409, "open-drift", str(error)) from error
        except ConfigurationError as error:
            raise Problem(409, "no-baseline-of-traffic", str(error)) from error
        baseline = made.baseline
        answer = {
            "id": baseline.id,
            "model": model,
            "version": version,
            "rows": baseline.rows,
            "promoted_from": None
            if baseline.promoted_from is None
            else _origin(asdict(baseline.promoted_from)),
            "design_effects_measured": list(made.measured),
            "carried_over": list(made.carried_over),
        }
        return JSONResponse(answer, 201, {"ETag": f'"{baseline.id}"'})

    async def evaluate(self, model: str, version: str, request: Request) -> Response:
        """Compare a window with the current baseline now, and keep the evaluation."""
        said = await read_json(request, _Asked)
        await asyncio.to_thread(require_version, self._store, model, version)
        asked = read_window(
            said.window,
            said.end,
            default_seconds=self._options.window_seconds,
            clock=self._clock,
        )
        found = await asyncio.to_thread(self._evaluator.assess, model, version, asked.window)
        evaluation = evaluation_of(found, self._clock())
        if evaluation is None:
            raise no_baseline(model, version)
        await self._store.record_evaluation(model, version, evaluation)
        histories = await asyncio.to_thread(histories_of, self._store, found, self._options)
        body = answers.drift(found, histories, self._options.persistence)
        return Response(to_json(body), media_type="application/json")


def _instance(found: InstanceFinding) -> dict[str, Any]:
    return {
        "instance": found.instance,
        "rows": found.rows,
        "calls": found.calls,
        "errors": found.errors,
        "state": found.state,
        "p_value": found.p_value,
        "strays_most": None if found.strays_most is None else _feature(found.strays_most),
        "features": [_feature(one) for one in found.features],
    }


def _feature(found: FeatureDrift) -> dict[str, Any]:
    return {
        "name": found.name,
        "severity": found.severity,
        "psi": found.psi,
        "effect": found.effect,
        "diagnosis": found.diagnosis,
    }


def _record(found: BaselineRecord, current: str | None) -> dict[str, Any]:
    return {
        "id": found.id,
        "current": found.id == current,
        "in_force_since": iso(found.put_ns),
        "rows": found.rows,
        "features": found.features,
        "promoted_from": None if found.promoted_from is None else _origin(found.promoted_from),
    }


def _origin(promoted_from: dict[str, Any]) -> dict[str, Any]:
    return {
        "start": iso(promoted_from["start_ns"]),
        "end": iso(promoted_from["end_ns"]),
        "baseline_id": promoted_from["baseline_id"],
    }


def _unknown(baseline_id: str) -> Problem:
    detail = f"there is no baseline {baseline_id!r} of this version: GET .../baselines lists them."
    return Problem(404, "unknown-baseline", detail)
