"""A baseline with every kind of feature, and data that drifts from it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import modelwatch as mw
from modelwatch.performance.conditions import CBPE_CONDITIONS
from modelwatch.report.findings import MultivariateDrift, PerformanceMetric

Table = dict[str, np.ndarray]


def table(seed: int, rows: int, *, shift: float = 0.0) -> Table:
    """Return rows of a model; ``shift`` moves some of the features."""
    random = np.random.default_rng(seed)
    return {
        "distance": random.lognormal(6, 0.6, rows) * (1 + shift),
        "hour": random.integers(5, 24, rows).astype(float),
        "flag": random.integers(0, 2, rows).astype(float),
        "constant": np.full(rows, 7.0),
        "rain": np.where(random.random(rows) < 0.9, 0.0, random.exponential(0.1, rows)),
        '[bold]<b>&"é': random.choice(
            ["a<i>", "b", "c"], rows, p=[0.6 - shift / 4, 0.2, 0.2 + shift / 4]
        ),
        "score": random.beta(2, 5, rows),
    }


@pytest.fixture(scope="session")
def baseline() -> mw.Baseline:
    """What the model was trained on."""
    return mw.Baseline.fit(table(0, 4_000), model="m<odel>", version="1", score="score")


@pytest.fixture(scope="session")
def report(baseline: mw.Baseline) -> mw.DriftReport:
    """A report of data that drifts."""
    data = {**table(1, 1_000, shift=0.8), "extra <column>": np.zeros(1_000)}
    return mw.compare(baseline, data)


@pytest.fixture(scope="session")
def calm(baseline: mw.Baseline) -> mw.DriftReport:
    """A report of data that does not drift."""
    return mw.compare(baseline, table(5, 1_000))


@pytest.fixture(scope="session")
def unjudged(baseline: mw.Baseline) -> mw.DriftReport:
    """A report of too few rows."""
    return mw.compare(baseline, table(5, 20))


MULTIVARIATE = {
    "correlation": MultivariateDrift(
        name="correlation",
        value=0.31,
        p_value=1e-6,
        lower=0.25,
        upper=0.37,
        severity="drift",
        rows=998,
        features=("distance", "<i>hour"),
        diagnosis="correlation of distance and <i>hour went from 0.02 to 0.33",
    ),
    "mean": MultivariateDrift(name="mean", value=0.04, p_value=0.34, severity="none", rows=998),
    "reconstruction": MultivariateDrift(name="reconstruction", rows=12),
}
PERFORMANCE = {
    metric.name: metric
    for metric in (
        PerformanceMetric(name="brier", reference=0.14),
        PerformanceMetric(name="f1", reference=0.52, estimated=0.515, lower=0.49, upper=0.54),
        PerformanceMetric(
            name="accuracy", reference=0.81, estimated=0.8, realized=0.805, lower=0.79, upper=0.82
        ),
        PerformanceMetric(
            name="roc_auc",
            reference=0.741,
            estimated=0.702,
            lower=0.684,
            upper=0.719,
            condition=CBPE_CONDITIONS,
        ),
        PerformanceMetric(name="matthews", estimated=0.43, lower=0.4, upper=0.46),
    )
}


@pytest.fixture(scope="session")
def full(report: mw.DriftReport, calm: mw.DriftReport, unjudged: mw.DriftReport) -> mw.DriftReport:
    """A report that has all that a report can have."""
    features = dict(report.features)
    features["distance"] = dataclasses.replace(
        features["distance"], segment="carrier=<UA>", cause="scale_change"
    )
    return dataclasses.replace(
        report,
        features=features,
        multivariate=MULTIVARIATE,
        performance=PERFORMANCE,
        segments={"carrier=HA": unjudged, "carrier=DL": calm, "carrier=<UA>": report},
    )
