from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_DELTA

from modelwatch.telemetry import names
from modelwatch.telemetry.privacy import Privacy
from modelwatch.telemetry.wire import Decoded, Event, decode_logs, decode_metrics, encode_events
from modelwatch.telemetry.wire.attributes import key_values

OWNER = {names.MODEL_NAME: "m", names.MODEL_VERSION: "1"}
TRACE = 0xABC
TIME = 1_700_000_000 * 10**9


def heard(
    attributes: dict[str, Any],
    name: str = names.EXAMPLE,
    *,
    trace_id: int = TRACE,
    trace_flags: int = 1,
) -> Decoded:
    """Return what a receiver makes of an event."""
    event = Event(name, TIME, {**OWNER, **attributes}, trace_id, 7, trace_flags)
    return decode_logs(encode_events([event], resource={}))


def pairs(decoded: Decoded) -> list[tuple[str, str]]:
    """Return what examples are of."""
    return [(one.kind, one.name) for one in decoded.examples]


def test_an_event_names_all_that_its_trace_shows() -> None:
    """Outliers, gathered values and a failed call, each with the trace and the time."""
    decoded = heard(
        {
            names.OUTLIER_FEATURES: ["age"],
            names.OUTLIER_RULES: ["range"],
            names.EXAMPLE_FEATURES: ["income", "city"],
            names.ERROR_TYPE: "Timeout",
        }
    )
    assert pairs(decoded) == [
        ("outlier", "age"),
        ("shift", "income"),
        ("shift", "city"),
        ("error", "Timeout"),
    ]
    first = decoded.examples[0]
    assert (first.model, first.version, first.time_ns) == ("m", "1", TIME)
    assert first.trace_id == TRACE.to_bytes(16, "big")
    assert first.span_id == (7).to_bytes(8, "big")
    assert (decoded.rejected, decoded.foreign, decoded.arrivals) == (0, 0, [])


def test_events_of_outliers_are_examples_too() -> None:
    """Whoever sends them, with the trace that they happened in."""
    told = {names.OUTLIER_FEATURES: ["age"], names.OUTLIER_RULES: ["range"]}
    assert pairs(heard(told, names.OUTLIER)) == [("outlier", "age")]


@pytest.mark.parametrize("of_event", [{"trace_id": 0}, {"trace_flags": 0}])
def test_events_without_a_sampled_trace_are_passed_over(of_event: dict[str, int]) -> None:
    """There is nothing to look at."""
    decoded = heard({names.OUTLIER_FEATURES: ["age"]}, names.OUTLIER, **of_event)
    assert (decoded.examples, decoded.foreign, decoded.rejected) == ([], 1, 0)


@pytest.mark.parametrize(
    "attributes",
    [
        {names.OUTLIER_FEATURES: [3]},
        {names.ERROR_TYPE: 5},
        {names.MODEL_NAME: 5, names.ERROR_TYPE: "E"},
    ],
)
def test_events_that_cannot_be_are_rejected(attributes: dict[str, Any]) -> None:
    """What is no text is no name."""
    decoded = heard(attributes)
    assert (decoded.examples, decoded.rejected) == ([], 1)
    assert "no text" in decoded.message


def test_what_is_held_back_is_not_named() -> None:
    """A redacted feature leaves neither list."""
    told = {
        names.OUTLIER_FEATURES: ["ssn", "age"],
        names.OUTLIER_RULES: ["type", "range"],
        names.EXAMPLE_FEATURES: ["ssn"],
    }
    shown = Privacy(redact=["ssn"]).applied_to_event(told)
    assert shown == {
        names.OUTLIER_FEATURES: ["age"],
        names.OUTLIER_RULES: ["range"],
        names.EXAMPLE_FEATURES: [],
    }


def metrics(name: str, attributes: dict[str, Any], exemplars: list[dict[str, Any]]) -> Decoded:
    """Return what a receiver makes of a sum with exemplars."""
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name=name)
    metric.sum.aggregation_temporality = AGGREGATION_TEMPORALITY_DELTA
    point = metric.sum.data_points.add(as_int=3, start_time_unix_nano=TIME - 1, time_unix_nano=TIME)
    point.attributes.extend(key_values({**OWNER, **attributes}))
    for exemplar in exemplars:
        point.exemplars.add(**exemplar)
    return decode_metrics(request.SerializeToString())


OF_AGE = {names.FEATURE_NAME: "age", names.FEATURE_ROLE: "input"}
EXEMPLAR = {"trace_id": b"t" * 16, "span_id": b"s" * 8, "time_unix_nano": TIME, "as_int": 1}


@pytest.mark.parametrize(
    ("name", "attributes", "expected"),
    [
        (names.FEATURE_OUTLIERS, {**OF_AGE, names.OUTLIER_RULE: "range"}, [("outlier", "age")]),
        (names.FEATURE_MISSING, {**OF_AGE, names.MISSING_REASON: "null"}, [("shift", "age")]),
        (names.FEATURE_CATEGORIES, {**OF_AGE, names.FEATURE_CATEGORY: "DE"}, []),
        (
            names.FEATURE_CATEGORIES,
            {**OF_AGE, names.FEATURE_CATEGORY: names.UNSEEN_CATEGORIES},
            [("shift", "age")],
        ),
        (names.PREDICTIONS, {names.ERROR_TYPE: "E"}, [("error", "E")]),
        (names.PREDICTIONS, {}, []),
    ],
)
def test_exemplars_of_sums_show_what_the_sum_counts(
    name: str, attributes: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    """Outliers, missing values, unseen categories and errors; what is usual shows nothing."""
    decoded = metrics(name, attributes, [EXEMPLAR])
    assert pairs(decoded) == expected
    assert (decoded.rejected, len(decoded.arrivals)) == (0, 1)


@pytest.mark.parametrize(
    "change",
    [{"trace_id": b""}, {"trace_id": bytes(16)}, {"trace_id": b"x"}, {"time_unix_nano": 2**63}],
)
def test_exemplars_without_a_usable_trace_harm_nothing(change: dict[str, Any]) -> None:
    """The point is taken, and the exemplar is not."""
    attributes = {**OF_AGE, names.OUTLIER_RULE: "range"}
    decoded = metrics(names.FEATURE_OUTLIERS, attributes, [{**EXEMPLAR, **change}])
    assert (decoded.examples, decoded.rejected, len(decoded.arrivals)) == ([], 0, 1)


def test_an_exemplar_without_a_time_has_that_of_its_point() -> None:
    """The latest two are taken."""
    attributes = {**OF_AGE, names.OUTLIER_RULE: "range"}
    told = [
        {**EXEMPLAR, "trace_id": bytes([n]) * 16, "time_unix_nano": n and TIME - 9 + n}
        for n in (1, 3, 2)
    ]
    decoded = metrics(names.FEATURE_OUTLIERS, attributes, told)
    assert [one.trace_id[0] for one in decoded.examples] == [3, 2]
    decoded = metrics(names.FEATURE_OUTLIERS, attributes, [{**EXEMPLAR, "time_unix_nano": 0}])
    assert decoded.examples[0].time_ns == TIME
