from __future__ import annotations

from dataclasses import replace

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from modelwatch.collector.showing.results_encoding import encode_events
from modelwatch.report.label_findings import ConceptFinding
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


def test_a_change_of_the_errors_is_an_event() -> None:
    """From what to what, since when and how sure; a fall is information and no warning."""
    rise = ConceptFinding(
        detected_ns=90, began_ns=70, before=0.1, after=0.25, direction="rise", confidence=0.99
    )
    fall = replace(rise, direction="fall", detected_ns=95)
    found = replace(standing({"a": "none"}), changes=(fall, rise))
    body = encode_events([], [found], resource={}, now_ns=100)
    request = ExportLogsServiceRequest.FromString(body)
    first, second = request.resource_logs[0].scope_logs[0].log_records
    assert [first.event_name, second.event_name] == ["modelwatch.concept.changed"] * 2
    assert (first.severity_text, second.severity_text) == ("WARN", "INFO")
    assert (first.time_unix_nano, second.time_unix_nano) == (90, 95)
    told = {pair.key: pair.value for pair in first.attributes}
    assert told["modelwatch.model.name"].string_value == "m"
    assert told["modelwatch.concept.error_after"].double_value == 0.25
    assert told["modelwatch.concept.since_unix_nano"].int_value == 70
    assert first.body.string_value.startswith("m 1: errors rose from 0.100 to 0.250")


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
