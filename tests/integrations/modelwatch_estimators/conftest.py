"""An instrumented process with an open gate, and what it captured."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import modelwatch as mw
from modelwatch.capture.environment import SHARED
from modelwatch_estimators.instrumentor import EstimatorInstrumentor


class Captured:
    """What the environment's watch captured."""

    def profile(self) -> mw.Profile:
        """Return all since the last time, as one profile."""
        watch = mw.watch_from_environment()
        assert watch is not None
        folder = watch.recorder.folder
        first, *others = folder.cut(watch.recorder.last_plan) or [mw.Profile("m", "1")]
        for profile in others:
            first = first.merge(profile)
        return first

    def calls(self) -> int:
        """Return how many calls succeeded since the last time."""
        return self.profile().predictions[""]


@pytest.fixture
def rows() -> pd.DataFrame:
    """Sixty rows of two features."""
    return pd.DataFrame(np.random.default_rng(1).normal(40, 10, (60, 2)), columns=["age", "income"])


@pytest.fixture
def truth(rows: pd.DataFrame) -> pd.Series[bool]:
    """What is to be predicted."""
    return rows["age"] > 40


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """An environment that names a model and opens the gate."""
    SHARED.reset()
    monkeypatch.setenv("MODELWATCH_MODEL", "m")
    monkeypatch.setenv("MODELWATCH_VERSION", "1")
    monkeypatch.setenv("MODELWATCH_SERVING", "true")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "3600000")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "X does not have valid feature names")
        yield monkeypatch
    SHARED.reset()


@pytest.fixture
def captured(environment: pytest.MonkeyPatch) -> Iterator[Captured]:
    """What was captured, in a process that is instrumented."""
    instrumentor: Any = EstimatorInstrumentor()
    instrumentor.instrument()
    yield Captured()
    instrumentor.uninstrument()


@pytest.fixture
def use_baseline(environment: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Fit a baseline, and have the environment name it."""

    def use(table: Any, **roles: Any) -> None:
        baseline = mw.Baseline.fit(table, model="m", version="1", **roles)
        baseline.save(tmp_path / "baseline.json")
        environment.setenv("MODELWATCH_BASELINE", str(tmp_path / "baseline.json"))
        SHARED.reset()

    return use
