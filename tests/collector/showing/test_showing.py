from __future__ import annotations

from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

import modelwatch as mw
from modelwatch.collector.showing.options import ShowingOptions
from modelwatch.collector.storing import upkeep
from modelwatch.collector.storing.retention import Retention
from modelwatch.errors import ConfigurationError
from modelwatch.telemetry.wire import encode_logs
from tests import plain_http
from tests.collector.conftest import (
    FEATURE,
    MODEL,
    NOW_NS,
    PROTOBUF,
    SECOND,
    VERSION,
    Running,
    Start,
    Traffic,
    eventually,
    frame,
)

WINDOW_END_NS = NOW_NS // (60 * SECOND) * 60 * SECOND
LITTLE = Retention(
    instances_seconds=3_600,
    minutes_seconds=3_600,
    hours_seconds=3_600,
    days_seconds=3_600,
    evaluations_seconds=3_600,
)
OPENMETRICS = {"Accept": "application/openmetrics-text;version=1.0.0"}


class Scrape:
    """The samples of one scrape."""

    def __init__(self, running: Running, **headers: str) -> None:
        self.answer = plain_http.get(f"{running.api}/metrics", headers=headers)
        self.answer.raise_for_status()
        read = (
            read_openmetrics if "openmetrics" in self.answer.headers["content-type"] else read_text
        )
        families = read(self.answer.text)
        self.samples = [sample for family in families for sample in family.samples]

    def values(self, name: str, **labels: str) -> list[float]:
        """Return the values of the series that have a name and some labels."""
        return [
            s.value for s in self.samples if s.name == name and labels.items() <= s.labels.items()
        ]


def judged(running: Running, traffic: Traffic, baseline: mw.Baseline, **profile: Any) -> None:
    """Have a window judged."""
    running.push(baseline)
    running.post(traffic.body(traffic.profile(end_ns=WINDOW_END_NS, **profile)))
    assert eventually(
        lambda: bool(Scrape(running).values("modelwatch_model_severity", model=MODEL))
    )


