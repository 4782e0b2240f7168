from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from modelwatch.collector.outcomes.protocols import LabelsKept, PredictionsKept
from modelwatch.collector.receiving.admission import Admission
from modelwatch.collector.receiving.exports import Exports, ReceiverLimits
from modelwatch.collector.receiving.limits import IngestLimits
from modelwatch.collector.receiving.outcome_admission import OutcomeAdmission
from modelwatch.collector.receiving.outcome_intake import OutcomeIntake
from modelwatch.collector.receiving.received import ReceiverCounts
from modelwatch.collector.receiving.request_head import RequestHead
from modelwatch.collector.receiving.signals import SIGNALS
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.errors import StoreBusy, StoreError
from modelwatch.telemetry import names
from modelwatch.telemetry.wire import Event, encode_events, encode_logs
from modelwatch.telemetry.wire.outcome_events import label_events, prediction_events
from modelwatch.telemetry.wire.outcomes import LabelRows, PredictionRows
from tests.collector.conftest import NOW_NS, SECOND, Traffic

LIMITS = ReceiverLimits(max_body_bytes=10**6, max_decompressed_bytes=10**6, max_requests=9)
HEAD = RequestHead.of({"headers": [(b"content-type", b"application/x-protobuf")]})
LOGS = SIGNALS["logs"]


@dataclass
class Memory:
    """Keeps what it is given, or fails."""

    predictions: list[PredictionRows] = field(default_factory=list)
    labels: list[LabelRows] = field(default_factory=list)
    calls: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    error: Exception | None = None

    async def keep_predictions(self, batches: Sequence[PredictionRows]) -> PredictionsKept:
        """Keep predictions."""
        self._called()
        self.predictions += batches
        return PredictionsKept(stored=sum(len(one.ids) for one in batches), refused=self.refused)

    async def keep_labels(self, batches: Sequence[LabelRows]) -> LabelsKept:
        """Keep labels, all of which wait."""
        self._called()
        self.labels += batches
        return LabelsKept(waiting=sum(len(one.ids) for one in batches), refused=self.refused)

    def _called(self) -> None:
        self.calls += 1
        if self.error is not None:
            raise self.error


@dataclass
class Taking:
    """Exports over a memory."""

    exports: Exports
    memory: Memory
    counts: ReceiverCounts


@pytest.fixture
def taking(store: SqliteStore) -> Taking:
    """What takes logs, and two models at most."""
    memory, counts = Memory(), ReceiverCounts()
    admission = Admission(IngestLimits(models=2), clock=lambda: NOW_NS)
    intake = OutcomeIntake(memory, OutcomeAdmission(admission), counts)
    exports = Exports(store, LIMITS, counts, admission=admission, outcomes=intake)
    return Taking(exports, memory, counts)


def predictions(rows: int, *, model: str = "m", at_ns: int = NOW_NS) -> PredictionRows:
    """Return predictions of one score."""
    ids = [f"id-{place}" for place in range(rows)]
    scores = [place / rows for place in range(rows)]
    return PredictionRows(
        model=model, version="1", ids=ids, times_ns=[at_ns] * rows, outputs={"score": scores}
    )


def labels(rows: int, *, model: str = "m", at_ns: int = NOW_NS) -> LabelRows:
    """Return labels of them."""
    ids = [f"id-{place}" for place in range(rows)]
    known = [place % 2 == 0 for place in range(rows)]
    return LabelRows(model=model, ids=ids, labels=known, times_ns=[at_ns] * rows)


async def test_events_of_one_export_are_committed_together(taking: Taking) -> None:
    """However many events a request has, predictions are written once, and labels once."""
    events = [*prediction_events(predictions(5_000)), *label_events(labels(3_000))]
    assert len(events) == 5
    refused = await taking.exports.take(LOGS, HEAD, encode_events(events, resource={}))
    assert refused == (0, "")
    assert taking.memory.calls == 2
    assert sum(len(one.ids) for one in taking.memory.predictions) == 5_000
    assert [label for one in taking.memory.labels for label in one.labels][:3] == [1, 0, 1]
    assert (taking.counts.predictions, taking.counts.labels) == (
        {"stored": 5_000},
        {"waiting": 3_000},
    )


async def test_moments_and_predictions_of_one_export_are_both_committed(
    taking: Taking, traffic: Traffic, store: SqliteStore
) -> None:
    """What is acknowledged is all of it, whichever events it is told by."""
    request = ExportLogsServiceRequest.FromString(encode_logs(traffic.profile(), resource={}))
    events = encode_events(prediction_events(predictions(3)), resource={})
    request.MergeFromString(events)
    assert await taking.exports.take(LOGS, HEAD, request.SerializeToString()) == (0, "")
    assert (taking.counts.points, taking.counts.predictions) == (1, {"stored": 3})
    assert store.versions()[0].has_data


async def test_what_cannot_be_taken_is_rejected_with_the_reason(taking: Taking) -> None:
    """Damaged events, models beyond the limit and times of the future; the rest is kept."""
    events = [
        *prediction_events(predictions(2)),
        *prediction_events(predictions(2, model="n")),
        *prediction_events(predictions(2, model="o")),
        *label_events(labels(2, at_ns=NOW_NS + 3_600 * SECOND)),
        Event(names.LABEL, NOW_NS, {names.MODEL_NAME: "m"}, body="no JSON"),
        Event(names.PREDICTION, NOW_NS, {names.MODEL_NAME: "m"}),
    ]
    refused = await taking.exports.take(LOGS, HEAD, encode_events(events, resource={}))
    assert refused.points == 4
    for reason in ("modelwatch.label: the body is no JSON", "2 models", "set the sender's clock"):
        assert reason in refused.message
    assert [one.model for one in taking.memory.predictions] == ["m", "n"]
    assert taking.memory.labels == []
    assert taking.counts.refused_by_limit == {"models": 2, "future": 2}
    assert taking.counts.predictions == {"stored": 4, "refused": 2}
    assert taking.counts.labels == {"refused": 2}


async def test_what_the_store_refuses_is_rejected(taking: Taking) -> None:
    """Its reason is told, and no more events are rejected than there are."""
    taking.memory.refused = {"too_long": 5}
    body = encode_events(label_events(labels(9)), resource={})
    refused = await taking.exports.take(LOGS, HEAD, body)
    assert refused.points == 1
    assert "too_long" in refused.message


@pytest.mark.parametrize("error", [StoreBusy("full"), StoreError("failed")])
async def test_a_store_that_fails_fails_the_export(taking: Taking, error: Exception) -> None:
    """So that it is sent again; nothing is counted until it is committed."""
    taking.memory.error = error
    body = encode_events(prediction_events(predictions(2)), resource={})
    with pytest.raises(type(error)):
        await taking.exports.take(LOGS, HEAD, body)
    assert taking.counts.predictions == {}
    taking.memory.error = None
    assert await taking.exports.take(LOGS, HEAD, body) == (0, "")


async def test_without_a_keeper_they_are_rejected(store: SqliteStore) -> None:
    """No prediction or label is acknowledged that nobody keeps."""
    exports = Exports(store, LIMITS, ReceiverCounts())
    body = encode_events(label_events(labels(2)), resource={})
    refused = await exports.take(LOGS, HEAD, body)
    assert refused.points == 1
    assert "not kept" in refused.message
