from __future__ import annotations

import time

import pytest

import modelwatch as mw
from modelwatch.collector.serving.encoded_paths import path_of
from tests import plain_http
from tests.collector.conftest import Start, eventually
from tests.collector.security.conftest import StoreTokens, bearer

NAME = "guarded"


def rows_at(address: str, token: str) -> int:
    """Return the rows that a collector has of the model."""
    models = plain_http.get(address, headers=bearer(token)).json()["models"]
    return sum(version["rows"] for model in models for version in model["versions"])


@pytest.mark.parametrize("sends_token", [True, False])
def test_a_service_with_a_token_for_ingest_is_served(
    start: Start, tokens: StoreTokens, monkeypatch: pytest.MonkeyPatch, sends_token: bool
) -> None:
    """With one token a watch gets its baseline and delivers its rows; without, no row is taken."""
    sender, admin = tokens.make("service", "ingest"), tokens.make("boss", "admin")
    collector = start(clock=time.time_ns)
    baseline = mw.Baseline.fit(
        {"x": [float(n * 7 % 500) for n in range(500)]}, model=NAME, version="1"
    )
    address = f"{collector.api}/api/v1{path_of('models', NAME, 'versions', '1')}/baseline"

    put = plain_http.put(address, content=baseline.to_json(), headers=bearer(admin))
    assert put.status_code == 201
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.otlp)
    monkeypatch.setenv("MODELWATCH_TOKEN", sender)
    if sends_token:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"Authorization=Bearer%20{sender}")
    watch = mw.Watch(NAME, version="1", baseline=collector.api)
    try:
        assert eventually(lambda: watch.baseline is not None)
        for value in range(50):
            watch.log({"x": float(value)}, 0.5)
        assert watch.flush(timeout_seconds=30) is sends_token
    finally:
        watch.shutdown(timeout_seconds=30)
    assert rows_at(f"{collector.api}/api/v1/models", admin) == (50 if sends_token else 0)
