"""Estimates that rest on inputs which no longer mean what they did."""

from __future__ import annotations

from modelwatch.comparing.doubts import doubted
from modelwatch.report.findings import FeatureDrift, PerformanceMetric

ESTIMATE = PerformanceMetric(name="f1", reference=0.7, estimated=0.8, lower=0.75, upper=0.85)
LABELLED = PerformanceMetric(name="f1", reference=0.7, realized=0.8, lower=0.75, upper=0.85)


def drift(**fields: object) -> FeatureDrift:
    """Return a finding of an input that drifted."""
    known = {"name": "distance", "role": "input", "kind": "numeric", "rows": 900}
    return FeatureDrift.from_dict(known | {"severity": "drift"} | fields)


def test_a_fault_of_the_pipeline_takes_the_interval() -> None:
    """The estimate stays, to be seen, and its condition names the input."""
    found = doubted({"f1": ESTIMATE}, [drift(cause="scale_change")])["f1"]
    assert (found.estimated, found.lower, found.upper) == (0.8, None, None)
    assert found.changed is None
    assert found.condition is not None
    assert found.condition.startswith("Not to be trusted: distance ")


def test_rows_where_the_baseline_had_none_take_it_too() -> None:
    """Outlying or missing in more than a few rows, beyond chance."""
    far = drift(outlier_rate=0.4, tests={"outliers": 1e-9})
    assert doubted({"f1": ESTIMATE}, [far])["f1"].lower is None


def test_what_labels_say_stays() -> None:
    """Realised performance rests on no condition."""
    assert doubted({"f1": LABELLED}, [drift(cause="scale_change")])["f1"] == LABELLED


def test_plain_drift_casts_no_doubt() -> None:
    """Inputs that moved to where the baseline had rows are what the estimate is for."""
    harmless = drift(cause="offset", harmless=True, severity="warning")
    output = drift(role="output", cause="scale_change")
    calm = drift(cause="offset", severity="none")
    assert doubted({"f1": ESTIMATE}, [drift(), harmless, output, calm]) == {"f1": ESTIMATE}
