"""The checks of ``modelwatch doctor``: each looks at one thing and names the remedy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from modelwatch import settings
from modelwatch.cli.collector_client import collector_url, get_text
from modelwatch.cli.masking import without_password
from modelwatch.errors import CollectorError, ConfigurationError

__all__ = ["Check", "check_collector", "check_otlp_endpoint", "check_settings"]


@dataclass(frozen=True)
class Check:
    """What was looked at, and what is wrong with it (empty where nothing is)."""

    name: str
    problem: str = ""


def check_settings(environment: Mapping[str, str] | None = None) -> Check:
    """Read each variable that must be a number or a truth value."""
    problems = []
    for name, setting in settings.SETTINGS.items():
        try:
            if setting.value_type == "number":
                settings.read_number(name, environment)
            elif setting.value_type == "boolean":
                settings.read_boolean(name, environment)
        except ConfigurationError as error:
            problems.append(str(error))
    return Check("environment variables", " ".join(problems))


def check_collector(given: str | None) -> Check:
    """Ask the collector whether it is ready."""
    name = f"collector at {without_password(collector_url(given))}"
    try:
        get_text("/readyz", given)
    except CollectorError as error:
        return Check(name, str(error))
    return Check(name)


def check_otlp_endpoint() -> Check:
    """Send an empty export, which any OTLP receiver accepts and nothing records."""
    import httpx

    endpoint = settings.read("OTEL_EXPORTER_OTLP_ENDPOINT").rstrip("/")
    name = f"OTLP endpoint {without_password(endpoint)}"
    try:
        response = httpx.post(
            f"{endpoint}/v1/metrics",
            content=b"",
            headers={"content-type": "application/x-protobuf"},
            timeout=settings.read_number("OTEL_EXPORTER_OTLP_TIMEOUT") or None,
        )
    except (httpx.HTTPError, httpx.InvalidURL, ConfigurationError) as error:
        reason = str(error) or type(error).__name__
        return Check(name, f"{reason}: is OTEL_EXPORTER_OTLP_ENDPOINT right?")
    if response.is_success:
        return Check(name)
    return Check(name, f"answered {response.status_code} {response.reason_phrase} to an export.")
