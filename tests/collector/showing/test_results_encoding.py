from __future__ import annotations

from dataclasses import replace

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from modelwatch.collector.showing.results_encoding import encode_events
from tests.collector.showing.reports import standing


def test_an_event_of_drift_names_the_traces_of_what_drifts() -> None:
    """Those of features that drift, each once; those of the others are no part of it."""
    found = standing({"a": "drift", "b": "drift", "c": "none"})
    traces = {"a": ("1" * 32, "2" * 32), "b": ("2" * 32,), "c": ("3" * 32,)}
    features = {
        name: replace(feature, trace_ids=traces[name])
        for name, feature in found.report.features.items()
    }
    found = replace(found, report=replace(found.report, features=features))
    request = ExportLogsServiceRequest.FromString(encode_events([found], resource={}, now_ns=1))
    (record,) = request.resource_logs[0].scope_logs[0].log_records
    told = {pair.key: pair.value for pair in record.attributes}
    values = told["modelwatch.drift.trace_ids"].array_value.values
    assert sorted(value.string_value for value in values) == ["1" * 32, "2" * 32]


def test_an_event_of_drift_says_what_is_skew() -> None:
    """Each feature has where it comes from, in the order of the features; words say it too."""
    found = standing({"a": "drift", "b": "drift"})
    features = {
        "a": replace(found.report.features["a"], origin="skew", diagnosis="frozen"),
        "b": replace(found.report.features["b"], diagnosis="moved"),
    }
    found = replace(found, report=replace(found.report, features=features))
    request = ExportLogsServiceRequest.FromString(encode_events([found], resource={}, now_ns=1))
    (record,) = request.resource_logs[0].scope_logs[0].log_records
    told = {
        pair.key: [value.string_value for value in pair.value.array_value.values]
        for pair in record.attributes
    }
    origins = zip(told["modelwatch.drift.features"], told["modelwatch.drift.origins"], strict=True)
    assert dict(origins) == {"a": "skew", "b": ""}
    assert "a (training-serving skew since the deployment: frozen)" in record.body.string_value
    assert "b (moved)" in record.body.string_value
