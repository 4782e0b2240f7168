"""Predictions and labels out of messages that were sent, one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

import modelwatch as mw
from modelwatch.telemetry import names
from modelwatch.telemetry.wire import LabelRows, PredictionRows, labels_of, predictions_of
from modelwatch.telemetry.wire.assembling import plain_attributes
from modelwatch.telemetry.wire.outcomes import OutcomeValue
from tests.watched import Watched

__all__ = [
    "ToldPrediction",
    "label_rows",
    "prediction_rows",
    "told_labels",
    "told_predictions",
]


@dataclass(frozen=True)
class ToldPrediction:
    """One prediction that was sent."""

    prediction_id: str
    outputs: dict[str, OutcomeValue]
    features: dict[str, OutcomeValue] = field(default_factory=dict)
    segment: str = ""
    sample_rate: float = 1.0


def prediction_rows(bodies: Iterable[bytes]) -> list[PredictionRows]:
    """Return the predictions of messages of logs, as they were put together."""
    return [
        predictions_of(record, plain_attributes(record.attributes))
        for record in _records(bodies)
        if record.event_name == names.PREDICTION
    ]


def label_rows(bodies: Iterable[bytes]) -> list[LabelRows]:
    """Return the labels of messages of logs, as they were put together."""
    return [
        labels_of(record, plain_attributes(record.attributes))
        for record in _records(bodies)
        if record.event_name == names.LABEL
    ]


def told_predictions(watched: Watched) -> list[ToldPrediction]:
    """Flush a watch, and return the predictions that it has sent, in the order of their calls."""
    rows = prediction_rows(_sent(watched.watch, watched))
    told = [(time_ns, one) for part in rows for time_ns, one in _each(part)]
    return [one for _, one in sorted(told, key=lambda pair: pair[0])]


def told_labels(watched: Watched) -> dict[str, OutcomeValue]:
    """Flush a watch, and return the labels that it has sent, by id."""
    rows = label_rows(_sent(watched.watch, watched))
    return {one: label for part in rows for one, label in zip(part.ids, part.labels, strict=True)}


def _sent(watch: mw.Watch, watched: Watched) -> list[bytes]:
    assert watch.flush(timeout_seconds=30.0)
    return [body for signal, body in watched.transport.sent if signal == "logs"]


def _each(rows: PredictionRows) -> Iterator[tuple[int, ToldPrediction]]:
    for at, one in enumerate(rows.ids):
        yield (
            rows.times_ns[at],
            ToldPrediction(
                one,
                {name: column[at] for name, column in rows.outputs.items()},
                {name: column[at] for name, column in rows.features.items()},
                rows.segments[at] if rows.segments is not None else "",
                rows.sample_rate,
            ),
        )


def _records(bodies: Iterable[bytes]) -> Iterator[LogRecord]:
    for body in bodies:
        for resource_logs in ExportLogsServiceRequest.FromString(body).resource_logs:
            for scope_logs in resource_logs.scope_logs:
                yield from scope_logs.log_records
