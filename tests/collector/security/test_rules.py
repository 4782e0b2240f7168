from __future__ import annotations

import pytest

from modelwatch.collector.security.rules import api_need, otlp_need
from modelwatch.collector.security.tokens import Scope

OF_VERSION = "/api/v1/models/a%2Fb/versions/1"


@pytest.mark.parametrize(
    ("method", "path", "scopes"),
    [
        ("GET", "/", ("read",)),
        ("HEAD", "/api/v1/models", ("read",)),
        ("GET", f"{OF_VERSION}/drift", ("read",)),
        ("GET", f"{OF_VERSION}/baseline", ("ingest", "read")),
        ("GET", f"{OF_VERSION}/capture", ("ingest", "read")),
        ("GET", f"{OF_VERSION}/baseline/x", ("read",)),
        ("PUT", f"{OF_VERSION}/baseline", ("admin",)),
        ("GET", f"{OF_VERSION}/baselines/x", ("read",)),
        ("GET", f"{OF_VERSION}/instances", ("read",)),
        ("GET", f"{OF_VERSION}/performance", ("read",)),
        ("GET", f"{OF_VERSION}/concept", ("read",)),
        ("POST", f"{OF_VERSION}/evaluate", ("admin",)),
        ("POST", f"{OF_VERSION}/baseline/promote", ("admin",)),
        ("POST", f"{OF_VERSION}/baselines/x/promote", ("admin",)),
        ("DELETE", f"{OF_VERSION}/capture", ("admin",)),
        ("POST", "/whatever", ("admin",)),
        ("BREW", "/", ("admin",)),
        ("GET", "/api/v1/audit", ("admin",)),
        ("POST", "/api/v1/alerts/1/acknowledge", ("admin",)),
        ("POST", "/api/v1/silences", ("admin",)),
        ("POST", "/api/v1/labels", ("ingest", "admin")),
        ("PUT", "/api/v1/labels", ("admin",)),
    ],
)
def test_scopes_by_method_and_path(method: str, path: str, scopes: tuple[Scope, ...]) -> None:
    """Reading needs read, changing admin, and what a service polls its own token."""
    assert api_need(method, path).scopes == scopes


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/sign-in", "/assets/style.css"])
def test_probes_and_the_way_in_are_open(path: str) -> None:
    """Health, readiness and the sign-in need nothing."""
    assert api_need("GET", path).is_open


@pytest.mark.parametrize("path", ["/api/v1/received", "/api/v1/silences", "/other", "/healthz/"])
def test_a_limited_token_does_not_do_for_what_tells_of_all(path: str) -> None:
    """A path that no rule knows to keep models apart is closed to limited tokens."""
    need = api_need("GET", path)
    assert (need.scopes, need.by_model) == (("read",), False)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        f"{OF_VERSION}/drift",
        f"{OF_VERSION}/instances",
        f"{OF_VERSION}/performance",
        f"{OF_VERSION}/concept",
        f"{OF_VERSION}/baselines",
        "/api/v1/alerts",
        "/api/v1/alerts/1",
    ],
)
def test_a_limited_token_does_for_what_keeps_models_apart(path: str) -> None:
    """What leaves out the models that a token may not read is open to limited ones."""
    assert api_need("GET", path).by_model


def test_telemetry_needs_ingest() -> None:
    """All that the receiver takes needs the scope for it."""
    assert otlp_need("POST", "/v1/metrics").scopes == ("ingest",)
