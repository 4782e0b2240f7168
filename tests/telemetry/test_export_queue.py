from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from modelwatch.capture.guard import Guard
from modelwatch.telemetry import names
from modelwatch.telemetry.export_options import ExportOptions
from modelwatch.telemetry.export_queue import (
    BODY_BYTES_AT_ONCE,
    EVENTS_AT_ONCE,
    MOST_WAITING,
    ExportQueue,
)
from modelwatch.telemetry.transport import Outcome
from modelwatch.telemetry.wire import Event, LabelRows, PredictionRows, encode_metrics
from tests.telemetry.windows import (
    DOWN,
    FINE,
    PARTIAL,
    REFUSED,
    TOO_LARGE,
    Sent,
    Windows,
    counts,
    metrics,
    received,
    records,
)
from tests.told_outcomes import label_rows, prediction_rows

RESOURCE = {"service.instance.id": "one"}


class Line:
    """A queue, and a receiver that answers as it is told."""

    def __init__(self, **options: Any) -> None:
        self.guard = Guard()
        self.queue = ExportQueue(
            resource=lambda: RESOURCE, options=ExportOptions(**options), guard=self.guard
        )
        self.windows = Windows()
        self.answer: Callable[[Sent], Outcome] = lambda message: FINE

    def round(self, outcome: Outcome | None = None) -> list[Sent]:
        """Send until the queue is empty or one has to wait; return all that was sent."""
        sent: list[Sent] = []
        while (message := self.queue.head()) is not None:
            sent.append((message.signal, message.body))
            if not self.queue.settle(outcome or self.answer(sent[-1])):
                break
        return sent

    def taken(self) -> list[Sent]:
        """Likewise, but return only what the receiver took."""
        taken: list[Sent] = []
        while (message := self.queue.head()) is not None:
            outcome = self.answer((message.signal, message.body))
            if outcome.status == "accepted":
                taken.append((message.signal, message.body))
            if not self.queue.settle(outcome):
                break
        return taken


@pytest.fixture
def line() -> Line:
    """A queue of the usual size."""
    return Line()


def events(number: int, **others: Any) -> list[Event]:
    """Return so many events."""
    return [Event(names.OUTLIER, index + 1, others) for index in range(number)]


def test_what_ended_is_sent_once(line: Line) -> None:
    """Each window goes out as metrics and logs, once."""
    line.queue.add([line.windows.next(rows=3)])
    assert not line.queue.is_empty
    assert [signal for signal, _ in line.round(FINE)] == ["metrics", "logs"]
    assert line.round(FINE) == []
    assert line.queue.is_empty


def test_what_was_sent_is_sent_again_unchanged(line: Line) -> None:
    """After an outage the same bytes come again, so that the receiver can tell a repetition."""
    line.queue.add([line.windows.next()])
    (first,) = line.round(DOWN)
    line.queue.add([line.windows.next()])
    (second,) = line.round(DOWN)
    assert second == first
    again, *rest = line.round(FINE)
    assert again == first
    assert sum(found.rows for found in received([again, *rest])) == 2


def test_an_outage_takes_bounded_memory_and_no_rows(line: Line) -> None:
    """Over a thousand windows of outage profiles are merged; all rows arrive afterwards."""
    for _ in range(1_000):
        line.queue.add([line.windows.next()])
        line.round(DOWN)
    found = received(line.round(FINE))
    assert 1 < len(found) <= MOST_WAITING + 1
    assert sum(profile.rows for profile in found) == 1_000
    assert sum(profile.predictions[""] for profile in found) == 1_000
    spans = sorted((profile.start_ns, profile.end_ns) for profile in found)
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))


@pytest.mark.parametrize("baselines", [1, 2, 60])
def test_an_hour_of_outage_stays_within_its_bytes(baselines: int) -> None:
    """However often the baseline changes, memory is bounded, and each row arrives or is counted."""
    one = len(encode_metrics(Windows().next(), resource=RESOURCE))
    line = Line(queue_bytes=20 * one)
    for minute in range(60):
        line.queue.add([line.windows.next(rows=10, baseline_id=f"b{minute % baselines}")])
        line.round(DOWN)
        assert line.queue.size_bytes <= 20 * one
    line.queue.add([line.windows.next(rows=10, baseline_id="last")])
    found = received(line.round(FINE))
    rows = sum(profile.rows for profile in found)
    lost = sum(profile.dropped["export_queue_full"] for profile in found)
    assert rows + lost == 610
    assert (lost > 0) is (baselines > 1)
    assert line.guard.count == 0


