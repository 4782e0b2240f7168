"""The composition root: one process with a store, a schedule and two servers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from modelwatch.collector.alerting.alerting import Alerting
from modelwatch.collector.alerting.channels import Channels
from modelwatch.collector.alerting.posting import Poster
from modelwatch.collector.alerting.sender import Sender
from modelwatch.collector.alerting.sqlite_alerts import SqliteAlerts
from modelwatch.collector.evaluating.scheduler import Schedule, Scheduler
from modelwatch.collector.options import CollectorOptions
from modelwatch.collector.receiving.intake import Intake
from modelwatch.collector.receiving.received import ReceiverCounts
from modelwatch.collector.receiving.receiver import ReceiverLimits
from modelwatch.collector.serving.api import build_api
from modelwatch.collector.showing.listening import Listeners
from modelwatch.collector.showing.self_measures import MeasuredEvaluator, MeasuredSink, SelfMeasures
from modelwatch.collector.showing.showing import Showing
from modelwatch.collector.storing.database import Database
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.errors import ConfigurationError

__all__ = ["Addresses", "CollectorOptions", "run", "serve"]

SHUTDOWN_SECONDS = 5
"""How long requests under way may take once the collector is told to stop."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where a running collector is found."""

    otlp_http: str
    pages: str
    store: Path
    otlp_grpc: str = ""

    def __str__(self) -> str:
        otlp = f"{self.otlp_http} and {self.otlp_grpc} (gRPC)" if self.otlp_grpc else self.otlp_http
        return f"modelwatch collector: OTLP {otlp}, pages {self.pages}, store {self.store}"


def run(options: CollectorOptions) -> None:
    """Run a collector until SIGTERM or SIGINT, then commit what is pending and return.

    SIGHUP has it read its configuration file anew. One line on standard output says where it
    listens, once it does.

    Raises:
        ConfigurationError: a port is taken, or the host is not an address of this machine.
        StoreError: the store cannot be opened.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_run(options))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes uvloop's event loops, where it is installed; else None."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _run(options: CollectorOptions) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    reload = asyncio.Event()
    loop.add_signal_handler(signal.SIGHUP, reload.set)
    await serve(options, stop=stop, ready=_announce, reload=reload)


def _announce(addresses: Addresses) -> None:
    sys.stdout.write(f"{addresses}\n")
    sys.stdout.flush()


async def serve(
    options: CollectorOptions,
    *,
    stop: asyncio.Event,
    ready: Callable[[Addresses], None],
    reload: asyncio.Event | None = None,
    clock: Callable[[], int] = time.time_ns,
) -> None:
    """Run a collector in the current event loop until ``stop`` is set.

    Args:
        options: how it runs.
        stop: ends it, in order: no new requests, requests under way answered, store committed.
        ready: called once, when both servers accept connections.
        reload: has the configuration file read anew each time it is set.
        clock: Unix nanoseconds.

    Raises:
        ConfigurationError: a port is taken, the host is not an address of this machine, or the
            configuration file is wrong.
        StoreError: the store cannot be opened.
    """
    with contextlib.ExitStack() as resources:
        otlp = resources.enter_context(_listening(options, "otlp_http_port"))
        pages = resources.enter_context(_listening(options, "api_port"))
        database = Database(
            options.store_path,
            queue_size=options.write_queue_size,
            lock_seconds=options.lock_seconds,
        )
        resources.callback(database.close)
        store = SqliteStore(
            database,
            dedupe_seconds=options.dedupe_seconds,
            window_seconds=options.window_seconds,
            retention=options.retention,
            most_waiting=options.write_queue_size,
            clock=clock,
        )
        measures = SelfMeasures(database.path)
        evaluator = MeasuredEvaluator(store, measures)
        schedule = Schedule(
            window_seconds=options.window_seconds,
            interval_seconds=options.evaluation_interval_seconds,
            lateness_seconds=options.lateness_seconds,
        )
        counts = ReceiverCounts()
        intake = Intake(
            MeasuredSink(store, measures),
            _limits(options),
            counts,
            options.receiving,
            is_new=not store.versions(),
            clock=clock,
        )
        alerts = SqliteAlerts(database)
        alerting = Alerting(
            alerts,
            store,
            evaluator,
            schedule,
            options.alerting,
            pages_url=_url(pages),
            clock=clock,
        )
        showing = Showing(store, counts, measures, options.showing, alerts=alerting, clock=clock)
        further = (showing.router(),)
        api = build_api(
            store,
            evaluator,
            options,
            counts,
            alerting,
            alerts,
            more=further,
            clock=clock,
        )
        servers = [_Server(intake.receiver.app(), otlp), _Server(api, pages)]
        intake.listen(intake.receiver.app(), host=options.host)
        addresses = Addresses(
            otlp_http=_url(otlp),
            pages=_url(pages),
            store=database.path,
            otlp_grpc=intake.grpc_address,
        )
        scheduler = Scheduler(
            store, evaluator, schedule, listener=Listeners(alerting, showing), clock=clock
        )
        async with Poster() as poster, asyncio.TaskGroup() as tasks:
            channels = Channels(poster=poster, pages_url=alerting.pages_url)
            tasks.create_task(Sender(alerts, alerting, channels, clock=clock).run(stop))
            tasks.create_task(alerting.follow(reload or asyncio.Event(), stop))
            tasks.create_task(_evaluate(scheduler, showing, stop))
            tasks.create_task(showing.run(stop))
            tasks.create_task(store.keep(stop))
            for server in servers:
                tasks.create_task(server.serve())
            tasks.create_task(intake.run(stop))
            for accepting in (intake.accepting, *(server.accepting for server in servers)):
                await accepting.wait()
            logger.info("%s", addresses)
            ready(addresses)
            await stop.wait()
            for server in servers:
                server.should_exit = True


async def _evaluate(scheduler: Scheduler, showing: Showing, stop: asyncio.Event) -> None:
    await showing.recall()  # first, since what begins to drift is told from what did before
    await scheduler.run(stop)


def _limits(options: CollectorOptions) -> ReceiverLimits:
    return ReceiverLimits(
        max_body_bytes=options.max_body_bytes,
        max_decompressed_bytes=options.max_decompressed_bytes,
        max_requests=options.max_requests,
        max_reading=options.max_reading,
        body_timeout_seconds=options.body_timeout_seconds,
    )


class _Server(uvicorn.Server):
    """A uvicorn server on a socket that is bound already, which leaves signals alone.

    Two servers share the process: were each to catch signals, only one would hear them.
    """

    def __init__(self, app: ASGIApp, listening: socket.socket) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="off",
                server_header=False,
                timeout_graceful_shutdown=SHUTDOWN_SECONDS,
            )
        )
        self.accepting = asyncio.Event()
        self._listening = listening

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        await super().serve(sockets or [self._listening])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.accepting.set()


@contextlib.contextmanager
def _listening(options: CollectorOptions, port_option: str) -> Iterator[socket.socket]:
    port: int = getattr(options, port_option)
    try:
        family, *_, address = socket.getaddrinfo(
            options.host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.create_server(address[:2], family=family, backlog=512)
    except OSError as error:
        raise ConfigurationError(
            f"the collector cannot listen on {options.host} port {port}: {error.strerror}. Stop "
            f"what uses the port, or give another host or {port_option} (0 takes a free port)."
        ) from error
    with listening:
        yield listening


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
