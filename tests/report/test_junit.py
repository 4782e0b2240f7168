"""Findings as JUnit XML."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal
from xml.etree import ElementTree as Xml

import pytest

from modelwatch.report.drift_report import DriftReport
from modelwatch.report.findings import FeatureDrift, PerformanceMetric, Severity
from modelwatch.report.junit import is_failure, junit_xml


def feature(name: str, severity: Severity, diagnosis: str | None = None) -> FeatureDrift:
    """Return one finding."""
    return FeatureDrift(
        name=name,
        role="input",
        kind="numeric",
        rows=900,
        psi=0.4,
        p_value=1e-9,
        severity=severity,
        diagnosis=diagnosis,
    )


def report_of(*features: FeatureDrift) -> DriftReport:
    """Return a report of these findings."""
    return DriftReport(
        model="churn",
        version="3",
        baseline_id="0123456789abcdef",
        start_ns=0,
        end_ns=0,
        rows=900,
        features={item.name: item for item in features},
    )


REPORT = report_of(
    feature("age", "drift", "the unit changed"),
    feature("plan", "warning"),
    feature("score", "none"),
    feature("rare", "insufficient_data"),
)


def outcomes(text: str) -> dict[str | None, str]:
    """Return what became of each test."""
    cases = Xml.fromstring(text).iter("testcase")
    return {case.get("name"): case[0].tag if len(case) else "passed" for case in cases}


@pytest.mark.parametrize(("fail_on", "plan"), [("warning", "failure"), ("drift", "system-out")])
def test_severe_features_are_failures(fail_on: Literal["warning", "drift"], plan: str) -> None:
    """What reaches the severity fails, what could not be judged is skipped, the rest passes.

    A finding below the severity is told as output.
    """
    text = junit_xml(REPORT, fail_on)
    assert outcomes(text) == {"age": "failure", "plan": plan, "rare": "skipped", "score": "passed"}
    suite = Xml.fromstring(text).find("testsuite")
    assert suite is not None
    counted = [suite.get(name) for name in ("tests", "failures", "errors", "skipped")]
    assert counted == ["4", "2" if plan == "failure" else "1", "0", "1"]


def test_a_failure_says_what_was_found() -> None:
    """The message is the diagnosis, the text holds the figures."""
    failure = next(Xml.fromstring(junit_xml(REPORT)).iter("failure"))
    assert failure.get("message") == "the unit changed"
    assert failure.get("type") == "drift"
    assert "PSI 0.400" in (failure.text or "")
    assert "p <0.001" in (failure.text or "")


def test_segments_are_suites_of_their_own() -> None:
    """Each has the tests of its features, which never fail: the whole alone decides."""
    whole = replace(REPORT, segments={"de": report_of(feature("age", "drift"))})
    suites = Xml.fromstring(junit_xml(whole)).findall("testsuite")
    assert [suite.get("name") for suite in suites] == [
        "modelwatch churn 3",
        "modelwatch churn 3 de",
    ]
    assert suites[1].get("failures") == "0"
    told = suites[1].find("testcase/system-out")
    assert told is not None
    assert (told.text or "").startswith("drift: ")


WORSE = PerformanceMetric(
    name="accuracy", reference=0.78, realized=0.22, lower=0.2, upper=0.24, rows=2_000
)
KEPT = replace(WORSE, realized=0.78, lower=0.76, upper=0.8)


@pytest.mark.parametrize("fail_on", ["warning", "drift"])
def test_worse_performance_is_a_failure(fail_on: Literal["warning", "drift"]) -> None:
    """It counts as drift does: a test of its own fails, with the figures, and so does the whole."""
    report = replace(report_of(feature("age", "none")), performance={"accuracy": WORSE})
    text = junit_xml(report, fail_on)
    assert outcomes(text) == {"performance": "failure", "age": "passed"}
    assert is_failure(report, fail_on)
    suite = Xml.fromstring(text).find("testsuite")
    assert suite is not None
    assert [suite.get(name) for name in ("tests", "failures")] == ["2", "1"]
    failure = next(Xml.fromstring(text).iter("failure"))
    assert failure.get("message") == "performance is worse: Accuracy"
    assert failure.get("type") == "worse performance"
    told = "Accuracy 0.220 (95% interval 0.200 to 0.240), 0.780 on the baseline, 2,000 rows"
    assert failure.text == told


def test_performance_that_is_kept_passes() -> None:
    """Known by labels it is a test that passes; unknown or estimated alone, it is none."""
    calm = report_of(feature("age", "none"))
    kept = replace(calm, performance={"accuracy": KEPT})
    assert outcomes(junit_xml(kept)) == {"performance": "passed", "age": "passed"}
    assert not is_failure(kept, "warning")
    estimated = replace(WORSE, realized=None, estimated=0.22)
    blind = replace(calm, performance={"accuracy": estimated})
    assert outcomes(junit_xml(blind)) == {"age": "passed"}
    assert not is_failure(blind, "warning")


def test_worse_performance_of_a_segment_is_told() -> None:
    """A segment never fails: what is worse there is output."""
    part = replace(report_of(feature("age", "none")), performance={"accuracy": WORSE})
    whole = replace(report_of(feature("age", "none")), segments={"de": part})
    assert not is_failure(whole, "warning")
    told = Xml.fromstring(junit_xml(whole)).findall("testsuite")[1].find("testcase/system-out")
    assert told is not None
    assert (told.text or "").startswith("performance is worse: Accuracy; Accuracy 0.220")


def test_any_name_makes_a_whole_document() -> None:
    """Markup is escaped, and what XML cannot hold is replaced."""
    text = junit_xml(report_of(feature('a<b>&"\x00\ud800', "drift", "\x1b[31mred")))
    assert text.encode()
    case = next(Xml.fromstring(text.encode()).iter("testcase"))
    assert case.get("name") == 'a<b>&"\ufffd\ufffd'
    assert case[0].get("message") == "\ufffd[31mred"