def test_what_cannot_be_merged_waits_while_there_is_room(line: Line) -> None:
    """Rows are lost for want of bytes alone: a hundred small windows of as many baselines fit."""
    for number in range(100):
        line.queue.add([line.windows.next(baseline_id=f"b{number}")])
        line.round(DOWN)
    found = received(line.round(FINE))
    assert sum(profile.rows for profile in found) == 100


def test_the_last_profile_is_never_lost() -> None:
    """A profile that is larger than all that may wait is sent all the same."""
    line = Line(queue_bytes=10)
    line.queue.add([line.windows.next(baseline_id="a"), line.windows.next(baseline_id="b")])
    (profile,) = received(line.round(FINE))
    assert (profile.rows, profile.dropped) == (1, {"export_queue_full": 1})


def test_refused_rows_are_reported_as_dropped(line: Line) -> None:
    """What the receiver never took is counted by the next profile that it takes, and only once."""
    for rows in (3, 4):
        profile = line.windows.next(rows)
        profile.dropped["buffer_full"] = 1
        line.queue.add([profile])
        line.round(REFUSED)
    assert line.queue.is_empty
    line.queue.add([line.windows.next()])
    line.round(DOWN)
    line.queue.add([line.windows.next()])
    first, second = received(line.round(FINE))
    assert first.dropped == {"export_refused": 7, "buffer_full": 2}
    assert second.dropped == {}
    assert line.queue.refusals == 4


def test_only_the_refusal_of_rows_is_a_loss_of_rows(line: Line) -> None:
    """Rows are counted as lost once for metrics, not for logs, nor where a part was refused."""
    line.queue.add([line.windows.next(rows=3)])
    line.round(PARTIAL)
    line.queue.add([line.windows.next()])
    (profile,) = received(line.round(FINE))
    assert profile.dropped == {}
    assert line.queue.refusals == 2


def test_failures_are_reported_once(line: Line) -> None:
    """The receiver learns how many exports failed and how, with the next that it takes."""
    line.queue.add([line.windows.next()])
    line.round(DOWN)
    line.round(DOWN)
    line.round(REFUSED)
    line.queue.add([line.windows.next()])
    line.round(REFUSED)
    line.queue.add([line.windows.next()])
    assert counts(line.round(FINE), names.EXPORT_FAILURES) == {"refused": 4, "unreachable": 2}
    line.queue.add([line.windows.next()])
    assert names.EXPORT_FAILURES not in metrics(line.round(FINE))


