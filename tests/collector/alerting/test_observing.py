"""What each kind of rule sees in one window."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import modelwatch as mw
from modelwatch.collector.alerting.facts import Seen, Traffic, WindowFacts, facts_of
from modelwatch.collector.alerting.observing import observe, quantile_seconds
from modelwatch.collector.alerting.rules import Rule
from modelwatch.collector.evaluating.evaluation import assess
from modelwatch.collector.storing.store import WindowProfiles
from modelwatch.origins import Run, with_origins
from modelwatch.profile import DURATION_BOUNDS_SECONDS
from modelwatch.report.drift_report import DriftReport
from modelwatch.report.findings import FeatureDrift, MultivariateDrift, PerformanceMetric
from tests.collector.alerting.conftest import window
from tests.collector.conftest import FEATURE, MODEL, VERSION
from tests.collector.conftest import Traffic as Senders

PLAIN = WindowFacts(window=window(0), baseline_id="b", through_id=1, state="no_drift")


def found(facts: WindowFacts, **options: Any) -> dict[str, str]:
    """Return what a rule finds in a window, with severities."""
    seen = observe(Rule.model_validate({"name": "r", **options}), facts)
    return {name: one.severity for name, one in seen.found.items()}


def is_judged(facts: WindowFacts, **options: Any) -> bool:
    """Return whether a rule can judge a window."""
    return observe(Rule.model_validate({"name": "r", **options}), facts).judged


DRIFTING = replace(
    PLAIN,
    state="drift",
    features={
        "age": Seen(severity="drift", weight=1.0, cause="went up"),
        "plan": Seen(severity="warning"),
        "unread": Seen(severity="drift", harmless=True),
    },
    unjudged=frozenset({"rare"}),
)


def test_drift_and_warnings() -> None:
    """Drift alone, or both; what the model hardly reads counts only where that is asked for."""
    assert found(DRIFTING, on="drift") == {"age": "critical"}
    assert found(DRIFTING, on="warning") == {"age": "critical", "plan": "warning"}
    assert found(DRIFTING, on="warning", min_severity="critical") == {"age": "critical"}
    assert found(DRIFTING, on="drift", harmless=True) == {"age": "critical", "unread": "critical"}
    assert found(DRIFTING, on="warning", features="p*") == {"plan": "warning"}
    rule = Rule(name="r", on="drift")
    assert observe(rule, DRIFTING).unjudged == {"rare"}


def test_drift_that_does_no_harm_is_a_warning() -> None:
    """Where performance surely is kept, nobody is woken."""
    harmless = replace(DRIFTING, harmless=True)
    assert found(harmless, on="drift") == {"age": "warning"}
    assert found(harmless, on="drift", min_severity="critical") == {}


FLEET = replace(
    PLAIN,
    siblings=3,
    instances={
        "pod-7": {
            "age": Seen(severity="drift", weight=2.0, cause="multiplied by 100"),
            "plan": Seen(severity="warning", weight=0.1),
        },
        "": {"plan": Seen(severity="warning", weight=0.2)},
        "pod-8": {"unread": Seen(severity="drift", harmless=True)},
    },
    instances_unjudged=frozenset({"pod-9"}),
)


def test_instances_that_stray() -> None:
    """Each is named with the features that the rule looks at, the worst first."""
    assert found(FLEET, on="instance") == {"pod-7": "critical", "without a name": "warning"}
    assert found(FLEET, on="instance", min_severity="critical") == {"pod-7": "critical"}
    assert found(FLEET, on="instance", features="age") == {"pod-7": "critical"}
    assert found(FLEET, on="instance", harmless=True)["pod-8"] == "critical"
    seen = observe(Rule(name="r", on="instance"), FLEET)
    assert seen.found["pod-7"].features == ("age", "plan")
    cause = "strays from its 3 siblings in age (multiplied by 100), plan"
    assert seen.found["pod-7"].cause == cause
    assert seen.found["pod-7"].weight == 2.0
    assert seen.unjudged == {"pod-9"}
    assert WindowFacts.from_json(FLEET.to_json()) == FLEET


@pytest.mark.parametrize("siblings", [None, 0])
def test_instances_that_were_not_compared_are_not_judged(siblings: int | None) -> None:
    """One alone, or a window that nobody asked for, neither confirms nor clears."""
    assert not is_judged(replace(PLAIN, siblings=siblings), on="instance")
    assert is_judged(replace(PLAIN, siblings=1), on="instance")


@pytest.mark.parametrize("state", ["no_data", "no_baseline", "incomparable"])
def test_what_was_not_compared_is_not_judged(state: Any) -> None:
    """Such windows neither confirm nor clear."""
    facts = replace(PLAIN, state=state)
    for kind in ("drift", "warning", "joint", "performance", "insufficient_data"):
        assert not is_judged(facts, on=kind)


def test_all_inputs_together_and_performance() -> None:
    """Estimates count only where that is asked for, and clear nothing where they do not."""
    facts = replace(
        PLAIN,
        joint={"correlation": Seen(severity="drift"), "mean": Seen(severity="warning")},
        performance={"roc_auc": Seen(estimated=True, cause="worse"), "f1": Seen(cause="worse")},
        performance_unjudged=frozenset({"mae"}),
    )
    assert found(facts, on="joint") == {"correlation": "critical", "mean": "warning"}
    assert found(facts, on="performance") == {"f1": "critical"}
    assert found(facts, on="performance", estimated=True) == {
        "roc_auc": "critical",
        "f1": "critical",
    }
    assert observe(Rule(name="r", on="performance"), facts).unjudged == {"mae", "roc_auc"}


SKEWED = replace(
    PLAIN,
    state="drift",
    skew={
        "age": Seen(severity="drift", weight=2.0, cause="since the deployment"),
        "plan": Seen(severity="warning", cause="spelled otherwise"),
        "unread": Seen(severity="drift", harmless=True),
        "model.hash": Seen(severity="drift", cause="another model binary"),
    },
    unjudged=frozenset({"rare", "plan"}),
)


def test_what_is_served_otherwise_than_trained() -> None:
    """All skew is found, what the model hardly reads where asked; other forms need no rows."""
    worst = {"age": "critical", "model.hash": "critical"}
    assert found(SKEWED, on="skew") == {**worst, "plan": "warning"}
    assert found(SKEWED, on="skew", min_severity="critical") == worst
    assert found(SKEWED, on="skew", features="a*") == {"age": "critical"}
    assert found(SKEWED, on="skew", harmless=True)["unread"] == "critical"
    assert observe(Rule(name="r", on="skew"), SKEWED).unjudged == {"rare"}
    assert is_judged(replace(SKEWED, state="incomparable"), on="skew")
    assert not is_judged(replace(SKEWED, state="no_data"), on="skew")
    assert WindowFacts.from_json(SKEWED.to_json()) == SKEWED


def test_windows_that_were_stored_before_there_was_skew_are_read() -> None:
    """An older file's windows have none."""
    body = json.loads(PLAIN.to_json())
    del body["skew"]
    assert WindowFacts.from_json(json.dumps(body)) == PLAIN


