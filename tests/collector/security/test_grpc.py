"""Tokens and TLS hold for OTLP/gRPC as for HTTP."""

from __future__ import annotations

from urllib.parse import urlsplit

import grpc
import pytest

from modelwatch.collector.receiving.options import ReceivingOptions
from modelwatch.collector.receiving.signals import SIGNALS
from modelwatch.collector.security.options import SecurityOptions
from tests.collector.conftest import Running, Start, Traffic
from tests.collector.security.conftest import StoreTokens
from tests.collector.security.test_tls import Authority, authority

__all__ = ["authority"]

GRPC = ReceivingOptions(otlp_grpc_port=0)
METHOD = f"/{SIGNALS['metrics'].service}/Export"


def sent(running: Running, body: bytes, token: str) -> bytes:
    """Send metrics with a token and return the answer."""
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    with grpc.insecure_channel(urlsplit(running.grpc).netloc) as channel:
        answer: bytes = channel.unary_unary(METHOD, bytes, bytes)(
            body, timeout=30, metadata=metadata
        )
        return answer


def test_a_token_is_asked_for_over_grpc(
    start: Start, traffic: Traffic, tokens: StoreTokens
) -> None:
    """Without one a call is not authenticated, with one for reading not permitted; else taken."""
    ingest, read = tokens.make("services", "ingest"), tokens.make("me", "read")
    running = start(receiving=GRPC)
    for token, code in (
        ("", grpc.StatusCode.UNAUTHENTICATED),
        (read, grpc.StatusCode.PERMISSION_DENIED),
    ):
        with pytest.raises(grpc.RpcError) as found:
            sent(running, traffic.body(), token)
        assert found.value.code() == code
    assert sent(running, traffic.body(), ingest) == b""


def test_grpc_speaks_tls_where_http_does(
    start: Start, authority: Authority, traffic: Traffic
) -> None:
    """The same certificate; a client that speaks plain text is not understood."""
    running = start(receiving=GRPC, security=SecurityOptions(tls=authority.files()))
    assert running.grpc.startswith("https://")
    with pytest.raises(grpc.RpcError):
        sent(running, traffic.body(), "")
    trusted = grpc.ssl_channel_credentials(authority.ca.cert_pem.bytes())
    with grpc.secure_channel(urlsplit(running.grpc).netloc, trusted) as channel:
        assert channel.unary_unary(METHOD, bytes, bytes)(traffic.body(), timeout=30) == b""
