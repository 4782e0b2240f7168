"""The sentences below a verdict."""

from __future__ import annotations

import dataclasses

import pytest

import modelwatch as mw
from modelwatch.report.findings import PerformanceMetric
from modelwatch.report.remarks import (
    importance_share,
    main_metrics,
    remarks,
    without_performance,
)
from tests.report.conftest import PERFORMANCE, table


def test_how_sure_how_much_and_why(full: mw.DriftReport) -> None:
    """The worst feature's cause, effect, interval, p-value and segment are told first."""
    first, second, third = remarks(full)
    worst = full.ranked()[0]
    assert first.subject == "distance"
    for part in (
        str(worst.diagnosis),
        f"effect {worst.effect:.3f} (95% interval {worst.intervals['psi'][0]:.3f} to ",
        "p <0.001",
        "probable cause: scale change",
        "mostly in carrier=<UA>",
    ):
        assert part in first.text
    assert second.subject == "All inputs together"
    assert "went from 0.02 to 0.33; p <0.001" in second.text
    assert third.subject == "ROC AUC"
    assert third.text == (
        "estimated at 0.702 (95% interval 0.684 to 0.719), 0.741 on the baseline: "
        "worse, beyond chance"
    )


def test_calm_data_needs_no_remark(calm: mw.DriftReport, unjudged: mw.DriftReport) -> None:
    """Where nothing was found or judged, the verdict is all."""
    assert remarks(calm) == remarks(unjudged) == []


def test_importance_is_told_as_a_share(report: mw.DriftReport) -> None:
    """Importances of any unit are told as shares; without them nothing is."""
    weights = {"distance": 3.0, "hour": 1.0}
    features = {
        name: dataclasses.replace(found, importance=weights.get(name))
        for name, found in report.features.items()
    }
    weighed = dataclasses.replace(report, features=features)
    assert importance_share(weighed, features["distance"]) == 0.75
    assert importance_share(weighed, features["flag"]) is None
    assert "75.0% of the model's importance" in remarks(weighed)[0].text
    assert "importance" not in remarks(report)[0].text
    nothing = {n: dataclasses.replace(f, importance=0.0) for n, f in features.items()}
    weighed = dataclasses.replace(report, features=nothing)
    assert importance_share(weighed, nothing["distance"]) is None


def test_metrics_that_changed_come_first(full: mw.DriftReport) -> None:
    """Changed measures come first, then the usual ones; unknown values last."""
    names = [metric.name for metric in main_metrics(full)]
    assert names == ["roc_auc", "f1", "accuracy", "matthews", "brier"]


@pytest.mark.parametrize(
    ("metric", "text"),
    [
        (PERFORMANCE["accuracy"], "0.805 (95% interval 0.790 to 0.820), 0.810 on the baseline: "),
        (PERFORMANCE["matthews"], "estimated at 0.430 (95% interval 0.400 to 0.460)"),
        (PerformanceMetric(name="mae", realized=3.0), "3.000"),
    ],
)
def test_what_is_known_of_performance_is_told(
    calm: mw.DriftReport, metric: PerformanceMetric, text: str
) -> None:
    """Realised values go before estimates, and what is not known is left out."""
    (remark,) = remarks(dataclasses.replace(calm, performance={metric.name: metric}))
    assert remark.text.startswith(text)


def test_says_why_there_is_no_performance(calm: mw.DriftReport, full: mw.DriftReport) -> None:
    """A model with outputs and a baseline without labels has one line; others have none."""
    assert "fitted without labels" in without_performance(calm)
    assert without_performance(full) == ""
    assert without_performance(mw.DriftReport.from_dict(calm.to_dict())) == ""
    inputs = {name: column for name, column in table(0, 200).items() if name != "score"}
    bare = mw.Baseline.fit(inputs, model="m", version="1")
    assert without_performance(mw.compare(bare, inputs)) == ""


def test_what_is_surely_worse_is_told_first(calm: mw.DriftReport) -> None:
    """A measure that decides and is worse goes before one that is better."""
    better = PerformanceMetric(name="roc_auc", reference=0.8, realized=0.9, lower=0.89, upper=0.91)
    worse = PerformanceMetric(name="accuracy", reference=0.8, realized=0.5, lower=0.49, upper=0.51)
    metrics = {one.name: one for one in (better, worse)}
    names = [one.name for one in main_metrics(dataclasses.replace(calm, performance=metrics))]
    assert names == ["accuracy", "roc_auc"]