def test_facts_tell_skew_from_drift(baseline: mw.Baseline, traffic: Senders) -> None:
    """A finding since the deployment says so in its cause, and is among the skew with the form."""
    profile = traffic.profile(shift=30)
    profile.update({"country": ["de"] * 400, "extra": [1.0] * 400})
    profile.mismatches.update({"numpy=1.0.0": 1})
    observed = WindowProfiles(
        profiles={baseline.id: profile}, unmergeable=0, instances=1, through_id=1
    )
    told = assess(MODEL, VERSION, window(0), baseline=baseline, observed=observed)
    assert told.report is not None
    runs = {FEATURE: Run("skew", 7), "country": Run("drift", 8)}
    facts = facts_of(replace(told, report=with_origins(told.report, runs)))
    words = "training-serving skew since the deployment: "
    assert facts.features[FEATURE].cause.startswith(words)
    assert not facts.features["country"].cause.startswith(words)
    assert facts.skew.keys() == {FEATURE, "country", "numpy"}
    assert facts.skew["country"].cause.startswith("spelled otherwise in ")
    assert facts.mismatches == ("numpy",)
    seen = observe(Rule(name="r", on="fingerprint"), facts)
    assert seen.found["numpy"].cause.startswith("1.0.0 is served with")
    assert facts_of(told).skew.keys() == {"country", "numpy"}


