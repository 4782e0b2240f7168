from __future__ import annotations

import pytest

from modelwatch.errors import ConfigurationError
from modelwatch.settings import SETTINGS, read, read_boolean, read_number


def test_table_is_sorted() -> None:
    """The table is in the order of its names, so that a row is found and never doubled."""
    assert list(SETTINGS) == sorted(SETTINGS)


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_defaults_can_be_read(name: str) -> None:
    """Each default is a value of the variable's own type."""
    setting = SETTINGS[name]
    assert setting.doc.endswith(".")
    assert read(name, {}) == SETTINGS[setting.instead_of or name].default
    if setting.value_type == "number":
        assert read_number(name, {}) >= 0
    if setting.value_type == "boolean":
        assert read_boolean(name, {}) in (True, False)


def test_the_process_environment_is_looked_up_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable set after the import counts, and nothing is remembered."""
    monkeypatch.setenv("MODELWATCH_COLLECTOR_URL", " http://elsewhere:1 ")
    assert read("MODELWATCH_COLLECTOR_URL") == "http://elsewhere:1"
    monkeypatch.delenv("MODELWATCH_COLLECTOR_URL")
    assert read("MODELWATCH_COLLECTOR_URL") == SETTINGS["MODELWATCH_COLLECTOR_URL"].default


@pytest.mark.parametrize("empty", ["", "  "])
def test_empty_is_unset(empty: str) -> None:
    """An empty variable means the default, as the OpenTelemetry specification has it."""
    assert read_number("OTEL_EXPORTER_OTLP_TIMEOUT", {"OTEL_EXPORTER_OTLP_TIMEOUT": empty}) == 10


def test_a_variable_of_one_signal_goes_before_that_of_all() -> None:
    """Where it is unset, the general one counts, and is the one that an error names."""
    own, general = "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"
    assert read_number(own, {general: "3"}) == 3
    assert read_number(own, {general: "3", own: "4"}) == 4
    assert read_number("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", {own: "4"}) == 10
    with pytest.raises(ConfigurationError, match=f"^{general} is 'soon'"):
        read_number(own, {general: "soon"})
    with pytest.raises(ConfigurationError, match=f"^{own} is 'soon'"):
        read_number(own, {own: "soon"})


@pytest.mark.parametrize("text", ["soon", "-1", "nan", "inf"])
def test_wrong_number_is_named(text: str) -> None:
    """A value that is no usable number is refused with the variable's name and the value."""
    with pytest.raises(ConfigurationError, match=f"OTEL_EXPORTER_OTLP_TIMEOUT is '{text}'"):
        read_number("OTEL_EXPORTER_OTLP_TIMEOUT", {"OTEL_EXPORTER_OTLP_TIMEOUT": text})


@pytest.mark.parametrize(("text", "value"), [("true", True), ("TRUE", True), ("False", False)])
def test_truth_values(text: str, value: bool) -> None:
    """true and false are read in any case of letters."""
    assert read_boolean("OTEL_SDK_DISABLED", {"OTEL_SDK_DISABLED": text}) is value


def test_wrong_truth_value_is_named() -> None:
    """A value that is neither true nor false is refused with the variable's name and the value."""
    with pytest.raises(ConfigurationError, match="OTEL_SDK_DISABLED is 'yes': give true or false"):
        read_boolean("OTEL_SDK_DISABLED", {"OTEL_SDK_DISABLED": "yes"})
