"""A report as JUnit XML, which the servers that run tests show and gate on."""

from __future__ import annotations

import re
from typing import Literal
from xml.etree import ElementTree as Xml

from modelwatch.report.drift_report import DriftReport
from modelwatch.report.findings import FeatureDrift, MultivariateDrift, PerformanceMetric, Severity
from modelwatch.report.harm import surely_worse
from modelwatch.report.wording import interval, metric_name, number, p_value, percent, plural

__all__ = ["FAILING", "FailOn", "is_failure", "junit_xml"]

FailOn = Literal["warning", "drift"]

FAILING: dict[FailOn, frozenset[Severity]] = {
    "warning": frozenset({"warning", "drift"}),
    "drift": frozenset({"drift"}),
}
"""Which severities are a failure, by the least of them."""

_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


WORSE: Severity = "drift"
"""As what it counts that performance is surely worse by labels."""


def is_failure(report: DriftReport, fail_on: FailOn) -> bool:
    """Tell whether a feature, or all inputs together, are that severe, or performance is worse.

    Performance that is surely worse by labels counts as drift does. Segments do not count.

    Args:
        report: the findings.
        fail_on: the least severity that is a failure.
    """
    failing = FAILING[fail_on]
    is_worse = WORSE in failing and bool(surely_worse(report.performance))
    found = {one.severity for one in report.features.values()}
    found |= {one.severity for one in report.multivariate.values()}
    return is_worse or bool(found & failing)


def junit_xml(report: DriftReport, fail_on: FailOn = "drift") -> str:
    """Return a test suite with one test a feature and a joint statistic, and one a segment.

    Where performance is known by labels, there is one more test, `performance`: a failure, as
    severe as drift, where it is surely worse than on the baseline; see `surely_worse`.

    A feature of the whole whose severity reaches `fail_on` is a failure, with its diagnosis; one
    that could not be judged is skipped. Findings of segments are told as output of a test that
    passes: the whole alone decides. Characters that XML 1.0 cannot hold are replaced.

    Args:
        report: the findings.
        fail_on: the least severity that is a failure.
    """
    root = Xml.Element("testsuites")
    _add_suite(root, report, FAILING[fail_on], "")
    for segment, part in report.segments.items():
        _add_suite(root, part, frozenset(), f" {segment}")
    Xml.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{Xml.tostring(root, encoding="unicode")}\n'


def _add_suite(
    root: Xml.Element, report: DriftReport, failing: frozenset[Severity], segment: str
) -> None:
    joint = report.multivariate.values()
    found: list[Severity] = [feature.severity for feature in report.features.values()]
    found += [one.severity for one in joint]
    worse = surely_worse(report.performance)
    if _is_realized(report):
        found.append(WORSE if worse else "none")
    suite = _add(
        root,
        "testsuite",
        name=f"modelwatch {report.model} {report.version}{segment}",
        tests=str(len(found)),
        failures=str(sum(severity in failing for severity in found)),
        errors="0",
        skipped=str(found.count("insufficient_data")),
    )
    properties = _add(suite, "properties")
    _add(properties, "property", name="baseline_id", value=report.baseline_id)
    _add(properties, "property", name="rows", value=str(report.rows))
    _add(properties, "property", name="verdict", value=report.verdict)
    classname = f"{report.model}.{report.version}{segment}"
    if _is_realized(report):
        case = _add(suite, "testcase", classname=classname, name="performance")
        _tell_performance(case, worse, WORSE in failing)
    for one in joint:
        case = _add(suite, "testcase", classname=classname, name=f"all together: {one.name}")
        figures = f"{number(one.value)}, p {p_value(one.p_value)}, {plural(one.rows, 'row')}"
        _tell(case, one, figures, failing)
    for feature in report.ranked():
        case = _add(suite, "testcase", classname=classname, name=feature.name)
        _tell(case, feature, _figures(feature), failing)


def _tell(
    case: Xml.Element,
    found: FeatureDrift | MultivariateDrift,
    figures: str,
    failing: frozenset[Severity],
) -> None:
    """Say what became of one test."""
    said = found.diagnosis or "the distribution changed"
    if found.severity in failing:
        _add(case, "failure", message=said, type=found.severity).text = figures
    elif found.severity == "insufficient_data":
        _add(case, "skipped", message=f"{found.rows} rows are too few to judge")
    elif found.severity != "none":
        told = f"{found.severity}: {said}; {figures}"
        _add(case, "system-out").text = _NO_XML.sub("\ufffd", told)


def _is_realized(report: DriftReport) -> bool:
    return any(metric.realized is not None for metric in report.performance.values())


def _tell_performance(case: Xml.Element, worse: list[PerformanceMetric], fails: bool) -> None:
    if not worse:
        return
    said = f"performance is worse: {', '.join(metric_name(one.name) for one in worse)}"
    figures = "; ".join(
        f"{metric_name(one.name)} {number(one.realized)} "
        f"(95% interval {interval((one.lower, one.upper))}), {number(one.reference)} on the "
        f"baseline, {plural(one.rows, 'row')}"
        for one in worse
    )
    if fails:
        _add(case, "failure", message=said, type="worse performance").text = figures
    else:
        _add(case, "system-out").text = f"{said}; {figures}"


def _figures(feature: FeatureDrift) -> str:
    return (
        f"PSI {number(feature.psi)}, KS {number(feature.ks)}, p {p_value(feature.p_value)}, "
        f"missing {percent(feature.missing_rate)}, outliers {percent(feature.outlier_rate)}, "
        f"{feature.rows} rows"
    )


def _add(parent: Xml.Element, tag: str, **attributes: str) -> Xml.Element:
    clean = {name: _NO_XML.sub("\ufffd", text) for name, text in attributes.items()}
    return Xml.SubElement(parent, tag, clean)