@pytest.mark.parametrize("headers", [{}, OPENMETRICS], ids=["text", "openmetrics"])
def test_scrape_tells_what_the_last_window_came_to(
    start: Start, traffic: Traffic, baseline: mw.Baseline, headers: dict[str, str]
) -> None:
    """A scrape holds the report's numbers under the service's names, in both formats."""
    running = start()
    judged(running, traffic, baseline, shift=30.0)
    scrape = Scrape(running, **headers)
    seconds = {"window": "60s", "end": str(WINDOW_END_NS // SECOND)}
    whole = plain_http.get(running.version("/drift"), params=seconds).json()
    report = whole["features"][FEATURE]
    of_version = {"model": MODEL, "version": VERSION}
    of_feature = {**of_version, "feature": FEATURE, "role": "input"}
    for method in ("psi", "ks", "js", "wasserstein", "hellinger"):
        found = scrape.values("modelwatch_drift_score", method=method, **of_feature)
        assert found == [report[method]]
    assert scrape.values("modelwatch_drift_severity", **of_feature) == [2.0]
    assert scrape.values("modelwatch_model_severity", **of_version) == [2.0]
    assert scrape.values("modelwatch_feature_missing_ratio", **of_feature) == [0.0]
    assert scrape.values("modelwatch_feature_drift_since_timestamp_seconds", **of_feature) == [
        WINDOW_END_NS / SECOND - 60
    ]
    assert scrape.values("modelwatch_baseline_outlier_ratio", **of_version) == [
        whole["baseline_outlier_rate"]
    ]
    assert scrape.values("modelwatch_window_end_timestamp_seconds") == [WINDOW_END_NS / SECOND]
    assert scrape.values("modelwatch_drift_since_timestamp_seconds") == [
        WINDOW_END_NS / SECOND - 60
    ]
    assert scrape.values("modelwatch_rows_total", **of_version) == [500.0]
    assert scrape.values("modelwatch_has_baseline", **of_version) == [1.0]
    assert scrape.values("modelwatch_instances", **of_version) == [1.0]


def test_scrape_tells_of_mean_and_spread(
    start: Start, traffic: Traffic, baseline: mw.Baseline
) -> None:
    """Where moments came with the counts, a scrape holds how far mean and deviation moved."""
    running = start()
    profile = traffic.profile(end_ns=WINDOW_END_NS, shift=30.0)
    logs = encode_logs(profile, resource={"service.instance.id": "a"})
    plain_http.post(f"{running.otlp}/v1/logs", content=logs, headers=PROTOBUF)
    running.post(traffic.body(profile))
    running.push(baseline)
    labels = {"model": MODEL, "version": VERSION, "feature": FEATURE, "role": "input"}
    assert eventually(
        lambda: bool(Scrape(running).values("modelwatch_feature_mean_shift", **labels))
    )
    before = frame(0, 5_000)[FEATURE]
    now = frame(WINDOW_END_NS % 997, 500, shift=30.0)[FEATURE]
    shift, ratio = (now.mean() - before.mean()) / before.std(), now.std() / before.std()
    scrape = Scrape(running)
    told = scrape.values("modelwatch_feature_mean_shift", **labels)
    assert told == pytest.approx([shift], rel=1e-3)
    told = scrape.values("modelwatch_feature_std_ratio", **labels)
    assert told == pytest.approx([ratio], rel=1e-3)


def test_collector_tells_of_itself(start: Start, traffic: Traffic, baseline: mw.Baseline) -> None:
    """A scrape holds what the receiver saw, how long commits took, and what runs."""
    running = start()
    judged(running, traffic, baseline)
    running.post(b"no protobuf")
    running.post(traffic.body(traffic.profile(end_ns=NOW_NS + 86_400 * SECOND)))
    points = traffic.points(traffic.profile(end_ns=WINDOW_END_NS))
    scrape = Scrape(running)
    assert scrape.values("modelwatch_collector_requests_total") == [3.0]
    assert scrape.values("modelwatch_collector_requests_refused_total") == [1.0]
    assert scrape.values("modelwatch_collector_points_beyond_limit_total", limit="future") == [
        scrape.values("modelwatch_collector_points_total", outcome="rejected")[0]
    ]
    assert scrape.values("process_resident_memory_bytes")[0] > 1_000_000
    assert scrape.values("modelwatch_collector_points_total", outcome="stored") == [points]
    assert scrape.values("modelwatch_collector_commit_seconds_count") == [1.0]
    assert scrape.values("modelwatch_collector_writes_waiting") == [0.0]
    assert scrape.values("modelwatch_build_info", version=mw.__version__) == [1.0]
    assert scrape.values("modelwatch_collector_store_bytes")[0] >= running.store.stat().st_size
    assert scrape.values("modelwatch_collector_evaluation_seconds_count")[0] >= 1.0


def test_version_without_baseline_is_shown_as_such(start: Start, traffic: Traffic) -> None:
    """Data that nothing is compared with is counted, and has no severity."""
    running = start()
    running.post(traffic.body(traffic.profile(on_baseline=False)))
    options = {"model": MODEL, "version": VERSION}
    scrape = Scrape(running)
    assert scrape.values("modelwatch_rows_total", **options) == [500.0]
    assert scrape.values("modelwatch_has_baseline", **options) == [0.0]
    assert scrape.values("modelwatch_model_severity") == []


def test_versions_beyond_the_limit_are_counted(start: Start, traffic: Traffic) -> None:
    """Versions that are not shown are told in number."""
    running = start(showing=ShowingOptions(most_versions=2))
    for version in "abc":
        profile = traffic.profile(on_baseline=False)
        profile.version = version
        running.post(traffic.body(profile))
    scrape = Scrape(running)
    assert scrape.values("modelwatch_metrics_left_out", kind="version") == [1.0]
    assert len(scrape.values("modelwatch_rows_total")) == 2


def test_results_outlive_a_restart(start: Start, traffic: Traffic, baseline: mw.Baseline) -> None:
    """A collector that is started again shows at once what was found before."""
    judged(start(), traffic, baseline, shift=30.0)
    again = start()
    assert eventually(
        lambda: Scrape(again).values("modelwatch_drift_severity", feature=FEATURE) == [2.0]
    )


def test_version_whose_data_was_deleted_is_no_longer_shown(
    start: Start, traffic: Traffic, baseline: mw.Baseline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What retention let go of vanishes, with its calls; what is stored still is shown."""
    monkeypatch.setattr(upkeep, "MERGE_SECONDS", 0.05)
    monkeypatch.setattr(upkeep, "CLEAN_SECONDS", 0.05)
    now = [NOW_NS]
    running = start(
        clock=lambda: now[0], retention=LITTLE, showing=ShowingOptions(refresh_seconds=0)
    )
    judged(running, traffic, baseline)

    def versions(name: str) -> set[str]:
        return {s.labels["version"] for s in Scrape(running).samples if s.name == name}

    judged_names = ("modelwatch_model_severity", "modelwatch_prediction_duration_seconds_count")
    assert all(versions(name) == {VERSION} for name in judged_names)
    now[0] += 2 * 86_400 * SECOND
    later = traffic.profile(end_ns=now[0], on_baseline=False)
    later.version = "later"
    running.post(traffic.body(later))
    assert eventually(lambda: versions("modelwatch_rows_total") == {"later"})
    assert eventually(lambda: not any(versions(name) for name in judged_names))


@pytest.mark.parametrize("accept", ["application/openmetrics-text;version=x", "\xff", ",;="])
def test_any_accept_header_is_answered(start: Start, accept: str) -> None:
    """A client that asks for what does not exist gets metrics all the same."""
    answer = plain_http.get(
        f"{start().api}/metrics", headers=[(b"Accept", accept.encode("latin-1"))]
    )
    assert answer.status_code == 200


def test_other_methods_are_refused(start: Start) -> None:
    """Metrics are only read."""
    answer = plain_http.post(f"{start().api}/metrics")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


@pytest.mark.parametrize(
    ("option", "value"), [("most_versions", 0), ("repeat_seconds", 0), ("refresh_seconds", -1)]
)
def test_options_are_checked(option: str, value: float) -> None:
    """A limit that cannot work is refused where it is given, by its name."""
    values: dict[str, Any] = {option: value}
    with pytest.raises(ConfigurationError, match=option):
        ShowingOptions(**values)
