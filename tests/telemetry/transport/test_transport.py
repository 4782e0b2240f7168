from __future__ import annotations

import subprocess
import sys

import pytest

from modelwatch.errors import ConfigurationError
from modelwatch.telemetry.transport import HttpTransport, TransportOptions, open_transport
from modelwatch.telemetry.transport.otlp_grpc import GrpcTransport

PROTOCOL = "OTEL_EXPORTER_OTLP_PROTOCOL"


def test_the_protocol_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTP unless grpc is asked for."""
    assert isinstance(open_transport(TransportOptions.from_environment()), HttpTransport)
    monkeypatch.setenv(PROTOCOL, "grpc")
    assert isinstance(open_transport(TransportOptions.from_environment()), GrpcTransport)


def test_without_grpc_installed_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A choice that cannot work is refused where the watch is made, not when it sends."""
    monkeypatch.setenv(PROTOCOL, "grpc")
    options = TransportOptions.from_environment()
    monkeypatch.delitem(sys.modules, "modelwatch.telemetry.transport.otlp_grpc")
    monkeypatch.setitem(sys.modules, "grpc", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'modelwatch\[grpc\]'"):
        open_transport(options)


def test_grpc_is_imported_only_where_it_is_used() -> None:
    """A service that sends over HTTP loads none of it."""
    code = (
        "import sys, modelwatch as mw; mw.Watch('m', version='1'); "
        "print('grpc' in sys.modules or 'google.rpc' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout.strip() == "False"
