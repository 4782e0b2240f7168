"""Events of predictions and labels into columns, from us or from any client.

An event of many is described in `modelwatch.telemetry.wire.outcome_events`. An event of a single
prediction has its id as the attribute ``modelwatch.prediction.id``, beside the model's name and
version and, if wanted, ``modelwatch.segment`` and ``modelwatch.sample_rate``; its body is a map of
outputs, name to value. Where features are told too, the body is a map of the two maps ``outputs``
and ``features``. An event of a single label has the model's name, the prediction's id, and the
label itself as its body; one without a body takes the label back.

When a prediction was made, and when a label became known, is the record's time, or the time when it
was observed where it has none.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from modelwatch.errors import UndecodableTelemetry
from modelwatch.telemetry import names
from modelwatch.telemetry.wire.outcomes import (
    MOST_FEATURES,
    MOST_ID_CHARACTERS,
    MOST_OUTPUTS,
    MOST_ROWS,
    MOST_TEXT_CHARACTERS,
    LabelRows,
    OutcomeValue,
    PredictionRows,
)

__all__ = ["labels_of", "predictions_of"]

LATEST_NS: Final = 2**63 - 1
"""The latest time that fits into 64 bits, Unix nanoseconds."""

_LARGEST_INTEGER: Final = 2**63 - 1
_VALUES: Final = frozenset({str, bool, int, float, type(None)})
_PLAIN: Final = frozenset({bool, type(None)})


def predictions_of(record: LogRecord, attributes: Mapping[str, Any]) -> PredictionRows:
    """Read an event ``modelwatch.prediction``.

    Args:
        record: the event.
        attributes: its attributes, by name.

    Raises:
        UndecodableTelemetry: where it lacks something, or something of it cannot be.
    """
    model = _name(attributes, names.MODEL_NAME)
    version = _name(attributes, names.MODEL_VERSION)
    rate = _sample_rate(attributes.get(names.SAMPLE_RATE, 1.0))
    if names.PREDICTION_ID not in attributes:
        return _many_predictions(_document(record), model, version, rate)
    prediction_id = _ids([attributes[names.PREDICTION_ID]], names.PREDICTION_ID)
    times_ns = _times([record.time_unix_nano or record.observed_time_unix_nano], "the time", 1)
    outputs, features = _told(record)
    segments = None
    if names.SEGMENT in attributes:
        segments = _texts([attributes[names.SEGMENT]], names.SEGMENT)
    return PredictionRows(
        model=model,
        version=version,
        ids=prediction_id,
        times_ns=times_ns,
        outputs=_outputs(outputs, 1),
        segments=segments,
        features=_columns(features, "features", 1, MOST_FEATURES),
        sample_rate=rate,
    )


def labels_of(record: LogRecord, attributes: Mapping[str, Any]) -> LabelRows:
    """Read an event ``modelwatch.label``; raises as `predictions_of`."""
    model = _name(attributes, names.MODEL_NAME)
    if names.PREDICTION_ID in attributes:
        ids = _ids([attributes[names.PREDICTION_ID]], names.PREDICTION_ID)
        labels = _values([_scalar(record.body, "the body")], "the body")
        time_ns = record.time_unix_nano or record.observed_time_unix_nano
        return LabelRows(
            model=model, ids=ids, labels=labels, times_ns=_times([time_ns], "the time", 0)
        )
    document = _document(record)
    ids = _ids(_column(document, "ids"), "ids")
    return LabelRows(
        model=model,
        ids=ids,
        labels=_values(_column(document, "labels", len(ids)), "labels"),
        times_ns=_times(_column(document, "times_ns", len(ids)), "times_ns", 0),
    )


def _many_predictions(
    document: Mapping[str, Any], model: str, version: str, sample_rate: float
) -> PredictionRows:
    ids = _ids(_column(document, "ids"), "ids")
    size = len(ids)
    segments = None
    if document.get("segments") is not None:
        segments = _texts(_column(document, "segments", size), "segments")
    features = document.get("features")
    return PredictionRows(
        model=model,
        version=version,
        ids=ids,
        times_ns=_times(_column(document, "times_ns", size), "times_ns", 1),
        outputs=_outputs(document.get("outputs"), size),
        segments=segments,
        features=_columns({} if features is None else features, "features", size, MOST_FEATURES),
        sample_rate=sample_rate,
    )


def _document(record: LogRecord) -> dict[str, Any]:
    """Return the columns of an event of many."""
    if record.body.WhichOneof("value") != "string_value":
        _refuse(
            f"it has no attribute {names.PREDICTION_ID}, as an event of one has, and its body is "
            "no JSON text, as that of many is"
        )
    try:
        found = json.loads(record.body.string_value)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise UndecodableTelemetry(f"the body is no JSON: {reason:.80}.") from error
    if not isinstance(found, dict):
        _refuse("the body is no JSON object")
    return found


def _told(record: LogRecord) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the outputs and the features of an event of one, as columns of one value."""
    body = record.body
    if body.WhichOneof("value") != "kvlist_value":
        _refuse("the body is no map of outputs by name")
    parts = {pair.key: pair.value for pair in body.kvlist_value.values}
    outputs = parts.get("outputs")
    is_nested = outputs is not None and outputs.WhichOneof("value") == "kvlist_value"
    if not is_nested or not parts.keys() <= {"outputs", "features"}:
        return _map(body.kvlist_value, "outputs"), {}
    features = parts.get("features")
    if features is not None and features.WhichOneof("value") != "kvlist_value":
        _refuse("the features are no map by name")
    told = {} if features is None else _map(features.kvlist_value, "features")
    return _map(parts["outputs"].kvlist_value, "outputs"), told


