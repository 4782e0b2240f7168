from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

import modelwatch as mw
from modelwatch.report.drift_report import DriftReport
from modelwatch.report.findings import FeatureDrift
from modelwatch.report.skew_findings import FingerprintFinding, SchemaFinding
from modelwatch.report.skew_words import MOST_LINES, origin_words, skew_remarks
from modelwatch.report.wording import verdict

HOUR_NS = 3_600_000_000_000


def feature(name: str, **known: object) -> FeatureDrift:
    """Return a finding of drift."""
    told = {"name": name, "role": "input", "kind": "numeric", "rows": 9, "severity": "drift"}
    return FeatureDrift.of({**told, **known})


def skewed(*features: FeatureDrift) -> DriftReport:
    """Return a report with these findings, of another form and environment too."""
    return DriftReport(
        model="m",
        version="1",
        baseline_id="b",
        start_ns=0,
        end_ns=HOUR_NS,
        rows=9,
        features={one.name: one for one in features},
        schema=(SchemaFinding(name="plan", kind="absent", share=1.0, text="never comes"),),
        fingerprint=(FingerprintFinding(part="numpy", expected="1.0", actual="2.0"),),
    )


REPORT = skewed(
    feature("late", origin="drift", since_ns=HOUR_NS, diagnosis="moved"),
    feature("amount", origin="skew", since_ns=HOUR_NS, diagnosis="100 times"),
    feature("other", origin="skew"),
)


def test_skew_is_told_in_order() -> None:
    """Values first, with since when and why; then the form; then the environment; no drift."""
    since = "differs from training since the first window after deployment"
    assert [(remark.subject, remark.text) for remark in skew_remarks(REPORT)] == [
        ("amount", f"{since} (1970-01-01 01:00 UTC): 100 times"),
        ("other", f"{since}: the distribution is another"),
        ("plan", "never comes"),
        ("numpy", "2.0 is served with, and the baseline was made with 1.0"),
    ]
    assert [origin_words(one) for one in REPORT.features.values()] == [
        "drift, since 1970-01-01 01:00 UTC",
        "training-serving skew, since 1970-01-01 01:00 UTC",
        "training-serving skew",
    ]


def test_a_feature_in_another_form_is_told_once() -> None:
    """What never comes says more of it than how much is missing; it is no line of its own."""
    report = skewed(feature("plan", origin="skew", diagnosis="missing (absent) in 100% of rows"))
    plan, _ = skew_remarks(report)
    assert plan.text.endswith("since the first window after deployment: never comes")


def test_the_verdict_says_how_much_is_skew() -> None:
    """Some or all of the findings are there since the deployment, or nothing is said of it."""
    assert verdict(REPORT).sentence == "Drift in 3 of 3 features, 2 of them since the deployment"
    every = skewed(feature("a", origin="skew", severity="warning"))
    assert verdict(every).sentence == "Warning for 1 of 1 feature, since the deployment"
    assert verdict(skewed(feature("a"))).sentence == "Drift in 1 of 1 feature"


def test_much_skew_is_counted() -> None:
    """What does not fit is told in number."""
    many = skewed(*(feature(f"f{n}", origin="skew") for n in range(40)))
    told = skew_remarks(many)
    assert len(told) == MOST_LINES
    assert told[-1].subject == f"{42 - MOST_LINES + 1} more"


def test_the_terminal_has_a_block_of_it() -> None:
    """It stands above the table, and the table says of each finding where it comes from."""
    console = Console(file=io.StringIO(), width=160, no_color=True)
    console.print(REPORT)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert text.index("Training-serving skew") < text.index("effect")
    assert "numpy: 2.0 is served with" in text
    assert "moved; drift, since 1970-01-01 01:00 UTC" in text


def test_a_report_without_any_has_no_block(report: mw.DriftReport) -> None:
    """Where nothing is skew, nothing is said of it."""
    calm = replace(report, schema=(), fingerprint=())
    assert skew_remarks(calm) == []
    assert "Training-serving skew" not in calm.to_html()
