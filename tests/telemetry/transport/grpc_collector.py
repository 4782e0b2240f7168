"""A gRPC server on the loopback that answers as it is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import grpc

METRICS = "opentelemetry.proto.collector.metrics.v1.MetricsService"
LOGS = "opentelemetry.proto.collector.logs.v1.LogsService"


@dataclass
class Collector:
    """What a server on the loopback answers, and what it was sent."""

    url: str = ""
    code: grpc.StatusCode | None = None
    details: str = "the reason"
    trailing: tuple[tuple[str, bytes], ...] = ()
    body: bytes = b""
    held: threading.Event = field(default_factory=threading.Event)
    received: list[tuple[str, dict[str, Any], bytes]] = field(default_factory=list)


@contextmanager
def serve(state: Collector, port: int = 0) -> Iterator[None]:
    """Run a real gRPC server on a port, a free one where none is given."""

    def export(service: str, body: bytes, context: Any) -> bytes:
        state.received.append((service, dict(context.invocation_metadata()), body))
        state.held.wait(20)
        if state.code is not None:
            context.set_trailing_metadata(state.trailing)
            context.abort(state.code, state.details)
        return state.body

    handlers = [
        grpc.method_handlers_generic_handler(
            service, {"Export": grpc.unary_unary_rpc_method_handler(partial(export, service))}
        )
        for service in (METRICS, LOGS)
    ]
    limit = (("grpc.max_receive_message_length", 10_000),)
    server = grpc.server(futures.ThreadPoolExecutor(4), handlers=handlers, options=limit)
    state.url = f"http://127.0.0.1:{server.add_insecure_port(f'127.0.0.1:{port}')}"
    server.start()
    yield
    state.held.set()
    server.stop(None).wait(10)