def _map(pairs: KeyValueList, what: str) -> dict[str, Any]:
    return {pair.key: [_scalar(pair.value, f"{what} {pair.key!r:.60}")] for pair in pairs.values}


def _scalar(value: AnyValue, what: str) -> OutcomeValue:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind not in ("string_value", "bool_value", "int_value", "double_value"):
        _refuse(f"{what} is no text, number or truth value")
    found: OutcomeValue = getattr(value, kind)
    return found


def _column(document: Mapping[str, Any], name: str, size: int | None = None) -> list[Any]:
    values = document.get(name)
    if not isinstance(values, list):
        _refuse(f"{name} is no list" if name in document else f"it lacks {name}")
    if size is not None and len(values) != size:
        _refuse(f"{name} has {len(values)} values for {size} ids")
    return values


def _outputs(columns: object, size: int) -> dict[str, Sequence[OutcomeValue]]:
    if not columns:
        _refuse("it lacks outputs")
    return _columns(columns, "outputs", size, MOST_OUTPUTS)


def _columns(columns: object, what: str, size: int, most: int) -> dict[str, Sequence[OutcomeValue]]:
    if not isinstance(columns, dict):
        _refuse(f"{what} is no object of columns by name")
    if len(columns) > most:
        _refuse(f"it has {len(columns)} {what}, of {most} at most")
    for name in columns:
        _check_text(name, f"a name among {what}")
    return {name: _values(_column(columns, name, size), f"{what} {name!r:.60}") for name in columns}


def _values(values: list[Any], what: str) -> list[OutcomeValue]:
    """Return values as they are where nothing is odd about them, which is quick to see."""
    kinds = set(map(type, values))
    if not kinds <= _VALUES:
        _refuse(f"{what} holds something that is no text, number, truth value or null")
    if kinds <= _PLAIN or (kinds == {float} and all(map(math.isfinite, values))):
        return values
    return [_value(value, what) for value in values]


def _value(value: Any, what: str) -> OutcomeValue:
    if type(value) is float:
        return value if math.isfinite(value) else None
    if type(value) is str:
        _check_text(value, what, may_be_empty=True)
    elif type(value) is int and abs(value) > _LARGEST_INTEGER:
        return _double(value, what)
    found: OutcomeValue = value
    return found


def _double(value: int, what: str) -> float:
    try:
        return float(value)
    except OverflowError:
        _refuse(f"{what} holds an integer beyond all floats")


def _ids(values: list[Any], what: str) -> list[str]:
    if len(values) > MOST_ROWS:
        _refuse(f"it tells of {len(values)}, of {MOST_ROWS} at most")
    if not values:
        _refuse(f"{what} is empty")
    if set(map(type, values)) != {str} or not all(values):
        _refuse(f"{what} holds something that is no text, or an empty one")
    if max(map(len, values)) > MOST_ID_CHARACTERS:
        _refuse(f"{what} holds one of more than {MOST_ID_CHARACTERS} characters")
    _check_unicode("".join(values), what)
    return values


def _texts(values: list[Any], what: str) -> list[str]:
    if not set(map(type, values)) <= {str}:
        _refuse(f"{what} holds something that is no text")
    if max(map(len, values), default=0) > MOST_TEXT_CHARACTERS:
        _refuse(f"{what} holds a text of more than {MOST_TEXT_CHARACTERS} characters")
    _check_unicode("".join(values), what)
    return values


def _times(values: list[Any], what: str, earliest: int) -> list[int]:
    if not set(map(type, values)) <= {int}:
        _refuse(f"{what} holds something that is no time in Unix nanoseconds")
    if values and (min(values) < earliest or max(values) > LATEST_NS):
        _refuse(f"{what} holds a time that is none in Unix nanoseconds")
    return values


def _sample_rate(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 1:
        _refuse(f"attribute {names.SAMPLE_RATE} is {value!r:.60}, no share above 0 up to 1")
    return float(value)


def _name(attributes: Mapping[str, Any], name: str) -> str:
    if name not in attributes:
        _refuse(f"it lacks attribute {name}")
    value = attributes[name]
    if not isinstance(value, str) or not value:
        _refuse(f"attribute {name} is {value!r:.60}, no text")
    _check_text(value, f"attribute {name}")
    return value


def _check_text(value: str, what: str, *, may_be_empty: bool = False) -> None:
    if not value and not may_be_empty:
        _refuse(f"{what} is empty")
    if len(value) > MOST_TEXT_CHARACTERS:
        _refuse(f"{what} is a text of more than {MOST_TEXT_CHARACTERS} characters")
    if not value.isascii():
        _check_unicode(value, what)


def _check_unicode(text: str, what: str) -> None:
    """Refuse half of a surrogate pair: JSON can escape it, and no file can hold it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        _refuse(f"{what} holds half of a surrogate pair")


def _refuse(reason: str) -> NoReturn:
    raise UndecodableTelemetry(f"{reason}.")
