"""Events of predictions and labels arrive as they were sent, and nothing odd does harm."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from modelwatch.errors import UndecodableTelemetry
from modelwatch.telemetry import names
from modelwatch.telemetry.wire import (
    OUTCOME_EVENTS,
    Event,
    LabelRows,
    PredictionRows,
    encode_events,
    label_events,
    labels_of,
    prediction_events,
    predictions_of,
)
from modelwatch.telemetry.wire.assembling import plain_attributes
from modelwatch.telemetry.wire.attributes import any_value, key_values
from modelwatch.telemetry.wire.outcomes import MOST_ROWS

TIME = 1_700_000_000 * 10**9
OWNER = {names.MODEL_NAME: "churn", names.MODEL_VERSION: "3"}

patient = settings(suppress_health_check=[HealthCheck.too_slow])
"""A busy machine fails no law."""

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAMES = TEXTS.filter(bool)
VALUES = st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | TEXTS | st.floats()
TIMES = st.integers(1, 2**63 - 1)


def records(events: list[Event]) -> list[LogRecord]:
    """Return events as a receiver reads them."""
    request = ExportLogsServiceRequest.FromString(encode_events(events, resource={}))
    return list(request.resource_logs[0].scope_logs[0].log_records)


def told(record: LogRecord) -> PredictionRows:
    """Return the predictions of an event."""
    return predictions_of(record, plain_attributes(record.attributes))


def labelled(record: LogRecord) -> LabelRows:
    """Return the labels of an event."""
    return labels_of(record, plain_attributes(record.attributes))


def single(
    body: Any, attributes: dict[str, Any] | None = None, *, time_ns: int = TIME
) -> LogRecord:
    """Return an event of one prediction or label, as any client makes it."""
    attributes = {**OWNER, names.PREDICTION_ID: "p-1", **(attributes or {})}
    message = body if isinstance(body, AnyValue) else any_value(body)
    return LogRecord(time_unix_nano=time_ns, attributes=key_values(attributes), body=message)


def many(document: object, **attributes: str | float) -> LogRecord:
    """Return an event of many, with a body of any JSON."""
    text = document if isinstance(document, str) else json.dumps(document)
    return LogRecord(attributes=key_values({**OWNER, **attributes}), body=any_value(text))


def finite(values: list[Any]) -> list[Any]:
    """Return values with None for each number that JSON does not have."""
    return [
        None if isinstance(value, float) and not math.isfinite(value) else value for value in values
    ]


@st.composite
def prediction_rows(draw: st.DrawFn) -> PredictionRows:
    """Return any predictions that can be sent."""
    size = draw(st.integers(1, 5))

    def column(values: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(values, min_size=size, max_size=size))

    def columns(least: int) -> dict[str, list[Any]]:
        of = draw(st.lists(NAMES, min_size=least, max_size=3, unique=True))
        return {name: column(VALUES) for name in of}

    return PredictionRows(
        model=draw(NAMES),
        version=draw(NAMES),
        ids=column(NAMES),
        times_ns=column(TIMES),
        outputs=columns(1),
        segments=column(TEXTS) if draw(st.booleans()) else None,
        features=columns(0),
        sample_rate=draw(st.floats(0, 1, exclude_min=True)),
    )


@patient
@given(prediction_rows())
def test_predictions_arrive_as_they_were_sent(rows: PredictionRows) -> None:
    """With their types; numbers that are none as missing values."""
    (record,) = records(prediction_events(rows))
    found = told(record)
    assert record.event_name == names.PREDICTION
    assert record.time_unix_nano == max(rows.times_ns)
    assert (found.model, found.version, found.ids) == (rows.model, rows.version, rows.ids)
    assert (found.times_ns, found.segments) == (rows.times_ns, rows.segments)
    assert found.sample_rate == rows.sample_rate
    for here, there in ((rows.outputs, found.outputs), (rows.features, found.features)):
        assert list(here) == list(there)
        for name, values in here.items():
            assert [*map(repr, finite(list(values)))] == [*map(repr, there[name])]


@patient
@given(st.lists(st.tuples(NAMES, VALUES, st.integers(0, 2**63 - 1)), min_size=1, max_size=5))
def test_labels_arrive_as_they_were_sent(labels: list[tuple[str, Any, int]]) -> None:
    """One that takes back stays one, and a label without a time has none."""
    ids, values, times_ns = (list(column) for column in zip(*labels, strict=True))
    rows = LabelRows(model="churn", ids=ids, labels=values, times_ns=times_ns)
    (record,) = records(label_events(rows))
    found = labelled(record)
    assert record.event_name == names.LABEL
    assert (found.model, found.ids, found.times_ns) == ("churn", ids, times_ns)
    assert [*map(repr, found.labels)] == [*map(repr, finite(values))]


def test_many_predictions_are_told_by_few_events() -> None:
    """Each of a bounded number of rows, which it counts."""
    size = 2 * MOST_ROWS + 1
    rows = PredictionRows(
        model="churn",
        version="3",
        ids=[f"p-{row}" for row in range(size)],
        times_ns=range(TIME, TIME + size),
        outputs={"score": [0.5] * size},
    )
    events = prediction_events(rows)
    assert [event.tells for event in events] == [MOST_ROWS, MOST_ROWS, 1]
    found = [told(record) for record in records(events)]
    assert [one for part in found for one in part.ids] == rows.ids
    assert [one for part in found for one in part.times_ns] == list(rows.times_ns)
    labels = LabelRows(model="m", ids=rows.ids, labels=[1] * size, times_ns=rows.times_ns)
    assert [event.tells for event in label_events(labels)] == [MOST_ROWS, MOST_ROWS, 1]


def test_nothing_is_told_of_nothing() -> None:
    """No rows, no events."""
    rows = PredictionRows(model="m", version="1", ids=[], times_ns=[], outputs={})
    assert prediction_events(rows) == []
    assert label_events(LabelRows(model="m", ids=[], labels=[], times_ns=[])) == []


def test_columns_of_other_lengths_are_refused() -> None:
    """Rows that do not go together would be joined wrongly."""
    rows = PredictionRows(
        model="m", version="1", ids=["a"], times_ns=[TIME], outputs={"score": [0.5, 0.6]}
    )
    with pytest.raises(ValueError, match="outputs are not as many as the 1 ids"):
        prediction_events(rows)


def test_any_client_can_tell_of_one_prediction() -> None:
    """A plain log record: attributes, and a map of outputs."""
    found = told(
        single({"label": "yes", "score": 0.75}, {names.SEGMENT: "eu", names.SAMPLE_RATE: 0.5})
    )
    assert found == PredictionRows(
        model="churn",
        version="3",
        ids=["p-1"],
        times_ns=[TIME],
        outputs={"label": ["yes"], "score": [0.75]},
        segments=["eu"],
        sample_rate=0.5,
    )


def test_one_prediction_may_bring_its_features() -> None:
    """Two maps in the body; an output that is called so is still an output."""
    nested = AnyValue(
        kvlist_value=KeyValueList(
            values=[
                KeyValue(key="outputs", value=any_value({"score": 0.75})),
                KeyValue(key="features", value=any_value({"age": 41, "city": "Bonn"})),
            ]
        )
    )
    found = told(single(nested))
    assert (found.outputs, found.features) == ({"score": [0.75]}, {"age": [41], "city": ["Bonn"]})
    found = told(single({"outputs": 0.75, "features": 30}))
    assert (found.outputs, found.features) == ({"outputs": [0.75], "features": [30]}, {})


@pytest.mark.parametrize("label", ["fraud", True, 3, 0.5])
def test_any_client_can_tell_a_label(label: str | float) -> None:
    """The body is the label, of its own type; even a text is no JSON."""
    (found,) = labelled(single(label)).labels
    assert (found, type(found)) == (label, type(label))


def test_a_label_without_a_body_takes_the_label_back() -> None:
    """Which is all that such an event can mean."""
    record = LogRecord(attributes=key_values({**OWNER, names.PREDICTION_ID: "p-1"}))
    assert labelled(record) == LabelRows(model="churn", ids=["p-1"], labels=[None], times_ns=[0])


def test_the_time_is_when_it_was_observed_where_nothing_else_is_told() -> None:
    """SDKs that leave the time of a record to the receiver set that one."""
    record = single({"score": 1.0}, time_ns=0)
    record.observed_time_unix_nano = TIME
    assert told(record).times_ns == [TIME]
    record = single("yes", time_ns=0)
    assert labelled(record).times_ns == [0]
    record.observed_time_unix_nano = TIME
    assert labelled(record).times_ns == [TIME]


GOOD = {"ids": ["a", "b"], "times_ns": [TIME, TIME], "outputs": {"score": [0.5, 1]}}


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (many("{"), "the body is no JSON"),
        (many("[" * 100_000), "the body is no JSON"),
        (many([]), "the body is no JSON object"),
        (many({}), "it lacks ids"),
        (many({**GOOD, "ids": []}), "ids is empty"),
        (many({**GOOD, "ids": ["a", ""]}), "ids holds something that is no text, or an empty one"),
        (many({**GOOD, "ids": ["a", 7]}), "ids holds something that is no text"),
        (many({**GOOD, "ids": ["a", "b" * 257]}), "more than 256 characters"),
        (many({**GOOD, "ids": ["a", "\ud800"]}), "ids holds half of a surrogate pair"),
        (many({**GOOD, "ids": ["a"] * 2_049}), "it tells of 2049, of 2048 at most"),
        (many({**GOOD, "times_ns": [TIME]}), "times_ns has 1 values for 2 ids"),
        (many({**GOOD, "times_ns": [TIME, 0]}), "times_ns holds a time that is none"),
        (many({**GOOD, "times_ns": [TIME, 2**63]}), "times_ns holds a time that is none"),
        (many({**GOOD, "times_ns": [TIME, 0.5]}), "times_ns holds something that is no time"),
        (many({**GOOD, "outputs": None}), "it lacks outputs"),
        (many({**GOOD, "outputs": [1, 2]}), "outputs is no object of columns by name"),
        (many({**GOOD, "outputs": {"score": [1]}}), "score has 1 values for 2 ids"),
        (many({**GOOD, "outputs": {"score": [1, []]}}), "outputs 'score' holds something"),
        (many({**GOOD, "outputs": {"": [1, 2]}}), "a name among outputs is empty"),
        (many({**GOOD, "outputs": {"s": [1, 10**400]}}), "an integer beyond all floats"),
        (many({**GOOD, "outputs": {"s": ["", "a" * 1_025]}}), "more than 1024 characters"),
        (many({**GOOD, "outputs": {"s": ["", "\ud800"]}}), "half of a surrogate pair"),
        (many({**GOOD, "outputs": {str(name): [1, 2] for name in range(101)}}), "it has 101"),
        (many({**GOOD, "segments": ["eu"]}), "segments has 1 values for 2 ids"),
        (many({**GOOD, "segments": ["eu", 1]}), "segments holds something that is no text"),
        (many({**GOOD, "features": [1]}), "features is no object of columns by name"),
        (many(GOOD, **{names.SAMPLE_RATE: 0.0}), "no share above 0 up to 1"),
        (many(GOOD, **{names.SAMPLE_RATE: True}), "no share above 0 up to 1"),
        (many(GOOD, **{names.SAMPLE_RATE: math.nan}), "no share above 0 up to 1"),
        (many(GOOD, **{names.MODEL_NAME: ""}), "attribute modelwatch.model.name is '', no text"),
        (single("text"), "the body is no map of outputs by name"),
        (single({}), "it lacks outputs"),
        (single({"s": ["a"]}), "outputs 's' is no text, number or truth value"),
        (single({"score": 1}, time_ns=0), "the time holds a time that is none"),
        (single({"score": 1}, time_ns=2**63), "the time holds a time that is none"),
        (single({"score": 1}, {names.PREDICTION_ID: 7}), "no text, or an empty one"),
        (single({"score": 1}, {names.SEGMENT: 7}), "modelwatch.segment holds something"),
        (LogRecord(), "it lacks attribute modelwatch.model.name"),
        (LogRecord(attributes=key_values(OWNER)), "it has no attribute modelwatch.prediction.id"),
    ],
)
def test_what_cannot_be_is_refused_and_named(record: LogRecord, reason: str) -> None:
    """So that whoever sent it can find out."""
    with pytest.raises(UndecodableTelemetry, match=reason):
        told(record)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (many({"ids": ["a"]}), "it lacks labels"),
        (many({"ids": ["a"], "labels": [1, 2]}), "labels has 2 values for 1 ids"),
        (many({"ids": ["a"], "labels": [{}]}), "labels holds something that is no text"),
        (many({"ids": ["a"], "labels": [1]}), "it lacks times_ns"),
        (many({"ids": ["a"], "labels": [1], "times_ns": [-1]}), "times_ns holds a time"),
        (single({"label": 1}), "the body is no text, number or truth value"),
        (single(AnyValue(array_value=ArrayValue())), "the body is no text, number or truth"),
        (single(AnyValue(bytes_value=b"1")), "the body is no text, number or truth value"),
    ],
)
def test_a_label_that_cannot_be_is_refused_and_named(record: LogRecord, reason: str) -> None:
    """Likewise."""
    with pytest.raises(UndecodableTelemetry, match=reason):
        labelled(record)


def test_integers_beyond_64_bits_become_floats() -> None:
    """As JSON may hold them, and no store keeps them whole."""
    document = {**GOOD, "outputs": {"s": [2**63, 1e999]}}
    text = json.dumps(document).replace("Infinity", "1e999")
    assert told(many(text)).outputs == {"s": [float(2**63), None]}


JSON = st.recursive(
    VALUES | st.floats() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(
    st.sampled_from(["ids", "times_ns", "outputs", "features", "segments", "labels"]), JSON
)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(
        [
            names.MODEL_NAME,
            names.MODEL_VERSION,
            names.PREDICTION_ID,
            names.SEGMENT,
            names.SAMPLE_RATE,
        ]
    ),
    TEXTS | st.floats() | st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.lists(TEXTS),
)
BODIES = st.one_of(
    DOCUMENTS.map(json.dumps),
    TEXTS,
    st.binary(max_size=20),
    st.dictionaries(TEXTS, TEXTS | st.floats() | st.lists(TEXTS, max_size=2), max_size=3),
).map(any_value)


@patient
@given(ATTRIBUTES, BODIES | st.just(AnyValue()), st.integers(0, 2**64 - 1), st.booleans())
def test_no_record_does_harm(
    attributes: dict[str, Any], body: AnyValue, time_ns: int, is_owned: bool
) -> None:
    """It is read, or refused as what cannot be decoded."""
    owner = OWNER if is_owned else {}
    record = LogRecord(
        time_unix_nano=time_ns, attributes=key_values({**attributes, **owner}), body=body
    )
    for read in (told, labelled):
        try:
            found = read(record)
        except UndecodableTelemetry:
            continue
        assert found.ids
        assert len(found.ids) == len(found.times_ns)


def test_the_names_are_those_of_the_events() -> None:
    """By which a receiver knows them."""
    assert {"modelwatch.prediction", "modelwatch.label"} == OUTCOME_EVENTS
