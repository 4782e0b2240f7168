from __future__ import annotations

import pytest

from modelwatch.errors import ConfigurationError
from modelwatch.telemetry.export_options import ExportOptions

TEMPORALITY = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"


def test_defaults_are_what_our_collector_takes() -> None:
    """Without any variable: delta, both signals, eight MiB."""
    assert ExportOptions.from_environment() == ExportOptions()
    assert ExportOptions().temporality == "delta"


@pytest.mark.parametrize(
    ("text", "temporality"),
    [("delta", "delta"), ("LowMemory", "delta"), ("cumulative", "cumulative")],
)
def test_temporality_is_as_preferred(
    monkeypatch: pytest.MonkeyPatch, text: str, temporality: str
) -> None:
    """The three values of the specification are known, in any case of letters."""
    monkeypatch.setenv(TEMPORALITY, text)
    assert ExportOptions.from_environment().temporality == temporality


def test_signals_can_be_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """none turns a signal off; another exporter of the service's own telemetry does not."""
    monkeypatch.setenv("OTEL_LOGS_EXPORTER", "None")
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "prometheus")
    assert ExportOptions.from_environment().signals == {"metrics"}
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
    assert ExportOptions.from_environment().signals == frozenset()


@pytest.mark.parametrize(
    ("name", "value"), [(TEMPORALITY, "both"), ("OTEL_METRIC_EXPORT_TIMEOUT", "0")]
)
def test_wrong_values_are_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """What cannot work is refused by the variable's name."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=name):
        ExportOptions.from_environment()


def test_the_time_of_a_round_is_in_milliseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the specification has it."""
    monkeypatch.setenv("OTEL_METRIC_EXPORT_TIMEOUT", "2500")
    assert ExportOptions.from_environment().round_timeout_seconds == 2.5