def test_calls_rows_and_latency_against_limits() -> None:
    """Above a limit it is found; with too little traffic it is not judged."""
    durations = np.zeros(len(DURATION_BOUNDS_SECONDS) + 1, np.int64)
    durations[DURATION_BOUNDS_SECONDS.index(0.5)] = 100
    traffic = Traffic(
        rows=100, calls=100, errors=6, outlier_rows=6, durations=tuple(durations.tolist())
    )
    facts = replace(PLAIN, traffic=traffic)
    assert found(facts, on="errors") == {"error_rate": "critical"}
    assert found(facts, on="errors", error_rate=0.06) == {}
    assert not is_judged(facts, on="errors", min_calls=101)
    assert found(facts, on="outliers") == {"outlier_rate": "warning"}
    assert found(facts, on="outliers", outlier_rate=0.06) == {}
    assert not is_judged(facts, on="outliers", min_rows=101)
    assert found(facts, on="latency", latency_seconds=0.25) == {"latency": "warning"}
    assert found(facts, on="latency", latency_seconds=0.5) == {}
    assert not is_judged(facts, on="latency", latency_seconds=0.5, min_calls=101)


def test_other_parts_and_too_few_rows() -> None:
    """Another binary is critical, another library a warning; parts are chosen by patterns."""
    facts = replace(PLAIN, mismatches=("model.hash", "numpy"), state="insufficient_data")
    assert found(facts, on="fingerprint") == {"model.hash": "critical", "numpy": "warning"}
    assert found(facts, on="fingerprint", features="model.hash") == {"model.hash": "critical"}
    assert found(facts, on="insufficient_data") == {"rows": "warning"}
    assert found(PLAIN, on="insufficient_data") == {}
    assert is_judged(PLAIN, on="insufficient_data")


def test_a_quantile_lies_within_its_bin() -> None:
    """Between the edges of the bin, the last edge where it is beyond; none without calls."""
    durations = [0] * (len(DURATION_BOUNDS_SECONDS) + 1)
    assert quantile_seconds(tuple(durations), 0.5) is None
    durations[0] = 4
    assert quantile_seconds(tuple(durations), 0.5) == pytest.approx(0.00005)
    durations[0], durations[-1] = 0, 4
    assert quantile_seconds(tuple(durations), 0.5) == DURATION_BOUNDS_SECONDS[-1]


def test_facts_hold_what_a_report_says(baseline: mw.Baseline, traffic: Senders) -> None:
    """Findings, what could not be judged, proven losses, and the traffic beside them."""
    profile = traffic.profile(end_ns=window(0).end_ns)
    profile.predictions.update({"": 8, "Timeout": 2})
    profile.outlier_rows = 3
    report = DriftReport(
        model=MODEL,
        version=VERSION,
        baseline_id=baseline.id,
        start_ns=0,
        end_ns=1,
        rows=500,
        features={
            "age": FeatureDrift(
                name="age", role="input", kind="numeric", rows=9, severity="drift", effect=0.5,
                importance=0.5, diagnosis="went up",
            ),
            "rare": FeatureDrift(
                name="rare", role="input", kind="numeric", rows=1, severity="insufficient_data"
            ),
        },
        multivariate={"mean": MultivariateDrift(name="mean", severity="warning")},
        performance={
            "roc_auc": PerformanceMetric(
                name="roc_auc", reference=0.9, realized=0.6, lower=0.58, upper=0.62
            ),
            "f1": PerformanceMetric(name="f1", reference=0.9),
        },
    )  # fmt: skip
    observed = WindowProfiles(
        profiles={baseline.id: profile}, unmergeable=0, instances=1, through_id=7
    )
    assessed = assess(MODEL, VERSION, window(0), baseline=baseline, observed=observed)
    facts = facts_of(replace(assessed, report=report, state="drift"))
    assert facts.features == {"age": Seen(severity="drift", weight=0.25, cause="went up")}
    assert facts.unjudged == {"rare"}
    assert facts.joint.keys() == {"mean"}
    assert facts.performance["roc_auc"].cause == "ROC AUC is 0.600, and was 0.900 on the baseline"
    assert facts.performance_unjudged == {"f1"}
    assert (facts.traffic.calls, facts.traffic.errors, facts.traffic.outlier_rows) == (10, 2, 3)
    assert WindowFacts.from_json(facts.to_json()) == facts
