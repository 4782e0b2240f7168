"""The OTLP/gRPC receiver: a way into the OTLP/HTTP receiver, whatever surrounds that.

A call becomes a request of HTTP to the ASGI application, and its answer the answer of the call: one
way of handling, with the same limits, counts and permissions. Metadata are the headers.

Messages arrive as they were sent and are decompressed where those of HTTP are, within the same
limits: gRPC's own decompression is switched off. That a message is compressed is seen by its first
byte, which begins no message of OTLP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import grpc
import grpc.aio
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError
from google.rpc.code_pb2 import UNKNOWN
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from starlette.types import ASGIApp, Message, Scope

from modelwatch.collector.receiving.rpc_status import PROTOBUF
from modelwatch.collector.receiving.signals import SIGNALS, Signal
from modelwatch.errors import ConfigurationError

__all__ = ["GrpcReceiver"]

_GZIP: Final = b"\x1f\x8b"
_STATUS_DETAILS: Final = "grpc-status-details-bin"
_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}

Context = grpc.aio.ServicerContext[bytes, bytes]


class GrpcReceiver:
    """A gRPC server in front of an ASGI application that takes OTLP/HTTP.

    Args:
        app: the receiver, with whatever checks its requests.
        host: address to listen on.
        port: port; 0 takes a free one.
        max_body_bytes: most bytes of a message as sent; more is RESOURCE_EXHAUSTED.
        credentials: TLS; plain text where None.

    Raises:
        ConfigurationError: the port cannot be listened on.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        host: str,
        port: int,
        max_body_bytes: int,
        credentials: grpc.ServerCredentials | None = None,
    ) -> None:
        self._app = app
        self._scheme = "http" if credentials is None else "https"
        self._server = grpc.aio.server(
            options=(
                ("grpc.max_receive_message_length", max_body_bytes),
                ("grpc.per_message_decompression", 0),
                ("grpc.so_reuseport", 0),
            )
        )
        self._server.add_generic_rpc_handlers([self._service(s) for s in SIGNALS.values()])
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            if credentials is None:
                self.port = self._server.add_insecure_port(address)
            else:
                self.port = self._server.add_secure_port(address, credentials)
        except RuntimeError as error:
            raise ConfigurationError(
                f"the collector cannot listen on {host} port {port} for OTLP/gRPC. Stop what uses "
                "the port, or give another host or otlp_grpc_port (0 takes a free port)."
            ) from error
        self.address = f"{self._scheme}://{address.rpartition(':')[0]}:{self.port}"

    async def start(self) -> None:
        """Accept calls from now on."""
        await self._server.start()

    async def stop(self, *, grace_seconds: float) -> None:
        """Take no more calls, and return once those under way are answered, or after a time."""
        await self._server.stop(grace_seconds)

    def _service(self, signal: Signal) -> grpc.GenericRpcHandler[bytes, bytes]:
        async def export(message: bytes, context: Context) -> bytes:
            return await self._export(signal, message, context)

        handler = grpc.unary_unary_rpc_method_handler(export)
        return grpc.method_handlers_generic_handler(signal.service, {"Export": handler})

    async def _export(self, signal: Signal, message: bytes, context: Context) -> bytes:
        answer = await _ask(self._app, _scope(signal, message, context, self._scheme), message)
        if answer.status == 200:
            return answer.content
        status = answer.read_status()
        code = _CODES.get(status.code, grpc.StatusCode.UNKNOWN)
        details = ((_STATUS_DETAILS, status.SerializeToString()),)
        await context.abort(code, status.message, details)
        raise AssertionError("abort has raised")


class _Answer:
    """What an application answers a request with."""

    def __init__(self) -> None:
        self.status = 500
        self.headers: dict[bytes, bytes] = {}
        self.content = b""

    async def take(self, message: Message) -> None:
        """Take one message of the application."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = dict(message["headers"])
        elif message["type"] == "http.response.body":
            self.content += message.get("body", b"")

    def read_status(self) -> Status:
        """Return the status in the answer, with when to try again where that is told."""
        try:
            status = Status.FromString(self.content)
        except DecodeError:
            status = Status(message=self.content[:200].decode("utf-8", "replace"))
        status.code = status.code or UNKNOWN
        wait = self.headers.get(b"retry-after", b"")
        if wait.isdigit():
            status.details.add().Pack(RetryInfo(retry_delay=Duration(seconds=int(wait))))
        return status


async def _ask(app: ASGIApp, scope: Scope, body: bytes) -> _Answer:
    answer = _Answer()
    parts: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if parts:
            return parts.pop()
        await asyncio.get_running_loop().create_future()  # the client does not leave meanwhile
        raise AssertionError("never resolved")

    await app(scope, receive, answer.take)
    return answer


def _scope(signal: Signal, message: bytes, context: Context, scheme: str) -> Scope:
    headers = [
        (b"content-type", PROTOBUF.encode()),
        (b"content-length", str(len(message)).encode()),
        (b"content-encoding", b"gzip" if message.startswith(_GZIP) else b"identity"),
    ]
    for name, value in context.invocation_metadata() or ():
        if not name.endswith("-bin") and not name.startswith("content-"):
            headers.append((name.encode(), _bytes(value)))
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "2",
        "method": "POST",
        "scheme": scheme,
        "path": signal.path,
        "raw_path": signal.path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": headers,
        "client": _client(context.peer()),
        "server": None,
    }


def _bytes(value: str | bytes) -> bytes:
    return value.encode("latin-1", "replace") if isinstance(value, str) else value


def _client(peer: str) -> Sequence[Any] | None:
    """Return host and port of a peer as gRPC names it.

    >>> _client("ipv4:127.0.0.1:4000")
    ('127.0.0.1', 4000)
    >>> _client("ipv6:%5B::1%5D:4000")
    ('::1', 4000)
    """
    kind, _, address = peer.partition(":")
    host, _, port = address.rpartition(":")
    if kind not in ("ipv4", "ipv6") or not port.isdecimal():
        return None
    return host.replace("%5B", "").replace("%5D", "").strip("[]"), int(port)
