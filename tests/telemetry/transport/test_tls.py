"""TLS over both protocols, with certificates made for the test."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme

from modelwatch.telemetry.transport import (
    Outcome,
    SignalOptions,
    TransportOptions,
    open_transport,
)

Serve = Callable[[trustme.CA], AbstractContextManager[int]]


@contextmanager
def serve_http(authority: trustme.CA) -> Iterator[int]:
    """A server that shows a certificate and asks for the client's."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *args: Any) -> None:
            """Say nothing of clients that cannot be trusted."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


@contextmanager
def serve_grpc(authority: trustme.CA) -> Iterator[int]:
    """The same, over gRPC."""

    own = authority.issue_cert("127.0.0.1")
    chain = b"".join(blob.bytes() for blob in own.cert_chain_pems)
    credentials = grpc.ssl_server_credentials(
        [(own.private_key_pem.bytes(), chain)], authority.cert_pem.bytes(), True
    )
    handler = grpc.method_handlers_generic_handler(
        "opentelemetry.proto.collector.metrics.v1.MetricsService",
        {"Export": grpc.unary_unary_rpc_method_handler(lambda body, context: b"")},
    )
    server = grpc.server(futures.ThreadPoolExecutor(2), handlers=[handler])
    port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    yield port
    server.stop(None).wait(10)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Names of certificate files of an authority."""
    return {
        name: str(tmp_path / f"{name}.pem")
        for name in ("certificate", "client_certificate", "client_key")
    }


@pytest.fixture
def authority(files: dict[str, str]) -> trustme.CA:
    """An authority, and files with its certificate and one that it gave to the client."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(files["certificate"])
    client = authority.issue_cert("client.test")
    for blob in client.cert_chain_pems:
        blob.write_to_path(files["client_certificate"], append=True)
    client.private_key_pem.write_to_path(files["client_key"])
    return authority


def send(protocol: Any, port: int, files: dict[str, Any]) -> Outcome:
    """Send one message over TLS."""
    one = SignalOptions(address=f"https://127.0.0.1:{port}", protocol=protocol, **files)
    transport = open_transport(TransportOptions(metrics=one, logs=one))
    outcome = transport.send("metrics", b"")
    transport.close()
    return outcome


@pytest.mark.parametrize(
    ("protocol", "serve"), [("http/protobuf", serve_http), ("grpc", serve_grpc)]
)
def test_certificates_of_both_sides_count(
    authority: trustme.CA, files: dict[str, str], protocol: str, serve: Serve
) -> None:
    """With all three files a message arrives; without trust or without its own it does not."""
    with serve(authority) as port:
        assert send(protocol, port, files).status == "accepted"
        assert send(protocol, port, {}).status == "unreachable"
        trusting = {"certificate": files["certificate"]}
        assert send(protocol, port, trusting).status == "unreachable"
