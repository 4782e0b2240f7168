"""Every environment variable that modelwatch reads, in one table.

Precedence: argument, environment, default. Nothing is read at import: `read` looks the variable
up when it is asked. Variables of OpenTelemetry keep their specified meaning.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from modelwatch.errors import ConfigurationError

__all__ = [
    "SETTINGS",
    "Setting",
    "deciding",
    "is_set",
    "read",
    "read_boolean",
    "read_number",
]

ValueType = Literal["string", "number", "boolean"]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One environment variable.

    Attributes:
        name: its name.
        value_type: the type of its value.
        default: its value where it is unset or empty.
        doc: its meaning.
        secret: whether its value must not be shown.
        instead_of: the variable whose value counts where this one is unset or empty.
    """

    name: str
    value_type: ValueType
    default: str = ""
    doc: str
    secret: bool = False
    instead_of: str = ""


_SIGNALS: Final = ("LOGS", "METRICS")

_OWN: Final[Mapping[str, ValueType]] = {
    "CERTIFICATE": "string",
    "CLIENT_CERTIFICATE": "string",
    "CLIENT_KEY": "string",
    "COMPRESSION": "string",
    "HEADERS": "string",
    "INSECURE": "boolean",
    "PROTOCOL": "string",
    "TIMEOUT": "number",
}
"""What each signal may have of its own, in place of what is set for all."""


def _own_settings() -> Iterator[Setting]:
    for signal in _SIGNALS:
        for option, value_type in _OWN.items():
            general = f"OTEL_EXPORTER_OTLP_{option}"
            yield Setting(
                name=f"OTEL_EXPORTER_OTLP_{signal}_{option}",
                value_type=value_type,
                doc=f"In place of {general} for {signal.lower()} alone.",
                secret=option == "HEADERS",
                instead_of=general,
            )


