"""The part of the API that tells of alerts, and takes what people say of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from starlette.responses import JSONResponse

from modelwatch.collector.alerting.alert import Alert
from modelwatch.collector.alerting.alert_store import AlertStore, Delivery
from modelwatch.collector.alerting.alerting import Alerting
from modelwatch.collector.alerting.muting import Silence
from modelwatch.collector.alerting.rules import Duration
from modelwatch.collector.alerting.targets import Target
from modelwatch.collector.alerting.wording import alert_document
from modelwatch.collector.security.principals import current_principal, may_read
from modelwatch.collector.serving import schemas
from modelwatch.collector.serving.answers import iso
from modelwatch.collector.serving.problems import Problem
from modelwatch.collector.serving.sent_bodies import read_json, takes_json
from modelwatch.collector.trace_links import NO_LINKS, TraceLinks
from modelwatch.collector.windows import LATEST_NS, NANOSECONDS
from modelwatch.errors import ConfigurationError

__all__ = ["AlertsApi"]

MOST_LISTED = 500

State = Literal["open", "pending", "firing", "resolved"]
_STATES: Mapping[State | None, tuple[str, ...]] = {
    None: ("pending", "firing", "resolved"),
    "open": ("pending", "firing"),
    "pending": ("pending",),
    "firing": ("firing",),
    "resolved": ("resolved",),
}

_LENGTH = {"type": "string", "pattern": "^[1-9][0-9]{0,8}[smhd]$", "examples": ["2h"]}

Words = Annotated[str, Field(min_length=1, max_length=200)]
Comment = Annotated[str, Field(max_length=2_000)]


class _Acknowledgement(BaseModel):
    """Who has taken note, and a remark."""

    model_config = ConfigDict(extra="forbid")

    by: Words
    comment: Comment = ""


class _Silence(BaseModel):
    """Which alerts nobody is told of, for how long, by whom and why."""

    model_config = ConfigDict(extra="forbid")

    matchers: Annotated[
        dict[Literal["model", "version", "rule", "severity"], Words], Field(min_length=1)
    ]
    duration: Annotated[Duration, WithJsonSchema(_LENGTH)]
    by: Words
    comment: Comment = ""


class AlertsApi:
    """Handlers of alerts and silences.

    Args:
        alerting: keeps the alerts.
        alerts: answers what alerts there were.
        clock: Unix nanoseconds.
        trace_links: where traces are looked at.
    """

    def __init__(
        self,
        alerting: Alerting,
        alerts: AlertStore,
        *,
        clock: Callable[[], int] = time.time_ns,
        trace_links: TraceLinks = NO_LINKS,
    ) -> None:
        self._alerting = alerting
        self._trace_links = trace_links
        self._alerts = alerts
        self._clock = clock

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(prefix="/api/v1")
        for path, show, summary, schema in (
            ("/alerts", self.list, "Alerts, the newest first", schemas.ALERTS),
            ("/alerts/{alert_id}", self.show, "One alert and its history", schemas.ALERT_STORY),
            ("/silences", self.silences, "Silences", schemas.SILENCES),
            ("/alerting", self.status, "Rules in force, and who is told", schemas.ALERTING),
        ):
            router.get(path, summary=summary, responses={200: schemas.content(schema)})(show)
        router.post(
            "/alerts/{alert_id}/acknowledge",
            summary="Take note of an alert",
            responses={200: schemas.content(schemas.ALERT)},
            openapi_extra=takes_json(_Acknowledgement),
        )(self.acknowledge)
        router.post(
            "/silences",
            summary="Tell nobody of some alerts for a time",
            status_code=201,
            responses={201: schemas.content(schemas.SILENCE)},
            openapi_extra=takes_json(_Silence),
        )(self.silence)
        router.delete("/silences/{silence_id}", summary="End a silence", status_code=204)(
            self.end_silence
        )
        return router

    def list(
        self,
        state: Annotated[State | None, Query(description="open is pending or firing.")] = None,
        model: str | None = None,
        limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 100,
        cursor: Annotated[
            int | None, Query(ge=0, le=LATEST_NS, description="next_cursor of the page before.")
        ] = None,
    ) -> dict[str, Any]:
        """Return alerts, the newest first; ``next_cursor`` is null on the last page."""
        page = self._alerts.alerts(
            states=_STATES[state], model=model, may_read=may_read, limit=limit, before=cursor
        )
        return {
            "alerts": [self._document(alert) for alert in page.alerts],
            "next_cursor": page.cursor,
        }

    def show(self, alert_id: str) -> dict[str, Any]:
        """Return an alert with its history, oldest first."""
        alert = self._alerts.alert(alert_id)
        if alert is None or not may_read(alert.model):
            raise _no_alert(alert_id)
        history = [
            {"kind": event.kind, "at": iso(event.at_ns), "detail": event.detail}
            for event in self._alerts.history(alert_id)
        ]
        return {**self._document(alert), "history": history}

    async def acknowledge(self, alert_id: str, request: Request) -> dict[str, Any]:
        """Take note of an open alert: it is not repeated any more. The first one counts.

        The body is an object of ``by`` and ``comment``. Where a token came with it, its name is
        who it is by.
        """
        said = await read_json(request, _Acknowledgement)
        alert = await self._alerting.acknowledge(alert_id, by=_who(said.by), comment=said.comment)
        if alert is not None:
            return self._document(alert)
        ended = await asyncio.to_thread(self._alerts.alert, alert_id)
        if ended is None:
            raise _no_alert(alert_id)
        raise Problem(409, "alert-resolved", f"the alert {alert_id!r} is resolved already.")

    def silences(self) -> dict[str, Any]:
        """Return the silences in force, and those that ended in the last seven days."""
        now_ns = self._clock()
        return {"silences": [_document(one, now_ns) for one in self._alerting.silences()]}

    async def silence(self, request: Request) -> Response:
        """Tell nobody of some alerts for a time; what they are of goes on being looked at.

        The body is an object of ``matchers`` (patterns by model, version, rule and severity, all of
        which must match), ``duration`` (such as 2h), ``by`` and ``comment``. Where a token came
        with it, its name is who it is by.
        """
        said = await read_json(request, _Silence)
        now_ns = self._clock()
        try:
            made = await self._alerting.silence(
                {str(name): pattern for name, pattern in said.matchers.items()},
                until_ns=now_ns + said.duration * NANOSECONDS,
                by=_who(said.by),
                comment=said.comment,
            )
        except ConfigurationError as error:
            raise Problem(409, "too-many-silences", str(error)) from error
        return JSONResponse(_document(made, now_ns), 201)

    async def end_silence(self, silence_id: str) -> Response:
        """End a silence now."""
        if not await self._alerting.end_silence(silence_id):
            detail = f"no silence {silence_id!r} is in force: GET /api/v1/silences lists them."
            raise Problem(404, "unknown-silence", detail)
        return Response(status_code=204)

    def status(self) -> dict[str, Any]:
        """Return the rules in force, whether the configuration file is, and who was told."""
        found = self._alerting.configured
        deliveries = self._alerts.deliveries()
        return {
            "configuration": {
                "path": self._alerting.config_path,
                "read": iso(found.read_ns),
                "error": found.error or None,
            },
            "rules": [rule.model_dump(mode="json") for rule in found.configuration.rules],
            "maintenance": [one.model_dump(mode="json") for one in found.configuration.maintenance],
            "targets": [
                _target(target, deliveries.get(target.name, Delivery()))
                for target in found.configuration.notify
            ],
        }

    def _document(self, alert: Alert) -> dict[str, Any]:
        muted = self._alerting.muted_by(alert) if alert.state != "resolved" else ""
        return alert_document(
            alert,
            muted_by=muted,
            pages_url=self._alerting.pages_url(),
            trace_links=self._trace_links,
        )


def _who(said: str) -> str:
    """Return the name of the token that came with a request; where there is none, what was said."""
    principal = current_principal()
    return said if principal.token is None else principal.name


def _no_alert(alert_id: str) -> Problem:
    detail = f"there is no alert {alert_id!r}: GET /api/v1/alerts lists them."
    return Problem(404, "unknown-alert", detail)


def _document(silence: Silence, now_ns: int) -> dict[str, Any]:
    return {
        "id": silence.id,
        "matchers": dict(silence.matchers),
        "created": iso(silence.created_ns),
        "until": iso(silence.until_ns),
        "in_force": silence.covers(now_ns),
        "by": silence.by,
        "comment": silence.comment,
    }


def _target(target: Target, delivery: Delivery) -> dict[str, Any]:
    """Return how it goes with a target; of where it is, only what is no secret."""
    body = asdict(delivery)
    for name in ("last_sent", "last_failed"):
        body[name] = iso(body.pop(f"{name}_ns"))
    return {"name": target.name, "kind": target.kind, "place": target.place, **body}
