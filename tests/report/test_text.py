from __future__ import annotations

import dataclasses
import io

import pytest
from rich.console import Console

import modelwatch as mw
from modelwatch.report.drift_report import FeatureDrift, Severity
from modelwatch.report.wording import names_of, verdict


def printed(report: mw.DriftReport, *, width: int = 160) -> str:
    """Return what the terminal shows."""
    console = Console(file=io.StringIO(), width=width, no_color=True)
    console.print(report)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def with_severities(report: mw.DriftReport, *severities: Severity) -> mw.DriftReport:
    """Return a report of as many features."""
    features = {
        f"f{n}": FeatureDrift(name=f"f{n}", role="input", kind="numeric", rows=9, severity=severity)
        for n, severity in enumerate(severities)
    }
    return dataclasses.replace(report, features=features, multivariate={})


def test_table_tells_every_feature(report: mw.DriftReport) -> None:
    """The table has every feature with severity in words, worst first; names are not markup."""
    text = printed(report)
    for name in report.features:
        assert name in text
    assert "\u25b2 drift" in text
    assert "extra <column>" in text
    assert text.index("distance") < text.index("constant")


def test_tells_all_that_a_report_has(full: mw.DriftReport) -> None:
    """Effects with intervals, all inputs together, performance and segments are printed."""
    text = printed(full)
    distance = full.features["distance"]
    bounds = distance.intervals["psi"]
    for part in (
        f"{distance.effect:.3f}",
        f"{bounds[0]:.3f} to {bounds[1]:.3f}",
        "(scale change)",
        "mostly in carrier=<UA>",
        "all together",
        "too few complete rows to judge: 12",
        "ROC AUC",
        "worse, beyond chance",
        "1 more measure\n",
        "Estimated without labels",
        "carrier=HA",
    ):
        assert part in text, part


def test_a_narrow_terminal_has_room_for_words(full: mw.DriftReport) -> None:
    """In 80 columns the intervals make room for what was found; no line is longer."""
    lines = printed(full, width=80).splitlines()
    assert max(map(len, lines)) <= 80
    assert not any(line.startswith("feature") and "interval" in line for line in lines)
    assert any("values are 1.7" in line and "distance" in line for line in lines)


def test_tells_nothing_of_what_is_not_there(calm: mw.DriftReport) -> None:
    """Without the rest there are the verdict and the features."""
    text = printed(dataclasses.replace(calm, multivariate={}))
    for part in ("together", "performance", "segment", "Not in the baseline"):
        assert part not in text
    assert text.startswith("\u2013 No drift in 7 features")


@pytest.mark.parametrize(
    ("severities", "severity", "sentence"),
    [
        (("drift", "none"), "drift", "Drift in 1 of 2 features"),
        (("warning", "none", "none"), "warning", "Warning for 1 of 3 features"),
        (("none",), "none", "No drift in 1 feature"),
        (
            ("none", "insufficient_data"),
            "none",
            "No drift in 1 feature; 1 could not be judged",
        ),
        (("insufficient_data",), "insufficient_data", "Too few rows to judge any feature"),
        ((), "insufficient_data", "Too few rows to judge any feature"),
    ],
)
def test_verdicts(
    report: mw.DriftReport, severities: tuple[Severity, ...], severity: str, sentence: str
) -> None:
    """The worst severity is told, and what was not judged is never told as free of drift."""
    found = verdict(with_severities(report, *severities))
    assert (found.severity, found.sentence) == (severity, sentence)


def test_many_names_are_shortened(report: mw.DriftReport) -> None:
    """A long list of features names the worst and counts the rest."""
    nine: tuple[Severity, ...] = ("drift",) * 9
    features = with_severities(report, *nine).ranked()
    assert names_of(features) == "f0, f1, f2, f3 and 5 more"
    assert names_of(features[:2]) == "f0 and f1"
    assert names_of(features[:1]) == "f0"
