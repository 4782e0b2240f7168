from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

import modelwatch as mw
from modelwatch.capture.environment import SHARED
from modelwatch_fastapi import PREDICTION_ID_HEADER
from modelwatch_fastapi.instrumentor import FastAPIInstrumentor


def make_app() -> FastAPI:
    """Return an app that knows nothing of a watch."""
    app = FastAPI()

    @app.post("/predict")
    def predict(features: dict[str, float]) -> float:
        return features["age"]

    return app


@pytest.fixture
def instrumentor(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The instrumentor, in an environment that names a model and a route."""
    SHARED.reset()
    monkeypatch.setenv("MODELWATCH_MODEL", "m")
    monkeypatch.setenv("MODELWATCH_VERSION", "1")
    monkeypatch.setenv("MODELWATCH_ROUTES", "/predict")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "3600000")
    found: Any = FastAPIInstrumentor()
    found.instrument()
    yield found
    if found.is_instrumented_by_opentelemetry:
        found.uninstrument()
    SHARED.reset()


def ask(app: FastAPI) -> bool:
    """Ask for a prediction; tell whether the app is instrumented."""
    answer = TestClient(app).post("/predict", json={"age": 1.0})
    assert answer.json() == 1.0
    return PREDICTION_ID_HEADER in answer.headers


def calls() -> int:
    """Return how many calls the environment's watch has counted since the last time."""
    watch = mw.watch_from_environment()
    assert watch is not None
    profiles = watch.recorder.folder.cut(watch.recorder.last_plan)
    return sum(profile.predictions[""] for profile in profiles)


def test_apps_are_instrumented_when_they_start(instrumentor: Any) -> None:
    """Apps made before and after are instrumented once each, with routes that came later."""
    first, second = make_app(), make_app()
    assert [ask(app) for app in (first, second, first)] == [True] * 3
    assert calls() == 3


def test_uninstrument_takes_all_back(instrumentor: Any) -> None:
    """Apps that were instrumented serve as before, and later ones are left alone."""
    app, build = make_app(), FastAPI.build_middleware_stack
    assert ask(app)
    instrumentor.uninstrument()
    assert FastAPI.build_middleware_stack is not build
    assert not ask(app)
    assert not ask(make_app())
    assert calls() == 1
    instrumentor.instrument()
    assert ask(make_app())


@pytest.mark.parametrize("name", ["MODELWATCH_MODEL", "MODELWATCH_VERSION"])
def test_without_a_name_apps_are_left_alone(
    instrumentor: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Where the environment makes no watch, an app is served as it is."""
    monkeypatch.setenv(name, "")
    assert not ask(make_app())


def test_a_disabled_watch(instrumentor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """MODELWATCH_ENABLED=false leaves apps alone."""
    monkeypatch.setenv("MODELWATCH_ENABLED", "false")
    assert not ask(make_app())


def test_a_route_that_the_app_lacks(
    instrumentor: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is named in the log; the app is still flushed and answers with the prediction's id."""
    monkeypatch.setenv("MODELWATCH_ROUTES", "/prediction")
    assert ask(make_app())
    assert "'/prediction' is no route" in caplog.text
    assert calls() == 0


def test_mounted_apps_belong_to_the_outermost(
    instrumentor: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """An app that is mounted in another starts later, and is not instrumented once more."""
    outer = make_app()
    outer.mount("/inner", make_app())
    answers = [
        TestClient(outer).post(path, json={"age": 1.0}) for path in ("/predict", "/inner/predict")
    ]
    assert [answer.headers.get_list(PREDICTION_ID_HEADER)[1:] for answer in answers] == [[], []]
    assert caplog.text == ""
    assert calls() == 1
