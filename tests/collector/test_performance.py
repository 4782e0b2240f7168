"""Performance that a collector estimates, from what services send without labels."""

from __future__ import annotations

import pytest

import modelwatch as mw
from modelwatch.report.drift_report import DriftReport
from modelwatch.telemetry.wire import encode_logs, encode_metrics
from tests import plain_http
from tests.collector.conftest import MODEL, NOW_NS, PROTOBUF, SECOND, VERSION, Start
from tests.labelled_tables import Table, binary_table, without


@pytest.fixture(scope="session")
def labelled() -> mw.Baseline:
    """A classifier's baseline with labels."""
    return mw.Baseline.fit(
        binary_table(0),
        model=MODEL, version=VERSION, prediction="predicted", score="score", label="label",
    )  # fmt: skip


def sent(baseline: mw.Baseline, table: Table, instance: str) -> tuple[mw.Profile, bytes, bytes]:
    """Return a minute of one sender, as metrics and as events."""
    profile = mw.Profile.empty(MODEL, VERSION, baseline=baseline, instance=instance)
    profile.update(without(table, "label"))
    profile.start_ns, profile.end_ns = NOW_NS - 60 * SECOND, NOW_NS
    resource = {"service.instance.id": instance}
    metrics = encode_metrics(profile, resource=resource)
    return profile, metrics, encode_logs(profile, resource=resource)


def test_the_drift_report_tells_performance(start: Start, labelled: mw.Baseline) -> None:
    """Senders are merged, resends count once, and the estimate is that of all rows."""
    collector = start()
    assert collector.push(labelled).status_code == 201
    parts = [sent(labelled, binary_table(seed, 400), f"i-{seed}") for seed in (1, 2)]
    for _, metrics, logs in [*parts, parts[0]]:
        assert collector.post(metrics).status_code == 200
        answer = plain_http.post(f"{collector.otlp}/v1/logs", content=logs, headers=PROTOBUF)
        assert answer.status_code == 200
    found = DriftReport.from_dict(plain_http.get(collector.version("/drift")).json()).performance
    expected = mw.compare(labelled, parts[0][0].merge(parts[1][0])).performance
    assert found.keys() == expected.keys()
    assert found["accuracy"].rows == 800
    for name, metric in found.items():
        assert metric.estimated == pytest.approx(expected[name].estimated, rel=1e-9)
        assert metric.reference == expected[name].reference
        assert metric.realized is None


def test_a_damaged_event_spoils_nothing(start: Start, labelled: mw.Baseline) -> None:
    """The sender is told, and what else it sent is judged."""
    collector = start()
    collector.push(labelled)
    _, metrics, logs = sent(labelled, binary_table(1, 400), "i-1")
    collector.post(metrics)
    damaged = logs.replace(b'"refused"', b'"refusal"')
    assert damaged != logs
    answer = plain_http.post(f"{collector.otlp}/v1/logs", content=damaged, headers=PROTOBUF)
    assert answer.status_code == 200
    assert b"modelwatch.performance.scores" in answer.content
    report = DriftReport.from_dict(plain_http.get(collector.version("/drift")).json())
    assert report.rows == 400
    assert report.performance == {}
