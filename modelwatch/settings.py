"""Every environment variable that modelwatch reads, in one table.

Precedence: argument, environment, default. Nothing is read at import: `read` looks the variable
up when it is asked. Variables of OpenTelemetry keep their specified meaning.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from modelwatch.errors import ConfigurationError

__all__ = ["SETTINGS", "Setting", "read", "read_boolean", "read_number"]

ValueType = Literal["string", "number", "boolean"]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One environment variable: its name, the type of its value, its default and its meaning."""

    name: str
    value_type: ValueType
    default: str
    doc: str
    secret: bool = False


SETTINGS: Mapping[str, Setting] = {
    setting.name: setting
    for setting in (
        Setting(
            name="MODELWATCH_BASELINE",
            value_type="string",
            default="",
            doc="What a watch made from the environment compares with: a baseline file, or the "
            "URL of a collector.",
        ),
        Setting(
            name="MODELWATCH_COLLECTOR_URL",
            value_type="string",
            default="http://127.0.0.1:4319",
            doc="Where the command line finds the collector's API.",
        ),
        Setting(
            name="MODELWATCH_ENABLED",
            value_type="boolean",
            default="true",
            doc="false turns every watch into a plain call of the watched function.",
        ),
        Setting(
            name="MODELWATCH_MAX_ROWS_PER_SECOND",
            value_type="number",
            default="0",
            doc="Rows captured a second by each watched function that says nothing else; 0 for "
            "no limit.",
        ),
        Setting(
            name="MODELWATCH_MODEL",
            value_type="string",
            default="",
            doc="Name of the model that a watch made from the environment watches.",
        ),
        Setting(
            name="MODELWATCH_ROUTES",
            value_type="string",
            default="",
            doc="Paths captured in an app that is instrumented from the environment, joined by "
            "commas.",
        ),
        Setting(
            name="MODELWATCH_SAMPLE_RATE",
            value_type="number",
            default="1",
            doc="Share of predictions whose rows are captured where a watched function says "
            "nothing else, from 0 to 1.",
        ),
        Setting(
            name="MODELWATCH_SERVING",
            value_type="boolean",
            default="false",
            doc="true has the instrumentor of scikit-learn, XGBoost and LightGBM watch their "
            "predictions.",
        ),
        Setting(
            name="MODELWATCH_VERSION",
            value_type="string",
            default="",
            doc="Version of the model that a watch made from the environment watches.",
        ),
        Setting(
            name="OTEL_EXPORTER_OTLP_CERTIFICATE",
            value_type="string",
            default="",
            doc="PEM file with the certificates trusted for the OTLP endpoint.",
        ),
        Setting(
            name="OTEL_EXPORTER_OTLP_COMPRESSION",
            value_type="string",
            default="gzip",
            doc="gzip or none.",
        ),
        Setting(
            name="OTEL_EXPORTER_OTLP_ENDPOINT",
            value_type="string",
            default="http://127.0.0.1:4318",
            doc="Base address of the OTLP/HTTP receiver; /v1/metrics and /v1/logs are appended.",
        ),
        Setting(
            name="OTEL_EXPORTER_OTLP_HEADERS",
            value_type="string",
            default="",
            doc="Headers of every export, as key=value pairs joined by commas, values URL-encoded.",
            secret=True,
        ),
        Setting(
            name="OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
            value_type="string",
            default="",
            doc="Full address for logs alone, used as it is.",
        ),
        Setting(
            name="OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
            value_type="string",
            default="",
            doc="Full address for metrics alone, used as it is.",
        ),
        Setting(
            name="OTEL_EXPORTER_OTLP_PROTOCOL",
            value_type="string",
            default="http/protobuf",
            doc="Must be http/protobuf, all that is spoken, unless a watch names its endpoint.",
        ),
        Setting(
            name="OTEL_EXPORTER_OTLP_TIMEOUT",
            value_type="number",
            default="10",
            doc="Seconds that one export may take.",
        ),
        Setting(
            name="OTEL_METRIC_EXPORT_INTERVAL",
            value_type="number",
            default="60000",
            doc="Milliseconds between two exports.",
        ),
        Setting(
            name="OTEL_SDK_DISABLED",
            value_type="boolean",
            default="false",
            doc="true turns every watch into a plain call of the watched function.",
        ),
    )
}


def read(name: str, environment: Mapping[str, str] | None = None) -> str:
    """Return the variable's value, or its default where it is unset or empty.

    Args:
        name: a name of the table.
        environment: what to look in; the process's environment where None.
    """
    setting = SETTINGS[name]
    found = (os.environ if environment is None else environment).get(name, "").strip()
    return found or setting.default


def read_number(name: str, environment: Mapping[str, str] | None = None) -> float:
    """Return the variable's value as a number.

    Raises:
        ConfigurationError: where the text is no finite number of zero or more.
    """
    text = read(name, environment)
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0.0 <= number < float("inf"):
        raise ConfigurationError(f"{name} is {text!r}: give a number of zero or more.")
    return number


def read_boolean(name: str, environment: Mapping[str, str] | None = None) -> bool:
    """Return the variable's value as a truth value; only ``true`` and ``false`` are taken.

    Raises:
        ConfigurationError: where the text is neither.
    """
    text = read(name, environment).lower()
    if text not in ("true", "false"):
        raise ConfigurationError(f"{name} is {text!r}: give true or false.")
    return text == "true"
