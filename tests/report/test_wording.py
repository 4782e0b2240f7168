"""Verdicts in words, of everything that a report may hold."""

from __future__ import annotations

import dataclasses

import pytest

import modelwatch as mw
from modelwatch.report.drift_report import FeatureDrift, Severity
from modelwatch.report.findings import MultivariateDrift, PerformanceMetric
from modelwatch.report.harm import is_surely_worse
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
    found = {item.name: item for item in features}
    return dataclasses.replace(report, features=found, multivariate={})


UNCHANGED = PerformanceMetric(name="f1", reference=0.5, estimated=0.5, lower=0.47, upper=0.53)
CHANGED = dataclasses.replace(UNCHANGED, reference=0.7)


def test_harmless_for_lack_of_importance(report: mw.DriftReport) -> None:
    """What the model hardly reads is told as drifted and harmless, by name, with the reason."""
    found = verdict(report_of(report, finding("a", "warning", harmless=True), finding("b", "none")))
    assert found.sentence == "Harmless drift in 1 of 2 features, as the model hardly reads it"
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
        "Harmless drift in 2 of 4 features, as estimated performance is kept; warning for 1 "
        "more; 1 could not be judged"
    )
    realized = dataclasses.replace(UNCHANGED, realized=0.5)
    told = verdict(dataclasses.replace(drifting, performance={"f1": realized}))
    assert "realised performance is kept" in told.sentence
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
    assert found.sentence == "No drift in 1 feature, but performance is worse"
    assert found.tone == "warning"
    together = {"mean": MultivariateDrift(name="mean", severity="drift")}
    found = verdict(dataclasses.replace(calm, performance={"f1": CHANGED}, multivariate=together))
    assert found.sentence.endswith("but drift of all together, and performance is worse")
    found = verdict(dataclasses.replace(calm, performance={"f1": UNCHANGED}))
    assert (found.tone, found.sentence) == ("none", "No drift in 1 feature")


@pytest.mark.parametrize(
    ("features", "sentence", "names"),
    [
        ([finding("a", "none")], "No drift in 1 feature, but performance is worse", ""),
        (
            [finding("a", "none"), finding("b", "insufficient_data")],
            "No drift in 1 feature, but performance is worse; 1 could not be judged",
            "",
        ),
        (
            [finding("a", "warning"), finding("b", "none")],
            "Warning for 1 of 2 features, and performance is worse",
            "a",
        ),
        (
            [finding("a", "warning", harmless=True), finding("b", "warning")],
            (
                "Drift that the model hardly reads in 1 of 2 features, but performance is worse; "
                "warning for 1 more"
            ),
            "a",
        ),
        (
            [finding("a", "insufficient_data")],
            "Too few rows to judge any feature, but performance is worse",
            "",
        ),
    ],
)
def test_worse_by_labels_is_as_severe_as_drift(
    report: mw.DriftReport, features: list[FeatureDrift], sentence: str, names: str
) -> None:
    """The verdict on a model that does worse by labels names what else was found."""
    worse = {"f1": dataclasses.replace(CHANGED, realized=CHANGED.estimated)}
    found = dataclasses.replace(report_of(report, *features), performance=worse)
    assert found.verdict == "worse performance"
    told = verdict(found)
    assert (told.sentence, told.names, told.tone) == (sentence, names, "drift")


def test_drift_says_more_than_worse_performance(report: mw.DriftReport) -> None:
    """Where a feature drifted that the model reads, the verdict is drift; estimates alone are none.

    An estimate holds on a condition: it makes no verdict of its own.
    """
    worse = {"f1": dataclasses.replace(CHANGED, realized=CHANGED.estimated)}
    drifting = report_of(report, finding("a", "drift"))
    assert dataclasses.replace(drifting, performance=worse).verdict == "drift"
    calm = report_of(report, finding("a", "none"))
    assert dataclasses.replace(calm, performance={"f1": CHANGED}).verdict == "none"


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
        (CHANGED, "worse, beyond chance"),
        (dataclasses.replace(UNCHANGED, reference=0.2), "better, beyond chance"),
        (dataclasses.replace(CHANGED, name="log_loss"), "better, beyond chance"),
        (dataclasses.replace(CHANGED, name="bias"), "lower, beyond chance"),
        (dataclasses.replace(UNCHANGED, reference=None), ""),
        (PerformanceMetric(name="f1", reference=0.4, estimated=0.3), ""),
    ],
)
def test_change_of_performance(metric: PerformanceMetric, words: str) -> None:
    """A change is told with its direction, and only where it can be told at all."""
    assert changed_words(metric) == words


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (CHANGED, True),
        (UNCHANGED, False),
        (dataclasses.replace(UNCHANGED, reference=0.54), False),  # at 95% only
        (dataclasses.replace(UNCHANGED, reference=0.2), False),
        (dataclasses.replace(CHANGED, name="recall"), False),
        (PerformanceMetric(name="f1", reference=0.5), False),
        (PerformanceMetric(name="mae", reference=2.0, realized=3.0, lower=2.8, upper=3.2), True),
        (PerformanceMetric(name="mae", reference=3.0, realized=2.0, lower=1.8, upper=2.2), False),
    ],
)
def test_performance_is_called_worse_only_where_that_is_sure(
    metric: PerformanceMetric, expected: bool
) -> None:
    """Only measures that decide, only for the worse, and at 99.9% confidence."""
    assert is_surely_worse(metric) is expected


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
