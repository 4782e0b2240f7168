from __future__ import annotations

from typing import Any

import pytest

from modelwatch.errors import ConfigurationError
from modelwatch.telemetry.transport import SignalOptions, TransportOptions

PREFIX = "OTEL_EXPORTER_OTLP"


def test_the_environment_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    """The standard variables set all that a transport can be told."""
    for name, value in {
        "ENDPOINT": "http://collector:4318/",
        "HEADERS": "authorization=Bearer%20abc, x-team=ml",
        "TIMEOUT": "3",
        "COMPRESSION": "none",
        "CERTIFICATE": "ca.pem",
        "CLIENT_CERTIFICATE": "own.pem",
        "CLIENT_KEY": "key.pem",
    }.items():
        monkeypatch.setenv(f"{PREFIX}_{name}", value)
    options = TransportOptions.from_environment()
    assert options.metrics == SignalOptions(
        address="http://collector:4318/v1/metrics",
        headers=(("authorization", "Bearer abc"), ("x-team", "ml")),
        timeout_seconds=3.0,
        compression="none",
        certificate="ca.pem",
        client_certificate="own.pem",
        client_key="key.pem",
    )
    assert options.logs.address == "http://collector:4318/v1/logs"


def test_each_signal_may_have_all_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is set for one signal leaves the other as it is for all."""
    for name, value in {
        "HEADERS": "x-key=metrics",
        "TIMEOUT": "4",
        "COMPRESSION": "none",
        "CERTIFICATE": "metrics.pem",
        "PROTOCOL": "grpc",
        "ENDPOINT": "metrics:4317",
        "INSECURE": "true",
    }.items():
        monkeypatch.setenv(f"{PREFIX}_METRICS_{name}", value)
    options = TransportOptions.from_environment()
    assert options.metrics == SignalOptions(
        address="metrics:4317",
        protocol="grpc",
        headers=(("x-key", "metrics"),),
        timeout_seconds=4.0,
        compression="none",
        certificate="metrics.pem",
        insecure=True,
    )
    assert options.logs == SignalOptions(address="http://127.0.0.1:4318/v1/logs")


def test_addresses_go_from_the_argument_to_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal's own variable is a full address; an endpoint given in code goes before all."""
    monkeypatch.setenv(f"{PREFIX}_ENDPOINT", "http://all:1")
    monkeypatch.setenv(f"{PREFIX}_METRICS_ENDPOINT", "http://metrics:2/in")
    options = TransportOptions.from_environment()
    assert options.of("metrics").address == "http://metrics:2/in"
    assert options.of("logs").address == "http://all:1/v1/logs"
    given = TransportOptions.from_environment("http://given:3/")
    assert given.of("metrics").address == "http://given:3/v1/metrics"


def test_grpc_has_a_port_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where only the protocol is set, the port is gRPC's; no path is appended to an endpoint."""
    monkeypatch.setenv(f"{PREFIX}_PROTOCOL", "grpc")
    assert TransportOptions.from_environment().metrics.address == "http://127.0.0.1:4317"
    assert TransportOptions.from_environment("http://c:1").logs.address == "http://c:1"
    monkeypatch.setenv(f"{PREFIX}_ENDPOINT", "http://127.0.0.1:4318")
    assert TransportOptions.from_environment().logs.address == "http://127.0.0.1:4318"


@pytest.mark.parametrize(
    ("address", "insecure", "secure"),
    [
        ("http://c:4317", False, False),
        ("https://c:4317", True, True),
        ("c:4317", False, True),
        ("c:4317", True, False),
        ("dns:///c:4317", True, False),
    ],
)
def test_a_scheme_decides_on_tls(address: str, insecure: bool, secure: bool) -> None:
    """Without http or https the variable counts, and with either it does not."""
    assert SignalOptions(address=address, protocol="grpc", insecure=insecure).is_secure is secure


@pytest.mark.parametrize("endpoint", ["collector:4318", "ftp://c", "http://", ""])
def test_a_wrong_endpoint_is_refused(endpoint: str) -> None:
    """An endpoint without scheme or host is named, with an example."""
    with pytest.raises(ConfigurationError, match="endpoint"):
        SignalOptions(address=endpoint)


@pytest.mark.parametrize("endpoint", ["ftp://c", "https://", "", " "])
def test_a_wrong_grpc_endpoint_is_refused(endpoint: str) -> None:
    """A target that can never work is named, with an example."""
    with pytest.raises(ConfigurationError, match=r"endpoint.+grpc.+4317"):
        SignalOptions(address=endpoint, protocol="grpc")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PROTOCOL", "http/json"),
        ("METRICS_PROTOCOL", "http/json"),
        ("COMPRESSION", "zstd"),
        ("HEADERS", "junk"),
        ("LOGS_HEADERS", "=junk"),
        ("HEADERS", "x key=1"),
        ("METRICS_HEADERS", "x-key=a%0d%0ab"),
        ("HEADERS", "x-key=\u00fc"),
        ("TIMEOUT", "0"),
        ("METRICS_TIMEOUT", "soon"),
        ("LOGS_INSECURE", "perhaps"),
        ("CLIENT_KEY", "key.pem"),
    ],
)
def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """What cannot work is refused at once, by the name of the variable where it is at fault."""
    monkeypatch.setenv(f"{PREFIX}_{name}", value)
    general = name.removeprefix("METRICS_").removeprefix("LOGS_")
    with pytest.raises(ConfigurationError, match=f"{PREFIX}_(METRICS_|LOGS_)?{general}"):
        TransportOptions.from_environment()


def test_a_header_that_cannot_be_sent_does_not_show_its_value() -> None:
    """The name stands in the error, the value, which may be a secret, does not."""
    with pytest.raises(ConfigurationError, match="'x-key'") as found:
        SignalOptions(address="http://c:1", headers=(("x-key", "hunter2\n"),))
    assert "hunter2" not in str(found.value)


def test_secrets_are_not_shown() -> None:
    """Headers are left out of what is printed or logged."""
    secret: Any = {"headers": (("authorization", "Bearer abc"),)}
    one = SignalOptions(address="http://c:1", **secret)
    assert "abc" not in repr(TransportOptions(metrics=one, logs=one))
    assert "http://c:1" in repr(one)
