"""The composition root: one process with a store, a schedule and two servers."""

from __future__ import annotations

import asyncio
import contextlib
import gc
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

from modelwatch.collector.alerting.posting import Poster
from modelwatch.collector.options import CollectorOptions
from modelwatch.collector.parts import Parts
from modelwatch.collector.security.fence import Fence, require_closable
from modelwatch.collector.security.options import SecurityOptions
from modelwatch.collector.security.tls import ServerTls
from modelwatch.collector.storing.database import Database
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

    SIGHUP has it read its configuration file and the files of TLS anew. One line on standard
    output says where it listens, once it does.

    Raises:
        ConfigurationError: a port is taken, the host is not an address of this machine or open to
            all, a file of TLS cannot be used, or the configuration file is wrong.
        StoreError: the store cannot be opened.
    """
    # What is imported stays: looking through it in each full collection holds answers up by 50 ms.
    gc.freeze()
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
    reloading: list[Callable[[], None]] = []
    loop.add_signal_handler(signal.SIGHUP, lambda: [again() for again in reloading])
    await serve(options, stop=stop, ready=_announce, reloading=reloading)


def _announce(addresses: Addresses) -> None:
    sys.stdout.write(f"{addresses}\n")
    sys.stdout.flush()


async def serve(
    options: CollectorOptions,
    *,
    stop: asyncio.Event,
    ready: Callable[[Addresses], None],
    clock: Callable[[], int] = time.time_ns,
    monotonic: Callable[[], int] | None = time.monotonic_ns,
    reloading: list[Callable[[], None]] | None = None,
) -> None:
    """Run a collector in the current event loop until ``stop`` is set.

    Args:
        options: how it runs.
        stop: ends it, in order: no new requests, requests under way answered, store committed.
        ready: called once, when both servers accept connections.
        clock: Unix nanoseconds.
        monotonic: nanoseconds that never jump, by which it is told that the clock did; None where
            the clock is to be believed all the same.
        reloading: is given what reads files again that may have changed, for SIGHUP.

    Raises:
        ConfigurationError: a port is taken, the host is not an address of this machine or open to
            all, a file of TLS cannot be used, or the configuration file is wrong.
        StoreError: the store cannot be opened.
    """
    security = options.security
    tls = ServerTls(security.tls) if security.tls else None
    require_closable(options.host, options.store_path, insecure=options.insecure)
    with contextlib.ExitStack() as resources:
        otlp = resources.enter_context(_listening(options, "otlp_http_port"))
        pages = resources.enter_context(_listening(options, "api_port"))
        database = Database(
            options.store_path,
            queue_size=options.write_queue_size,
            lock_seconds=options.lock_seconds,
        )
        resources.callback(database.close)
        fence = Fence(database, host=options.host, options=security, clock=clock)
        await fence.require_closed(insecure=options.insecure)
        parts = Parts(
            database,
            options,
            pages_url=_url(pages, tls),
            tls=tls,
            clock=clock,
            monotonic=monotonic,
        )
        intake = parts.intake
        received = fence.around_receiver(intake.receiver)
        fenced = ((received, otlp), (fence.around_api(parts.api), pages))
        servers = [_Server(app, port, security, tls) for app, port in fenced]
        credentials = tls.grpc_credentials() if tls is not None else None
        intake.listen(received, host=options.host, credentials=credentials)
        addresses = Addresses(
            otlp_http=_url(otlp, tls),
            pages=_url(pages, tls),
            store=database.path,
            otlp_grpc=intake.grpc_address,
        )
        reload = asyncio.Event()
        if reloading is not None:
            reloading += [reload.set, *([tls.reload] if tls is not None else [])]
        async with Poster() as poster, asyncio.TaskGroup() as tasks:
            for work in parts.background(stop, reload, poster):
                tasks.create_task(work)
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


class _Server(uvicorn.Server):
    """A uvicorn server on a socket that is bound already, which leaves signals alone.

    Two servers share the process: were each to catch signals, only one would hear them.
    """

    def __init__(
        self,
        app: ASGIApp,
        listening: socket.socket,
        security: SecurityOptions,
        tls: ServerTls | None,
    ) -> None:
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=bool(security.trusted_proxies),
            forwarded_allow_ips=list(security.trusted_proxies),
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
        config.load()
        config.ssl = tls.context if tls else None
        super().__init__(config)
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


def _url(listening: socket.socket, tls: ServerTls | None) -> str:
    scheme = "https" if tls else "http"
    host, port = listening.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
