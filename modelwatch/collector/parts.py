"""What a collector is made of, put together around one open store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from modelwatch.collector.alerting.alerting import Alerting
from modelwatch.collector.alerting.channels import Channels
from modelwatch.collector.alerting.posting import Poster
from modelwatch.collector.alerting.sender import Sender
from modelwatch.collector.alerting.sqlite_alerts import SqliteAlerts
from modelwatch.collector.evaluating.baseline_history import SqliteBaselineHistory
from modelwatch.collector.evaluating.deployments import Deployments
from modelwatch.collector.evaluating.evaluation import Evaluator
from modelwatch.collector.evaluating.label_growth import LabelGrowth
from modelwatch.collector.evaluating.label_reader import LabelReader
from modelwatch.collector.evaluating.performance_history import PerformanceHistory
from modelwatch.collector.evaluating.scheduler import Schedule, Scheduler
from modelwatch.collector.offered_metrics import offered_metrics
from modelwatch.collector.options import CollectorOptions
from modelwatch.collector.outcomes.horizon import DEFAULT_HORIZON_SECONDS
from modelwatch.collector.receiving.exports import ReceiverLimits
from modelwatch.collector.receiving.intake import Intake
from modelwatch.collector.receiving.received import ReceiverCounts
from modelwatch.collector.rollout_parts import RolloutParts
from modelwatch.collector.security.audit_api import AuditApi
from modelwatch.collector.security.audit_log import AuditLog
from modelwatch.collector.security.tls import ServerTls
from modelwatch.collector.serving.api import VERSION_PATH, build_api
from modelwatch.collector.serving.labels_api import LabelsApi
from modelwatch.collector.serving.readiness import Readiness, store_probe
from modelwatch.collector.showing.listening import Listeners
from modelwatch.collector.showing.self_measures import (
    MeasuredEvaluator,
    MeasuredOutcomes,
    MeasuredSink,
    SelfMeasures,
)
from modelwatch.collector.showing.showing import Showing
from modelwatch.collector.storing.database import Database
from modelwatch.collector.storing.known_time import known_time
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.collector.time_bounds import TimeBounds

__all__ = ["Parts"]


class Parts:
    """All but the servers: what takes exports, judges windows, tells of them and answers.

    Attributes:
        intake: takes exports.
        api: the API and the pages.

    Args:
        database: the open file; whoever opened it closes it.
        options: how the collector runs.
        pages_url: where the pages are found.
        tls: the servers' certificate, where they have one.
        clock: Unix nanoseconds.
        monotonic: nanoseconds that never jump; None where the clock is to be believed if it does.

    Raises:
        ConfigurationError: the configuration file is wrong.
        StoreError: the store cannot be read.
    """

    def __init__(
        self,
        database: Database,
        options: CollectorOptions,
        *,
        pages_url: str,
        tls: ServerTls | None,
        clock: Callable[[], int],
        monotonic: Callable[[], int] | None,
    ) -> None:
        self._clock = clock
        self._trace_links = options.trace_links
        bounds = TimeBounds(clock, monotonic=monotonic, known_ns=known_time(database))
        self._store = store = _store(database, options, clock, bounds)
        measures = SelfMeasures(database.path)
        known_labels = LabelReader(store, window_seconds=options.window_seconds)
        origins = Deployments(store, window_seconds=options.window_seconds)
        evaluator = MeasuredEvaluator(store, measures, labels=known_labels, origins=origins)
        schedule = _schedule(options)
        counts = ReceiverCounts()
        self.intake = self._take_in(options, measures, counts, bounds)
        labels = LabelsApi(self.intake.outcomes, store, options, clock=clock)
        self._alerts = SqliteAlerts(database)
        self._alerting = alerting = Alerting(
            self._alerts,
            store,
            evaluator,
            schedule,
            options.alerting,
            pages_url=pages_url,
            clock=clock,
            bounds=bounds,
        )
        self._follow_configuration(options)
        self._showing = showing = Showing(
            store,
            counts,
            measures,
            options.showing,
            alerts=alerting,
            notices=self._alerts,
            window_seconds=options.window_seconds,
            clock=clock,
        )
        seconds = options.window_seconds
        performance = PerformanceHistory(store, evaluator, known_labels, window_seconds=seconds)
        rollouts = RolloutParts(
            database, store, evaluator, alerting, showing, window_seconds=seconds, clock=clock
        )
        listeners = Listeners(alerting, showing, rollouts.suggesting)
        self._scheduler = self._scheduled(evaluator, schedule, known_labels, listeners)
        checks = {
            "store": store_probe(database, clock=bounds.earliest_ns),
            "schedule": self._scheduler.check,
            "config": alerting.check,
        }
        self.api = build_api(
            store,
            evaluator,
            options,
            counts,
            alerting,
            self._alerts,
            SqliteBaselineHistory(database),
            performance=performance,
            clock=clock,
            readiness=Readiness({**checks, **({"tls": tls.check} if tls else {})}),
            routers=[
                AuditApi(AuditLog(database)).router(),
                showing.router(),
                labels.router(VERSION_PATH),
                rollouts.router(),
            ],
        )

    def _take_in(
        self,
        options: CollectorOptions,
        measures: SelfMeasures,
        counts: ReceiverCounts,
        bounds: TimeBounds,
    ) -> Intake:
        """Return what takes exports, each of its sinks measured."""
        store = self._store
        return Intake(
            MeasuredSink(store, measures),
            _limits(options),
            counts,
            options.receiving,
            outcomes=MeasuredOutcomes(store, measures),
            clock=self._clock,
            examples=store,
            bounds=bounds,
        )

    def _scheduled(
        self, evaluator: Evaluator, schedule: Schedule, labels: LabelReader, listeners: Listeners
    ) -> Scheduler:
        store = self._store
        return Scheduler(
            store,
            evaluator,
            schedule,
            growth=LabelGrowth(labels, store, window_seconds=schedule.window_seconds),
            listener=listeners,
            clock=self._clock,
        )

    def _follow_configuration(self, options: CollectorOptions) -> None:
        """Have other parts hear of the configuration file too."""
        store, hear = self._store, self._alerting.hear
        hear(lambda found: self.intake.limit(found.limits))
        if options.label_horizon_seconds is None:
            hear(lambda found: store.wait_for_labels(found.labels.horizon))

    def background(
        self, stop: asyncio.Event, reload: asyncio.Event, poster: Poster
    ) -> list[Coroutine[Any, Any, None]]:
        """Return what runs beside the servers until ``stop`` is set, each for a task of its own.

        Args:
            stop: ends it.
            reload: has the configuration file read anew each time it is set.
            poster: sends notices.
        """
        channels = Channels(
            poster=poster, pages_url=self._alerting.pages_url, trace_links=self._trace_links
        )
        sender = Sender(self._alerts, self._alerting, channels, clock=self._clock)
        return [
            sender.run(stop),
            self._alerting.follow(reload, stop),
            self._evaluate(stop),
            self._showing.run(stop),
            self._store.keep(stop),
        ]

    async def _evaluate(self, stop: asyncio.Event) -> None:
        await self._showing.recall()  # first: what begins to drift is told from what did before
        await self._scheduler.run(stop)


def _store(
    database: Database, options: CollectorOptions, clock: Callable[[], int], bounds: TimeBounds
) -> SqliteStore:
    return SqliteStore(
        database,
        dedupe_seconds=options.dedupe_seconds,
        window_seconds=options.window_seconds,
        retention=options.retention,
        custom_metrics=offered_metrics(),
        label_horizon_seconds=options.label_horizon_seconds or DEFAULT_HORIZON_SECONDS,
        most_waiting=options.write_queue_size,
        clock=clock,
        bounds=bounds,
    )


def _schedule(options: CollectorOptions) -> Schedule:
    return Schedule(
        window_seconds=options.window_seconds,
        interval_seconds=options.evaluation_interval_seconds,
        lateness_seconds=options.lateness_seconds,
    )


def _limits(options: CollectorOptions) -> ReceiverLimits:
    return ReceiverLimits(
        max_body_bytes=options.max_body_bytes,
        max_decompressed_bytes=options.max_decompressed_bytes,
        max_requests=options.max_requests,
        max_reading=options.max_reading,
        body_timeout_seconds=options.body_timeout_seconds,
    )
