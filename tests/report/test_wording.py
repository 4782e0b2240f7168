"""Verdicts in words, of everything that a report may hold."""

from __future__ import annotations

import dataclasses

import pytest

import modelwatch as mw
from modelwatch.report.drift_report import FeatureDrift, Severity
from modelwatch.report.findings import MultivariateDrift, PerformanceMetric
from modelwatch.report.wording import (
    MARKS,
    WORDS,
    changed_words,
    interval,
    metric_name,
    season_words,
    statistic_name,
    tone_of,
    verdict,
)


def finding(name: str, severity: Severity, *, harmless: bool = False) -> FeatureDrift:
    """Return a finding."""
    return FeatureDrift(
        name=name, role="input", kind="numeric", rows=9, severity=severity, harmless=harmless
    )


def report_of(report: mw.DriftReport, *features: FeatureDrift) -> mw.DriftReport:
    """Return a report of these findings."""
    return dataclasses.replace(report, features={item.name: item for item in features})


UNCHANGED = PerformanceMetric(name="f1", reference=0.5, estimated=0.5, lower=0.4, upper=0.6)
CHANGED = dataclasses.replace(UNCHANGED, reference=0.7)


def test_harmless_for_lack_of_importance(report: mw.DriftReport) -> None:
    """What the model hardly reads is told as drifted and harmless, by name, with the reason."""
    found = verdict(report_of(report, finding("a", "warning", harmless=True), finding("b", "none")))
    assert found.sentence == "Drifted, harmless: 1 of 2 features, the model hardly reads it"
    assert (found.tone, found.names) == ("harmless", "a")


def test_harmless_since_performance_holds(report: mw.DriftReport) -> None:
    """Drift that leaves performance unchanged is harmless; what else was found is told beside."""
    drifting = report_of(
        report,
        finding("a", "drift"),
        finding("b", "drift"),
        finding("c", "warning"),
        finding("d", "insufficient_data"),
    )
    told = verdict(dataclasses.replace(drifting, performance={"f1": UNCHANGED}))
    assert told.sentence == (
        "Drifted, harmless: 2 of 4 features, estimated performance is unchanged; warning for 1 "
        "more; 1 could not be judged"
    )
    realized = dataclasses.replace(UNCHANGED, realized=0.5)
    told = verdict(dataclasses.replace(drifting, performance={"f1": realized}))
    assert "realised performance is unchanged" in told.sentence
    told = verdict(dataclasses.replace(drifting, performance={"f1": CHANGED}))
    assert (told.tone, told.sentence) == (
        "drift",
        "Drift in 2 of 4 features; 1 could not be judged",
    )


@pytest.mark.parametrize("severity", ["drift", "warning"])
def test_no_feature_alone_but_all_together(report: mw.DriftReport, severity: Severity) -> None:
    """Where all inputs together drift and none alone, the verdict is not "no drift"."""
    together = {"mean": MultivariateDrift(name="mean", severity=severity)}
    calm = report_of(report, finding("a", "none"))
    found = verdict(dataclasses.replace(calm, multivariate=together))
    assert found.sentence == f"No drift in 1 feature alone, but {severity} of all together"
    assert found.tone == severity


def test_changed_performance_without_drift_is_told(report: mw.DriftReport) -> None:
    """Where performance changed and no input did, the verdict says so."""
    calm = report_of(report, finding("a", "none"))
    found = verdict(dataclasses.replace(calm, performance={"f1": CHANGED}))
    assert found.sentence == "No drift in 1 feature, but performance changed"
    assert found.tone == "warning"
    found = verdict(dataclasses.replace(calm, performance={"f1": UNCHANGED}))
    assert (found.tone, found.sentence) == ("none", "No drift in 1 feature")


def test_tones_have_words_and_marks() -> None:
    """Every tone has a word and a mark of its own: colour is never all."""
    assert WORDS.keys() == MARKS.keys()
    assert len(set(MARKS.values())) == len(MARKS)
    assert tone_of(finding("a", "warning", harmless=True)) == "harmless"
    assert tone_of(finding("a", "warning")) == "warning"


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        (UNCHANGED, "no change beyond chance"),
        (CHANGED, "lower, beyond chance"),
        (dataclasses.replace(UNCHANGED, reference=0.2), "higher, beyond chance"),
        (dataclasses.replace(UNCHANGED, reference=None), ""),
        (PerformanceMetric(name="f1", reference=0.4, estimated=0.3), ""),
    ],
)
def test_change_of_performance(metric: PerformanceMetric, words: str) -> None:
    """A change is told with its direction, and only where it can be told at all."""
    assert changed_words(metric) == words


def test_names_as_people_write_them() -> None:
    """Known names are written as usual, unknown ones with spaces."""
    assert [metric_name(name) for name in ("mae", "brier", "custom_loss")] == [
        "MAE",
        "Brier score",
        "Custom loss",
    ]
    assert statistic_name("reconstruction") == "Reconstruction error"
    assert season_words("hour") == "compared with the same hours of the day"
    assert season_words("tide") == "compared by tide"
    assert (season_words(None), interval((None, 1.0))) == ("", "")