def test_a_profile_that_cannot_be_encoded_is_counted(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours loses that profile alone, and says so."""
    broken = line.windows.next(rows=5)
    monkeypatch.setattr(broken, "features", None)
    line.queue.add([broken])
    with pytest.raises(AttributeError):
        line.queue.head()
    line.queue.add([line.windows.next()])
    (profile,) = received(line.round(FINE))
    assert profile.dropped == {"fault": 5}


def test_too_large_a_message_is_sent_in_parts(line: Line) -> None:
    """A receiver with a smaller limit gets the same in more messages, to the last count."""
    profile = line.windows.next()
    profile.update({f"f{number}": [0.5] * 20 for number in range(30)})
    whole = len(encode_metrics(profile, resource=RESOURCE))
    line.answer = lambda message: FINE if len(message[1]) < whole / 5 else TOO_LARGE
    line.queue.add([profile])
    taken = line.taken()
    assert len(taken) > 5
    (found,) = received(taken)
    assert found.rows == profile.rows
    assert {name: feature.total for name, feature in found.features.items()} == {
        name: feature.total for name, feature in profile.features.items()
    }
    assert line.queue.refusals == 1  # the moments are one record, and are too large
    line.answer = lambda message: FINE
    line.queue.add([line.windows.next()])
    (later,) = received(line.taken())
    assert later.dropped == {}


def test_a_receiver_that_takes_nothing_at_all_is_given_up(line: Line) -> None:
    """Parts that are too large themselves end in a count, not in a loop."""
    line.queue.add([line.windows.next(rows=3)])
    sent = line.round(TOO_LARGE)
    assert line.queue.is_empty
    assert len(sent) < 20
    line.queue.add([line.windows.next()])
    (profile,) = received(line.round(FINE))
    assert profile.dropped == {"export_refused": 3}


def test_events_are_sent_as_they_are(line: Line) -> None:
    """Events go out as log records, after what the profiles have to tell."""
    line.queue.add([line.windows.next()], events(2, feature="age"))
    sent = line.round(FINE)
    assert [signal for signal, _ in sent] == ["metrics", "logs", "logs"]
    assert [record.event_name for record in records(sent)] == [
        names.FEATURE_MOMENTS,
        names.OUTLIER,
        names.OUTLIER,
    ]


def test_events_survive_an_outage_unchanged(line: Line) -> None:
    """A message of events that was sent once comes again as the same bytes."""
    line.queue.add([], events(3))
    (first,) = line.round(DOWN)
    line.queue.add([], events(3))
    again, other = line.round(FINE)
    assert again == first
    assert len(records([again, other])) == 6


def test_events_that_wait_are_bounded() -> None:
    """Over a long outage the oldest go, and are counted; profiles are left alone."""
    line = Line(queue_bytes=400_000)
    for _ in range(40):
        line.queue.add([line.windows.next()], events(EVENTS_AT_ONCE))
        line.round(DOWN)
        assert line.queue.size_bytes <= 400_000
    sent = line.round(FINE)
    arrived = sum(record.event_name == names.OUTLIER for record in records(sent))
    line.queue.add([line.windows.next()])
    told = counts(sent, names.EVENTS_DROPPED) or counts(line.round(FINE), names.EVENTS_DROPPED)
    assert told == {"export_queue_full": 40 * EVENTS_AT_ONCE - arrived}
    assert arrived > 0
    assert sum(profile.rows for profile in received(sent)) == 40


def test_refused_events_are_counted(line: Line) -> None:
    """What the receiver would not take is told with the next metrics, and only once."""
    line.queue.add([], events(3))
    line.round(REFUSED)
    line.queue.add([line.windows.next()])
    sent = line.round(REFUSED)
    assert counts(sent, names.EVENTS_DROPPED) == {"export_refused": 3}
    line.queue.add([line.windows.next()])
    assert counts(line.round(FINE), names.EVENTS_DROPPED) == {"export_refused": 3}
    line.queue.add([line.windows.next()])
    assert names.EVENTS_DROPPED not in metrics(line.round(FINE))


def test_too_many_events_for_one_message_are_split(line: Line) -> None:
    """Events too are sent in parts where the whole is too large."""
    line.answer = lambda message: FINE if len(message[1]) < 1_000 else TOO_LARGE
    line.queue.add([], events(100))
    assert len(records(line.taken())) == 100
    line.queue.add([], events(1, text="x" * 2_000))
    assert line.taken() == []
    line.queue.add([line.windows.next()])
    line.answer = lambda message: FINE
    assert counts(line.taken(), names.EVENTS_DROPPED) == {"export_refused": 1}


def test_an_event_that_cannot_be_sent_is_counted(line: Line) -> None:
    """A value of a type that no attribute has costs that event alone."""
    line.queue.add([], [*events(5), *events(1, value=object()), *events(5)])
    assert len(records(line.round(FINE))) == 10
    line.queue.add([line.windows.next()])
    assert counts(line.round(FINE), names.EVENTS_DROPPED) == {"fault": 1}


def predictions(number: int, *, features: int = 0) -> PredictionRows:
    """Return so many predictions, with so many features of a hundred characters."""
    return PredictionRows(
        model="m",
        version="1",
        ids=[f"p-{place}" for place in range(number)],
        times_ns=[place + 1 for place in range(number)],
        outputs={"score": [0.5] * number},
        features={f"f{place}": ["x" * 100] * number for place in range(features)},
    )


def test_predictions_and_labels_are_sent_as_events(line: Line) -> None:
    """All of an interval in one message, where that is not too large."""
    labels = LabelRows(model="m", ids=["a"], labels=[True], times_ns=[1])
    line.queue.add([], [predictions(5_000), labels])
    ((signal, body),) = line.round()
    assert signal == "logs"
    assert [len(rows.ids) for rows in prediction_rows([body])] == [2_048, 2_048, 904]
    (told,) = label_rows([body])
    assert told == labels


def test_large_predictions_are_sent_in_messages_that_receivers_take(line: Line) -> None:
    """None of which is larger than what is usual, whatever the features are."""
    line.queue.add([], [predictions(360, features=50)])
    sent = [body for _, body in line.round()]
    assert len(sent) > 1
    assert max(map(len, sent)) < 1.1 * BODY_BYTES_AT_ONCE
    ids = [one for rows in prediction_rows(sent) for one in rows.ids]
    assert ids == list(predictions(360).ids)


def test_lost_predictions_are_counted_one_by_one(line: Line) -> None:
    """Not as the few events that tell of them."""
    line.queue.add([], [predictions(3_000)])
    line.round(REFUSED)
    line.queue.add([line.windows.next(rows=1)])
    assert counts(line.round(), names.EVENTS_DROPPED) == {"export_refused": 3_000}


def test_a_signal_that_is_off_is_not_sent() -> None:
    """Without logs there are neither moments nor events; without metrics there are these alone."""
    line = Line(signals=frozenset({"metrics"}))
    line.queue.add([line.windows.next()], events(3))
    assert [signal for signal, _ in line.round(FINE)] == ["metrics"]
    line = Line(signals=frozenset({"logs"}))
    line.queue.add([line.windows.next()], events(3))
    assert [signal for signal, _ in line.round(FINE)] == ["logs", "logs"]
    line = Line(signals=frozenset())
    line.queue.add([line.windows.next()], events(3))
    assert line.queue.is_empty


def cumulative(**options: Any) -> Line:
    """Return a queue that tells of all since the start."""
    return Line(temporality="cumulative", **options)


def test_cumulative_metrics_hold_all_since_the_start() -> None:
    """Each message has the counts of all windows, from one start; moments stay by window."""
    line = cumulative()
    line.queue.add([line.windows.next(rows=2)])
    first = line.round(FINE)
    line.queue.add([line.windows.next(rows=3)])
    second = line.round(FINE)
    assert [signal for signal, _ in second] == ["logs", "metrics"]
    for sent, rows, end_ns in ((first, 2, 2), (second, 5, 3)):
        metric = metrics(sent)[names.ROWS_CAPTURED]
        (point,) = metric.sum.data_points
        assert metric.sum.aggregation_temporality == 2  # cumulative
        assert (point.as_int, point.start_time_unix_nano, point.time_unix_nano) == (rows, 1, end_ns)
    assert len(records(second)) == 1


def test_a_cumulative_message_that_failed_is_not_repeated() -> None:
    """The next holds it; where nothing more happens, it is tried again."""
    line = cumulative(signals=frozenset({"metrics"}))
    for _ in range(100):
        line.queue.add([line.windows.next()])
        assert len(line.round(DOWN)) == 1
    assert not line.queue.is_empty
    sent = line.round(FINE)
    assert len(sent) == 1
    assert metrics(sent)[names.ROWS_CAPTURED].sum.data_points[0].as_int == 100
    assert counts(sent, names.EXPORT_FAILURES) == {"unreachable": 100}
    assert line.queue.is_empty


def test_a_refused_cumulative_message_loses_no_rows() -> None:
    """Rows are not counted as dropped that the next message tells of; failures add up."""
    line = cumulative(signals=frozenset({"metrics"}))
    for failures in (0, 1, 2):
        line.queue.add([line.windows.next(rows=2)])
        sent = line.round(REFUSED)
        assert counts(sent, names.EXPORT_FAILURES) == ({"refused": failures} if failures else {})
        assert names.ROWS_DROPPED not in metrics(sent)
    assert metrics(sent)[names.ROWS_CAPTURED].sum.data_points[0].as_int == 6
