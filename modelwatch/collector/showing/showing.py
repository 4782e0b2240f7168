"""All that shows results to other programs: hears of evaluations, answers scrapes, sends OTLP."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from fastapi import APIRouter, Request, Response
from prometheus_client.core import Metric

from modelwatch.collector.alerting.alert import AlertSource
from modelwatch.collector.alerting.alert_store import Delivery
from modelwatch.collector.evaluating.evaluation import Assessment
from modelwatch.collector.receiving.received import ReceiverCounts
from modelwatch.collector.rollouts.made import MadeSuggestion
from modelwatch.collector.showing import own_metrics
from modelwatch.collector.showing.exposition import CONTENT_TYPES, Format, chosen_format
from modelwatch.collector.showing.options import ShowingOptions
from modelwatch.collector.showing.results import Results
from modelwatch.collector.showing.scrapes import Scrapes
from modelwatch.collector.showing.self_measures import SelfMeasures
from modelwatch.collector.showing.standing import Evaluations, Standings, recalled
from modelwatch.collector.showing.traffic import TrafficTotals
from modelwatch.collector.storing.store import VersionSeen, VersionSource
from modelwatch.errors import FormatError, ModelwatchError, StoreError

__all__ = ["DeliverySource", "Showing", "ShowingStore"]

FIRST_ASKED: Format = "openmetrics"
"""The format that Prometheus asks for: its text is there before the first scrape."""

logger = logging.getLogger(__name__)


class ShowingStore(VersionSource, Evaluations, Protocol):
    """What is read of the store: which versions there are, and what was evaluated before."""


class DeliverySource(Protocol):
    """Tells how notices of alerts fare."""

    def deliveries(self) -> Mapping[str, Delivery]:
        """Return how it goes, by target. Blocking, but brief."""
        ...


class Showing:
    """Listens to the schedule, and tells others what it hears.

    Args:
        store: which versions there are, and what an earlier process evaluated.
        counts: what the receiver has seen.
        measures: what the collector measures of itself.
        options: limits, and where results are sent.
        alerts: which are open.
        notices: who was told of them.
        window_seconds: length of the windows that are evaluated by themselves.
        clock: Unix nanoseconds.

    Raises:
        ConfigurationError: results are to be sent, and cannot be as the environment has it.
    """

    def __init__(
        self,
        store: ShowingStore,
        counts: ReceiverCounts,
        measures: SelfMeasures,
        options: ShowingOptions,
        *,
        alerts: AlertSource,
        notices: DeliverySource,
        window_seconds: int,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._store = store
        self._counts = counts
        self._measures = measures
        self._alerts = alerts
        self._notices = notices
        self._window_seconds = window_seconds
        self._standings = Standings(capacity=options.most_versions)
        self._traffic = TrafficTotals(
            capacity=options.most_versions, most_error_types=options.most_error_types
        )
        self._scrapes = Scrapes(store, self._standings, self._traffic, self, options)
        self._results = Results(options, clock=clock) if options.results_endpoint else None
        self._changed = False

    def router(self) -> APIRouter:
        """Return the route that is scraped."""
        router = APIRouter()
        router.get("/metrics", summary="Metrics for Prometheus", response_class=Response)(
            self.metrics
        )
        return router

    def metrics(self, request: Request) -> Response:
        """Return results and the collector's own metrics as Prometheus and OpenMetrics read them.

        Nothing is evaluated for it.
        """
        form = chosen_format(request.headers.get("accept", ""))
        headers = {"Content-Type": CONTENT_TYPES[form], "Cache-Control": "no-store"}
        return Response(self._scrapes.text(form), headers=headers)

    def evaluated(self, found: Assessment) -> None:
        """Take in a window whose evaluation was just committed."""
        self._traffic.take(found.model, found.version, found.window, found.current)
        if found.report is None:
            return
        standing = self._standings.take(found.window, found.state, found.report, found.instances)
        self._changed = True
        if standing is not None and self._results is not None:
            self._results.add(standing)

    def suggested(self, made: Sequence[MadeSuggestion]) -> None:
        """Have suggestions told that were just made."""
        if self._results is not None:
            self._results.suggested(made)

    async def round_ended(self) -> None:
        """Have what changed in this round told."""
        if await asyncio.to_thread(self._forget_what_is_gone) or self._changed:
            self._changed = False
            await asyncio.to_thread(self._scrapes.renew)
        if self._results is not None:
            await self._results.send(self._standings, lambda: self.own_metrics({}))

    async def recall(self) -> None:
        """Take in what an earlier process evaluated; to be called before the first round."""
        await asyncio.to_thread(self._recall)

    async def run(self, stop: asyncio.Event) -> None:
        """Send results until ``stop`` is set."""
        if self._results is not None:
            await self._results.run(stop)

    def own_metrics(self, left_out: Mapping[str, int]) -> Iterable[Metric]:
        """Return what the collector measures of itself; see `OwnSource`."""
        outcomes = self._results.outcomes if self._results is not None else {}
        return [
            *own_metrics.receiver_metrics(self._counts),
            *own_metrics.alert_metrics(self._alerts.open_alerts()),
            *own_metrics.notice_metrics(self._deliveries()),
            *own_metrics.told_metrics(left_out, outcomes),
            *self._measures.metrics(),
        ]

    def _deliveries(self) -> Mapping[str, Delivery]:
        try:
            return self._notices.deliveries()
        except StoreError:
            return {}

    def _forget_what_is_gone(self) -> bool:
        """Let go of versions of which the store holds nothing any more; whether there were any."""
        try:
            gone = {(f.model, f.version) for f in self._store.versions() if f.was_let_go}
        except StoreError:
            return False
        return self._standings.forget(gone) | self._traffic.forget(gone)

    def _recall(self) -> None:
        try:
            for seen in self._store.versions():
                self._recall_version(seen)
            self._scrapes.renew([FIRST_ASKED])
        except ModelwatchError as error:
            logger.warning("earlier evaluations cannot be shown: %s", error)

    def _recall_version(self, seen: VersionSeen) -> None:
        try:
            standing = recalled(self._store, seen, seconds=self._window_seconds)
        except FormatError as error:
            logger.warning("%s %s cannot be shown: %s", seen.model, seen.version, error)
            return
        if standing is not None:
            self._standings.recall(standing)
            self._traffic.known_until(seen.model, seen.version, standing.window.end_ns)
