from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch.origins import MOST_IDENTITIES, Deployed, Run, follow_deployment, with_origins
from modelwatch.report.drift_report import DriftReport
from modelwatch.report.findings import FeatureDrift, Severity

SEVERITIES: list[Severity] = ["drift", "warning", "none", "insufficient_data"]


def features(severity: Severity) -> dict[str, FeatureDrift]:
    """Return the findings of a window of one feature."""
    feature = FeatureDrift(name="age", role="input", kind="numeric", rows=9, severity=severity)
    return {"age": feature}


def followed(severities: list[Severity], *, is_first: bool = True) -> Deployed:
    """Return what is known after windows of 60 ns."""
    known: Deployed | None = None
    for number, severity in enumerate(severities):
        known = follow_deployment(
            known, features(severity), start_ns=60 * number, is_first=is_first and number == 0
        )
    assert known is not None
    return known


@given(st.lists(st.sampled_from(SEVERITIES), min_size=1, max_size=12))
def test_skew_is_what_every_judged_window_found(severities: list[Severity]) -> None:
    """A finding is skew where no judged window was calm, else drift since the run began."""
    judged = [(60 * n, s) for n, s in enumerate(severities) if s != "insufficient_data"]
    run = followed(severities).runs.get("age")
    calm = [at for at, severity in judged if severity == "none"]
    if not judged or judged[-1][1] == "none":
        assert run is None
    elif not calm:
        assert run == Run("skew", 0)
    else:
        assert run == Run("drift", min(at for at, _ in judged if at > calm[-1]))


@given(st.lists(st.sampled_from(SEVERITIES), min_size=1, max_size=12))
def test_what_is_known_survives_json(severities: list[Severity]) -> None:
    """Following from what was stored gives the same as following in one process."""
    known = followed(severities)
    stored = Deployed.from_dict(json.loads(json.dumps(known.to_dict())))
    assert stored == known
    assert follow_deployment(stored, features("drift"), start_ns=999) == follow_deployment(
        known, features("drift"), start_ns=999
    )


def test_the_first_judged_window_counts() -> None:
    """Windows with too few rows wait for the first that judges; skew is since the deployment."""
    few = followed(["insufficient_data", "insufficient_data"])
    assert few.unjudged == {"age"}
    assert followed(["insufficient_data", "insufficient_data", "drift"]).runs == {
        "age": Run("skew", 0)
    }
    assert followed(["insufficient_data", "none", "drift"]).runs == {"age": Run("drift", 120)}


def test_what_was_before_the_first_known_window_is_unknown() -> None:
    """Where earlier windows are not known, a finding in the first one is neither."""
    assert followed(["drift", "drift"], is_first=False).runs == {"age": Run(None, None)}
    assert followed(["none", "drift"], is_first=False).runs == {"age": Run("drift", 60)}


@pytest.mark.parametrize("seen", ["another baseline", "model.hash=0123"])
def test_another_baseline_or_binary_is_a_deployment(seen: str) -> None:
    """What differs from the first window on that counts with it is skew, drift before or not."""
    first = frozenset({"a baseline", "model.hash"})
    known = follow_deployment(None, features("none"), start_ns=0, seen=first, is_first=True)
    known = follow_deployment(known, features("drift"), start_ns=60, seen=first)
    assert known.runs == {"age": Run("drift", 60)}
    known = follow_deployment(known, features("drift"), start_ns=120, seen=first | {seen})
    assert (known.runs, known.start_ns) == ({"age": Run("skew", 120)}, 120)
    again = follow_deployment(known, features("drift"), start_ns=180, seen=first)
    assert again.runs == {"age": Run("skew", 120)}


def test_a_baseline_that_comes_a_window_late_is_no_deployment() -> None:
    """A sender that counts without a baseline at first, and then with one, is the same."""
    known = follow_deployment(None, features("none"), start_ns=0, is_first=True)
    known = follow_deployment(known, features("drift"), start_ns=60, seen=frozenset({"b"}))
    assert known.runs == {"age": Run("drift", 60)}


def test_ever_new_baselines_are_not_followed() -> None:
    """What is kept is bounded, however many baselines senders name."""
    known = follow_deployment(None, features("none"), start_ns=0, is_first=True)
    for number in range(2 * MOST_IDENTITIES):
        seen = frozenset({str(number)})
        known = follow_deployment(known, features("none"), start_ns=number, seen=seen)
    assert len(known.identities) == MOST_IDENTITIES


def test_findings_alone_say_where_they_come_from() -> None:
    """A calm feature says nothing, whatever is known of it."""
    told = features("drift") | {
        "calm": FeatureDrift(name="calm", role="input", kind="numeric", rows=9)
    }
    report = DriftReport(
        model="m", version="1", baseline_id="b", start_ns=0, end_ns=1, rows=9, features=told
    )
    runs = dict.fromkeys(told, Run("skew", 7))
    found = with_origins(report, runs)
    assert (found.features["age"].origin, found.features["age"].since_ns) == ("skew", 7)
    assert found.features["calm"].origin is None
    assert DriftReport.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    assert with_origins(report, {}) is report
