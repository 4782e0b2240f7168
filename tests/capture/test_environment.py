from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import modelwatch as mw
from modelwatch.baseline import Baseline
from modelwatch.capture.environment import SHARED
from modelwatch.errors import ConfigurationError
from tests.watched import FakeTransport


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Leave no watch of one test to the next."""
    SHARED.reset()
    yield
    SHARED.reset()


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that names a model, and a receiver that nobody has to wait for."""
    monkeypatch.setenv("MODELWATCH_MODEL", "churn")
    monkeypatch.setenv("MODELWATCH_VERSION", "3")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    return monkeypatch


def test_one_watch_for_the_process(named: pytest.MonkeyPatch) -> None:
    """All who ask get the same watch, of the model that the environment names."""
    found: list[mw.Watch | None] = []
    threads = [
        threading.Thread(target=lambda: found.append(mw.watch_from_environment())) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    watch = mw.watch_from_environment()
    assert watch is not None
    assert (watch.model, watch.version, watch.baseline) == ("churn", "3", None)
    assert found == [watch] * 8


def test_the_baseline_is_a_file(
    named: pytest.MonkeyPatch, baseline: Baseline, tmp_path: Path
) -> None:
    """MODELWATCH_BASELINE may name a file."""
    baseline.save(tmp_path / "baseline.json")
    named.setenv("MODELWATCH_MODEL", baseline.model)
    named.setenv("MODELWATCH_VERSION", baseline.version)
    named.setenv("MODELWATCH_BASELINE", str(tmp_path / "baseline.json"))
    watch = mw.watch_from_environment()
    assert watch is not None
    assert watch.feature_names == baseline.inputs


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("MODELWATCH_MODEL", "", "set MODELWATCH_MODEL."),
        ("MODELWATCH_VERSION", " ", "set MODELWATCH_VERSION."),
        ("MODELWATCH_BASELINE", "absent.json", "absent.json"),
        ("MODELWATCH_SAMPLE_RATE", "2", "MODELWATCH_SAMPLE_RATE is 2"),
        ("MODELWATCH_MAX_ROWS_PER_SECOND", "some", "MODELWATCH_MAX_ROWS_PER_SECOND is 'some'"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", "zstd"),
    ],
)
def test_what_cannot_work_is_logged_once(
    named: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str, value: str, said: str
) -> None:
    """A wrong or missing variable never raises: it is named in one warning, and no watch made."""
    named.setenv(name, value)
    with caplog.at_level(logging.WARNING, "modelwatch"):
        assert mw.watch_from_environment() is None
        assert mw.watch_from_environment() is None
    assert [said in record.message for record in caplog.records] == [True]
    assert "nothing is watched" in caplog.text


def test_a_forked_child_has_the_watch_too(named: pytest.MonkeyPatch) -> None:
    """A child forked while another thread makes the watch is not left with a locked lock."""
    watch = mw.watch_from_environment()
    with SHARED._lock:
        child = os.fork()
        if child == 0:
            SHARED._is_made = False
            os._exit(0 if mw.watch_from_environment() is not None else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert mw.watch_from_environment() is watch


@pytest.mark.parametrize(
    ("text", "paths"),
    [("", None), (" , ", None), ("/predict", ["/predict"]), (" /a, /b/{c},", ["/a", "/b/{c}"])],
)
def test_routes(monkeypatch: pytest.MonkeyPatch, text: str, paths: list[str] | None) -> None:
    """Paths are joined by commas; where there are none, none are to be captured."""
    monkeypatch.setenv("MODELWATCH_ROUTES", text)
    assert mw.routes_from_environment() == paths


def test_the_gate_is_closed_unless_opened(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Only true opens the gate; a value that means nothing is logged, and leaves it closed."""
    assert not mw.is_serving_from_environment()
    monkeypatch.setenv("MODELWATCH_SERVING", "true")
    assert mw.is_serving_from_environment()
    monkeypatch.setenv("MODELWATCH_SERVING", "yes")
    assert not mw.is_serving_from_environment()
    assert "MODELWATCH_SERVING is 'yes': give true or false" in caplog.text


def test_sampling_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's rate and limit hold where a watched function says nothing else."""
    monkeypatch.setenv("MODELWATCH_SAMPLE_RATE", "0")
    watch = mw.Watch("churn", version="3", transport=FakeTransport())

    @watch
    def by_environment(features: dict[str, float]) -> float:
        return features["age"]

    @watch(sample_rate=1.0)
    def by_argument(features: dict[str, float]) -> float:
        return features["age"]

    for _ in range(3):
        assert by_environment({"age": 1.0}) == by_argument({"age": 1.0}) == 1.0
    watch.log({"age": 1.0}, 1.0)
    watch.flush()
    assert watch.rows_captured == 3
    watch.shutdown()


@pytest.mark.parametrize(
    ("name", "value"),
    [("MODELWATCH_SAMPLE_RATE", "1.5"), ("MODELWATCH_MAX_ROWS_PER_SECOND", "-1")],
)
def test_wrong_sampling_is_refused_at_construction(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """A sample that cannot be is refused where the watch is made, by the variable's name."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=name):
        mw.Watch("churn", version="3", transport=FakeTransport())
