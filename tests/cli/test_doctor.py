from __future__ import annotations

import pytest

import modelwatch
from modelwatch.cli import installation
from modelwatch.cli.checks import check_environment_watch, check_settings
from modelwatch.cli.installation import installed_versions, instrumentors, setting_values
from modelwatch.cli.masking import MASK
from modelwatch.errors import ConfigurationError
from modelwatch.settings import SETTINGS
from tests.cli.conftest import Run
from tests.telemetry.transport.grpc_collector import Collector, serve

CLOSED = "http://127.0.0.1:1"


def test_offline_doctor_lists_packages_and_settings(run: Run) -> None:
    """--offline asks no server; packages and every setting are listed."""
    outcome = run("doctor", "--offline")
    assert outcome.status == 0
    assert "numpy" in outcome.out
    assert all(name in outcome.out for name in SETTINGS)


def test_unreachable_servers_are_problems(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A collector and an endpoint that do not answer are named, with status 1."""
    monkeypatch.setenv("MODELWATCH_COLLECTOR_URL", CLOSED)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", CLOSED)
    outcome = run("doctor")
    assert outcome.status == 1
    assert outcome.out.count(CLOSED) >= 2


def test_reachable_servers_are_fine(
    run: Run, monkeypatch: pytest.MonkeyPatch, running_collector: dict[str, str]
) -> None:
    """With a running collector all checks pass."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", running_collector["otlp"])
    outcome = run("doctor", "--collector", running_collector["pages"])
    assert outcome.status == 0, outcome.out


def test_endpoints_are_asked_by_the_protocol_that_is_set(
    run: Run, monkeypatch: pytest.MonkeyPatch, running_collector: dict[str, str]
) -> None:
    """A gRPC receiver is well, and one that speaks HTTP is none."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    state = Collector()
    state.held.set()
    with serve(state):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", state.url)
        outcome = run("doctor", "--collector", running_collector["pages"])
    assert outcome.status == 0, outcome.out
    assert len(state.received) == 2
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", running_collector["otlp"])
    outcome = run("doctor", "--collector", running_collector["pages"])
    assert outcome.status == 1
    assert "is OTEL_EXPORTER_OTLP_ENDPOINT right?" in " ".join(outcome.out.split())


def test_a_signal_that_is_off_is_not_asked(
    run: Run, monkeypatch: pytest.MonkeyPatch, running_collector: dict[str, str]
) -> None:
    """Where no logs are sent, nobody needs to take them."""
    monkeypatch.setenv("OTEL_LOGS_EXPORTER", "none")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", CLOSED)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", running_collector["otlp"])
    outcome = run("doctor", "--collector", running_collector["pages"])
    assert outcome.status == 0, outcome.out


def test_wrong_setting_is_a_problem(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that cannot be read is named, with status 1."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "soon")
    outcome = run("doctor", "--offline")
    assert outcome.status == 1
    assert "OTEL_EXPORTER_OTLP_TIMEOUT is 'soon'" in outcome.out


def test_secrets_are_masked(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a header nor a password in an address is ever printed."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=hunter2")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "authorization=hunter2")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://me:hunter2@127.0.0.1:1")
    monkeypatch.setenv("MODELWATCH_COLLECTOR_URL", "http://me:hunter2@127.0.0.1:1")
    outcome = run("doctor")
    assert "hunter2" not in outcome.out + outcome.err
    assert MASK in outcome.out


def test_setting_values_tell_their_source() -> None:
    """Each value comes with where it is from."""
    values = setting_values({"OTEL_EXPORTER_OTLP_TIMEOUT": "3"})
    assert values["OTEL_EXPORTER_OTLP_TIMEOUT"] == ("3", "environment")
    assert values["OTEL_METRIC_EXPORT_INTERVAL"][1] == "default"


def test_every_wrong_setting_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """One look names all that is wrong, not the first alone."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "x")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "y")
    problem = check_settings().problem
    assert "OTEL_SDK_DISABLED" in problem
    assert "OTEL_EXPORTER_OTLP_TIMEOUT" in problem


def test_packages_that_are_not_there_have_no_version() -> None:
    """Each package that can be used is listed, installed or not."""
    versions = installed_versions()
    assert versions["python"]
    assert versions["modelwatch"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MODELWATCH_SAMPLE_RATE", "1.5"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "both"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "junk"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318"),
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "nowhere"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "absent.pem"),
    ],
)
def test_what_a_watch_refuses_is_a_problem(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """No setting passes here on which a watch would raise."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError):
        modelwatch.Watch("churn", version="3")
    outcome = run("doctor", "--offline")
    assert outcome.status == 1
    assert "give" in outcome.out or value in outcome.out


def test_each_signal_is_asked_at_its_own_address(
    run: Run, monkeypatch: pytest.MonkeyPatch, running_collector: dict[str, str]
) -> None:
    """Where logs go elsewhere, and nobody answers there, that is what is wrong."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", running_collector["otlp"])
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://me:hunter2@127.0.0.1:1/v1/logs")
    outcome = run("doctor", "--collector", running_collector["pages"])
    assert outcome.status == 1
    assert "is OTEL_EXPORTER_OTLP_LOGS_ENDPOINT right?" in outcome.out
    assert "is OTEL_EXPORTER_OTLP_ENDPOINT right?" not in outcome.out
    assert "hunter2" not in outcome.out


def test_values_are_no_markup(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Square brackets in a value are shown, not read as a style."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "[/x]")
    outcome = run("doctor", "--offline")
    assert outcome.status == 1
    assert outcome.out.count("[/x]") == 2


def test_instrumentors_are_listed(run: Run) -> None:
    """What can be watched without a change to its code is listed, and it is ready."""
    assert instrumentors()["modelwatch_fastapi"] == instrumentors()["modelwatch_estimators"] == ""
    outcome = run("doctor", "--offline")
    assert "modelwatch_estimators" in outcome.out
    assert "ready" in outcome.out


def test_what_an_instrumentor_needs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """An instrumentor whose framework is not there says what is missing."""
    monkeypatch.setattr(
        installation, "_INSTRUMENTED", {"modelwatch_fastapi": ("absent_framework",)}
    )
    assert instrumentors() == {"modelwatch_fastapi": "absent_framework"}


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({}, ""),
        ({"MODELWATCH_MODEL": "churn", "MODELWATCH_VERSION": "3"}, ""),
        ({"MODELWATCH_MODEL": "churn"}, "MODELWATCH_MODEL is set, but nothing is watched: set "),
        ({"MODELWATCH_VERSION": "3"}, "set MODELWATCH_MODEL."),
        ({"MODELWATCH_SERVING": "true"}, "set MODELWATCH_MODEL and MODELWATCH_VERSION."),
        ({"MODELWATCH_ROUTES": "/predict", "MODELWATCH_MODEL": "churn"}, "set MODELWATCH_VERSION."),
    ],
)
def test_a_watch_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], problem: str
) -> None:
    """Half of what makes a watch is told, with what is missing."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = check_environment_watch().problem
    assert problem in found
    assert bool(problem) == bool(found)