_GENERAL: Final = (
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
        name="MODELWATCH_EXIT_TIMEOUT",
        value_type="number",
        default="1.5",
        doc="Seconds that the end of the process may wait, once, for what all watches still send.",
    ),
    Setting(
        name="MODELWATCH_BASELINE",
        value_type="string",
        doc="What a watch made from the environment compares with: a baseline file, or the "
        "URL of a collector.",
    ),
    Setting(
        name="MODELWATCH_FORWARD_HEADERS",
        value_type="string",
        doc="Headers of what a collector sends on, as key=value pairs joined by commas, values "
        "URL-encoded.",
        secret=True,
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
        doc="Name of the model that a watch made from the environment watches.",
    ),
    Setting(
        name="MODELWATCH_ROUTES",
        value_type="string",
        doc="Paths captured in an app that is instrumented from the environment, joined by commas.",
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
        name="MODELWATCH_TOKEN",
        value_type="string",
        doc="Token by which the command line, and a watch with a collector's URL, ask a collector.",
        secret=True,
    ),
    Setting(
        name="MODELWATCH_TRACE_URL",
        value_type="string",
        doc="Address of a trace for the links of a collector, with {trace_id} in its place; see "
        "`modelwatch collector --trace-url`.",
    ),
    Setting(
        name="MODELWATCH_TRACK_PREDICTIONS",
        value_type="boolean",
        default="true",
        doc="false sends no single prediction to be joined with its label, however it is known.",
    ),
    Setting(
        name="MODELWATCH_VERSION",
        value_type="string",
        doc="Version of the model that a watch made from the environment watches.",
    ),
    Setting(
        name="OTEL_EXPORTER_OTLP_CERTIFICATE",
        value_type="string",
        doc="PEM file with the certificates trusted for the OTLP endpoint.",
    ),
    Setting(
        name="OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
        value_type="string",
        doc="PEM file with the certificate that is shown to the OTLP endpoint.",
    ),
    Setting(
        name="OTEL_EXPORTER_OTLP_CLIENT_KEY",
        value_type="string",
        doc="PEM file with the private key of that certificate.",
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
        doc="Base address of the OTLP receiver. Over HTTP, /v1/metrics and /v1/logs are appended; "
        "with grpc, the default is http://127.0.0.1:4317.",
    ),
    Setting(
        name="OTEL_EXPORTER_OTLP_HEADERS",
        value_type="string",
        doc="Headers of every export, as key=value pairs joined by commas, values URL-encoded; "
        "a collector's token is Authorization=Bearer%20TOKEN.",
        secret=True,
    ),
    Setting(
        name="OTEL_EXPORTER_OTLP_INSECURE",
        value_type="boolean",
        default="false",
        doc="true lets grpc send without TLS to an endpoint that names neither http nor https.",
    ),
    Setting(
        name="OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
        value_type="string",
        doc="Full address for logs alone, used as it is.",
    ),
    Setting(
        name="OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
        value_type="string",
        doc="Full address for metrics alone, used as it is.",
    ),
    Setting(
        name="OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
        value_type="string",
        default="delta",
        doc="delta, lowmemory (the same here), or cumulative for backends such as Prometheus. "
        "OpenTelemetry's own default is cumulative; modelwatch's collector takes either.",
    ),
    Setting(
        name="OTEL_EXPORTER_OTLP_PROTOCOL",
        value_type="string",
        default="http/protobuf",
        doc="http/protobuf, or grpc, which needs modelwatch[grpc].",
    ),
    Setting(
        name="OTEL_EXPORTER_OTLP_TIMEOUT",
        value_type="number",
        default="10",
        doc="Seconds that one export may take.",
    ),
    Setting(
        name="OTEL_LOGS_EXPORTER",
        value_type="string",
        default="otlp",
        doc="none sends no logs: neither moments nor events.",
    ),
    Setting(
        name="OTEL_METRICS_EXPORTER",
        value_type="string",
        default="otlp",
        doc="none sends no metrics.",
    ),
    Setting(
        name="OTEL_METRIC_EXPORT_INTERVAL",
        value_type="number",
        default="60000",
        doc="Milliseconds between two exports.",
    ),
    Setting(
        name="OTEL_METRIC_EXPORT_TIMEOUT",
        value_type="number",
        default="30000",
        doc="Milliseconds that all requests of one interval may take; the rest waits for the next.",
    ),
    Setting(
        name="OTEL_RESOURCE_ATTRIBUTES",
        value_type="string",
        doc="What is known of the process, as key=value pairs joined by commas.",
    ),
    Setting(
        name="OTEL_SDK_DISABLED",
        value_type="boolean",
        default="false",
        doc="true turns every watch into a plain call of the watched function.",
    ),
    Setting(
        name="OTEL_SERVICE_NAME",
        value_type="string",
        doc="The service's name; goes before service.name among the resource's attributes.",
    ),
)

SETTINGS: Final[Mapping[str, Setting]] = {
    setting.name: setting
    for setting in sorted((*_GENERAL, *_own_settings()), key=lambda setting: setting.name)
}


def read(name: str, environment: Mapping[str, str] | None = None) -> str:
    """Return the variable's value, or where it is unset or empty what counts in its place.

    Args:
        name: a name of the table.
        environment: what to look in; the process's environment where None.
    """
    name = deciding(name, environment)
    found = (os.environ if environment is None else environment).get(name, "").strip()
    return found or SETTINGS[name].default


def deciding(name: str, environment: Mapping[str, str] | None = None) -> str:
    """Return the variable whose value counts: this one, or where it is unset another's."""
    general = SETTINGS[name].instead_of
    return deciding(general, environment) if general and not is_set(name, environment) else name


def is_set(name: str, environment: Mapping[str, str] | None = None) -> bool:
    """Tell whether the variable itself has a value that is not empty."""
    return bool((os.environ if environment is None else environment).get(name, "").strip())


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
        raise ConfigurationError(
            f"{deciding(name, environment)} is {text!r}: give a number of zero or more."
        )
    return number


def read_boolean(name: str, environment: Mapping[str, str] | None = None) -> bool:
    """Return the variable's value as a truth value; only ``true`` and ``false`` are taken.

    Raises:
        ConfigurationError: where the text is neither.
    """
    text = read(name, environment).lower()
    if text not in ("true", "false"):
        raise ConfigurationError(f"{deciding(name, environment)} is {text!r}: give true or false.")
    return text == "true"
