"""The checks of ``modelwatch doctor``: each looks at one thing and names the remedy."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final, get_args

from modelwatch import settings
from modelwatch.capture.options import default_sample_rate
from modelwatch.cli.collector_client import (
    Collector,
    collector_url,
    get_json,
    get_pages,
    get_text,
    version_path,
)
from modelwatch.cli.installation import can_instrument
from modelwatch.cli.masking import without_password
from modelwatch.errors import CollectorError, ConfigurationError
from modelwatch.telemetry.export_options import ExportOptions
from modelwatch.telemetry.transport import Signal, Transport, TransportOptions, open_transport

__all__ = [
    "Check",
    "check_captures",
    "check_collector",
    "check_environment_watch",
    "check_otlp_endpoints",
    "check_settings",
]


_WINDOW: Final = "1h"

_REMEDIES: Final = {
    "buffer_full": "they came faster than they are summed up: set sample_rate or buffer_rows",
    "export_refused": "the receiver refused them: see its log",
    "fault": "a fault of modelwatch: see the service's log",
    "not_sampled": "raise sample_rate",
    "rate_limited": "raise max_rows_per_second",
    "unreadable": "their features were not found: name the parameter that holds them with inputs=, "
    "and see the service's log",
}
_BY_CHOICE: Final = frozenset({"not_sampled", "rate_limited"})

SIGNALS: Final[tuple[Signal, ...]] = get_args(Signal)


_NAMES: Final = ("MODELWATCH_MODEL", "MODELWATCH_VERSION")
_FOR_INSTRUMENTORS: Final = ("MODELWATCH_ROUTES", "MODELWATCH_SERVING")
_NEEDING_NAMES: Final = ("MODELWATCH_BASELINE", *_FOR_INSTRUMENTORS)


@dataclass(frozen=True)
class Check:
    """What was looked at, and what is wrong with it (empty where nothing is)."""

    name: str
    problem: str = ""


def check_settings() -> Check:
    """Read each variable as a `Watch` does that is given nothing but the environment."""
    problems = []
    for name, setting in settings.SETTINGS.items():
        if settings.deciding(name) != name:
            continue
        try:
            if setting.value_type == "number":
                settings.read_number(name)
            elif setting.value_type == "boolean":
                settings.read_boolean(name)
        except ConfigurationError as error:
            problems.append(str(error))
    if not problems:
        try:
            default_sample_rate()
            open_transport(TransportOptions.from_environment())
            ExportOptions.from_environment()
        except ConfigurationError as error:
            problems.append(_masked(str(error)))
    return Check("environment variables", " ".join(problems))


def check_environment_watch() -> Check:
    """Look whether what the environment says of a watch makes one."""
    named = [name for name in _NAMES if settings.read(name)]
    used = [
        name for name in _NEEDING_NAMES if settings.read(name) != settings.SETTINGS[name].default
    ]
    problem = ""
    if len(named) == 1 or (used and not named):
        missing = " and ".join(name for name in _NAMES if name not in named)
        problem = f"{(named or used)[0]} is set, but nothing is watched: set {missing}."
    elif any(name in used for name in _FOR_INSTRUMENTORS) and not can_instrument():
        problem = (
            f"{used[-1]} is for opentelemetry-instrument, which is not installed: "
            'pip install "modelwatch[auto]".'
        )
    return Check("watch of the environment", problem)


def check_collector(given: Collector) -> Check:
    """Ask the collector whether it is ready."""
    name = f"collector at {without_password(collector_url(given))}"
    try:
        get_text("/readyz", given)
    except CollectorError as error:
        return Check(name, str(error))
    return Check(name)


def check_captures(given: Collector) -> list[Check]:
    """Look for models that are served, or have a baseline, and of which no row arrives."""
    try:
        models = get_pages("/api/v1/models", "models", given)
        return [
            check
            for model in models
            for version in model["versions"]
            if (check := _check_version(model["name"], version, given)) is not None
        ]
    except CollectorError as error:
        return [Check("rows of models", str(error))]


def _check_version(model: str, version: dict[str, Any], given: Collector) -> Check | None:
    """Return None where nothing was sent lately, as of a version that is served no more."""
    name = f"rows of {model} {version['version']}"
    if version["last_seen"] is None:
        return Check(
            name,
            "it has a baseline, but nothing was ever received of it: does a service run whose "
            "Watch has this very model and version, is what it calls the watched function, is "
            "MODELWATCH_ENABLED not false there, and does its OTEL_EXPORTER_OTLP_ENDPOINT lead "
            "here?",
        )
    path = f"{version_path(model, version['version'])}/captured"
    found = get_json(path, given, parameters={"window": _WINDOW})
    if not found["calls"] and not found["dropped"]:
        return None
    return Check(name, _loss(found["rows"], found["calls"], found["dropped"]))


def _loss(rows: int, calls: int, dropped: dict[str, int]) -> str:
    """Say that no row was captured, or that more were lost than captured; empty if neither."""
    lost = {reason: count for reason, count in dropped.items() if reason not in _BY_CHOICE}
    if rows and sum(lost.values()) <= rows:
        return ""
    shown = lost if rows else dropped
    reasons = [
        f"{count} dropped as {reason} ({_REMEDIES.get(reason, 'see the service log')})"
        for reason, count in sorted(shown.items())
    ]
    why = "; ".join(reasons) or "no reason was told: all calls failed before they were captured"
    return f"{calls} calls in the last hour, {rows} rows captured; {why}."


def check_otlp_endpoints() -> list[Check]:
    """Send an empty export of each signal that is on, which receivers accept and nobody records."""
    try:
        options = TransportOptions.from_environment()
        signals = ExportOptions.from_environment().signals
        transport = open_transport(options)
    except ConfigurationError:
        return [Check("OTLP endpoints", "not asked, as the environment variables are wrong.")]
    with closing(transport):
        return [
            _check_signal(transport, options, signal) for signal in SIGNALS if signal in signals
        ]


def _check_signal(transport: Transport, options: TransportOptions, signal: Signal) -> Check:
    address = options.of(signal).address
    outcome = transport.send(signal, b"")
    problem = outcome.message
    if outcome.status != "accepted":
        problem = f"{problem}: is {_variable(signal)} right?"
    return Check(f"OTLP {signal} at {without_password(address)}", _masked(problem))


def _variable(signal: Signal) -> str:
    own = f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT"
    return own if settings.read(own) else "OTEL_EXPORTER_OTLP_ENDPOINT"


def _masked(message: str) -> str:
    """Return the message without the passwords of addresses that are set."""
    for name in settings.SETTINGS:
        value = settings.read(name).rstrip("/")
        message = message.replace(value, without_password(value)) if value else message
    return message
