"""What Prometheus knows of a collector that it scrapes, and whom it alarms."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelwatch.cli import collector as cli
from tests.collector.showing.prometheus.services import Service
from tests.collector.showing.prometheus.stage import EXAMPLE, Stage, firing

METHODS = ("psi", "js", "ks", "wasserstein", "hellinger")
NUMBERS = {"drift": 2, "warning": 1, "none": 0, "insufficient_data": -1}


def but_for_rounding(value: float | None) -> Any:
    """Return what equals a value: what is merged meanwhile is summed up in another order."""
    return None if value is None else pytest.approx(value, rel=1e-9)


def test_the_target_is_up(stage: Stage) -> None:
    """Prometheus reaches the collector, and can read what it answers."""
    (target,) = stage.ask("targets")["activeTargets"]
    assert (target["health"], target["lastError"]) == ("up", "")
    assert stage.query("scrape_samples_scraped")[0][1] > 100


def test_all_that_was_sent_is_counted(stage: Stage) -> None:
    """Rows, calls by error type, lost rows and durations are those that services sent."""
    for service in (stage.drifting, stage.healthy):
        labels = {"model": service.model, "version": service.version}
        assert stage.value("modelwatch_rows_total", **labels) == service.rows
        for error_type, count in service.calls.items():
            found = stage.value("modelwatch_predictions_total", **labels, error_type=error_type)
            assert found == count
        assert stage.value("modelwatch_rows_dropped_total", **labels) == service.lost
        counted = stage.value("modelwatch_prediction_duration_seconds_count", **labels)
        assert counted == service.calls.total()


@pytest.mark.parametrize("name", ["drifting", "healthy"])
def test_series_hold_what_the_api_says(stage: Stage, name: str) -> None:
    """Scores, severities, moments and shares are those of the collector's API."""
    service: Service = getattr(stage, name)
    report = stage.report(service)
    of_version = {"model": service.model, "version": service.version}
    assert report["features"].keys() == {"x", "idle", "score", "predicted"}
    for feature in report["features"].values():
        labels = {**of_version, "feature": feature["name"]}
        for method in METHODS:
            told = stage.value("modelwatch_drift_score", **labels, method=method)
            assert told == but_for_rounding(feature[method])
        severity = stage.value("modelwatch_drift_severity", **labels)
        assert severity == NUMBERS[feature["severity"]]
        for metric, field in (
            ("modelwatch_feature_missing_ratio", "missing_rate"),
            ("modelwatch_feature_outlier_ratio", "outlier_rate"),
            ("modelwatch_feature_mean_shift", "mean_shift"),
            ("modelwatch_feature_std_ratio", "std_ratio"),
        ):
            assert stage.value(metric, **labels) == but_for_rounding(feature[field])
    for metric in report["performance"].values():
        for kind in ("estimated", "reference"):
            labels = {**of_version, "metric": metric["name"], "kind": kind}
            told = stage.value("modelwatch_performance_value", **labels)
            assert told == but_for_rounding(metric[kind])
    assert stage.value("modelwatch_outlier_ratio", **of_version) == report["outlier_rate"]
    assert stage.value("modelwatch_window_rows", **of_version) == report["rows"]
    assert stage.value("modelwatch_instances", **of_version) == 1


def test_severities_tell_the_models_apart(stage: Stage) -> None:
    """One drifts, one never did, and of those without a baseline nothing is said."""
    found = stage.query("max_over_time(modelwatch_model_severity[10m])")
    worst = {(labels["model"], labels["version"]): value for labels, value in found}
    assert worst.keys() == {("churn", "3"), ("fraud", "1")}
    assert worst["churn", "3"] == 2
    assert worst["fraud", "1"] < 2
    drifting = {labels["feature"] for labels, _ in stage.query("modelwatch_drift_severity == 2")}
    assert drifting == {"x", "score", "predicted"}


def test_each_alert_fires_for_whom_it_should(stage: Stage) -> None:
    """Drifting, silent and unjudged versions are alarmed of; the healthy one never was."""
    assert firing(stage) == {
        ("ModelDrifts", "churn"),
        ("ModelFallsSilent", "churn"),
        ("ModelIsNotJudged", "churn"),
        ("ModelIsNotJudged", "pricing"),
    }
    versions = stage.query('ALERTS{alertname="ModelDrifts",alertstate="firing"}')
    assert [labels["version"] for labels, _ in versions] == ["3"]
    assert stage.query('max_over_time(ALERTS{model="fraud"}[10m])') == []


def test_drift_is_pending_first(stage: Stage) -> None:
    """A rule with a time to wait waits before it fires."""
    was_pending = 'max_over_time(ALERTS{alertname="ModelDrifts",alertstate="pending"}[10m])'
    assert [labels["model"] for labels, _ in stage.query(was_pending)] == ["churn"]


def test_alerts_say_what_is_wrong(stage: Stage) -> None:
    """Annotations name model and version."""
    told = {alert["annotations"]["summary"] for alert in stage.ask("alerts")["alerts"]}
    assert {
        "churn 3 drifts",
        "churn 2 sent nothing for 15 minutes",
        "pricing 2 has no baseline",
    } <= told


def test_the_example_scrapes_where_collectors_listen() -> None:
    """Its target is the address of a collector that was started without options."""
    settings = yaml.safe_load(Path(EXAMPLE, "prometheus.yml").read_text())
    options = inspect.signature(cli.collector).parameters
    (target,) = settings["scrape_configs"][0]["static_configs"][0]["targets"]
    assert target == f"{options['host'].default}:{options['api_port'].default}"
