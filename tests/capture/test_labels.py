"""Labels that the service records arrive, or are refused in clear words."""

from __future__ import annotations

import datetime as dt
import math
import threading
import uuid
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

import modelwatch as mw
from modelwatch.capture.labels import MOST_WAITING, Label, LabelLog, checked_label
from modelwatch.errors import ConfigurationError
from tests.told_outcomes import label_rows, told_labels
from tests.watched import MakeWatch, Watched

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("fraud", "fraud"),
        (True, True),
        (3, 3),
        (0.5, 0.5),
        (None, None),
        (np.True_, True),
        (np.int32(3), 3),
        (np.float32(0.5), 0.5),
        (np.str_("fraud"), "fraud"),
        (Decimal("1.5"), 1.5),
        (2**70, float(2**70)),
    ],
)
def test_labels_are_sent_as_what_they_are(watched: Watched, given: object, sent: object) -> None:
    """Texts, numbers and truth values stay apart: 1, 1.0, true and "1" are four labels."""
    watched.watch.record_label("p-1", given)
    (found,) = told_labels(watched).values()
    assert (found, type(found)) == (sent, type(sent))


def test_a_process_without_predictions_can_record(make_watch: MakeWatch) -> None:
    """As a job does that learns the truth; the watch needs no baseline and no function."""
    watched = make_watch(baseline=None)
    watched.watch.record_label("p-1", "yes")
    watched.watch.record_labels(["p-2", uuid.UUID(int=7), 3], [0, 1.5, None])
    assert told_labels(watched) == {"p-1": "yes", "p-2": 0, str(uuid.UUID(int=7)): 1.5, "3": None}


def test_labels_are_sent_at_the_end(make_watch: MakeWatch) -> None:
    """Nobody has to flush."""
    watched = make_watch()
    watched.watch.record_label("p-1", "yes")
    assert watched.watch.shutdown(timeout_seconds=30.0)
    (rows,) = label_rows(body for signal, body in watched.transport.sent if signal == "logs")
    assert rows.ids == ["p-1"]


def test_columns_of_frames_and_arrays_are_labels_of_many(watched: Watched) -> None:
    """With a time for each, or one for all."""
    frame = pd.DataFrame(
        {
            "id": ["a", "b"],
            "label": [True, False],
            "at": pd.to_datetime(["2026-03-01T12:00:00Z", "2026-03-01T13:00:00Z"]),
        }
    )
    watched.watch.record_labels(frame["id"], frame["label"], frame["at"])
    watched.watch.record_labels(np.array([3, 4]), np.array([0.5, 1.5]), NOW)
    told_labels(watched)
    (rows,) = label_rows(body for signal, body in watched.transport.sent if signal == "logs")
    assert (list(rows.ids), list(rows.labels)) == (["a", "b", "3", "4"], [True, False, 0.5, 1.5])
    hour_ns, noon_ns = 3_600 * 10**9, round(NOW.timestamp()) * 10**9
    assert rows.times_ns == [noon_ns, noon_ns + hour_ns, noon_ns, noon_ns]


@pytest.mark.parametrize(
    "when",
    [
        NOW,
        NOW.replace(tzinfo=None),
        NOW.astimezone(dt.timezone(dt.timedelta(hours=5))),
        NOW.timestamp(),
        int(NOW.timestamp()),
        np.datetime64("2026-03-01T12:00:00"),
        pd.Timestamp(NOW),
    ],
)
def test_times_of_each_kind_are_read(when: Any) -> None:
    """A time without a zone is in UTC."""
    assert checked_label("p", 1, when).time_ns == round(NOW.timestamp()) * 10**9


def test_a_label_without_a_time_became_known_now() -> None:
    """Not when it arrives, which an outage may delay."""
    assert checked_label("p", 1, clock_ns=lambda: 5) == Label("p", 1, 5)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("", 1), "prediction_id is ''"),
        ((None, 1), "prediction_id is None"),
        ((True, 1), "prediction_id is True"),
        (("x" * 257, 1), "prediction_id is 'xxx"),
        ((b"p", 1), "prediction_id is"),
        (("p", math.nan), "label is nan"),
        (("p", np.inf), "label is"),
        (("p", pd.NA), "label is"),
        (("p", pd.NaT), "label is"),
        (("p", [1]), "label is"),
        (("p", b"yes"), "label is"),
        (("p", {}), "label is {}"),
        (("p", object()), "label is a object"),
        (("p", "x" * 257), "label is 'xxx"),
        (("p", 1, "yesterday"), "time is 'yesterday'"),
        (("p", 1, math.nan), "time is nan"),
        (("p", 1, True), "time is True"),
        (("p", 1, -5), "time is -5"),
        (("p", 1, 1_700_000_000_000_000_000), "time is 17"),
        (("p", 1, pd.NaT), "time is"),
        (("p", 1, np.datetime64("NaT")), "time is"),
    ],
)
def test_what_cannot_be_is_refused(
    watched: Watched, arguments: tuple[Any, ...], named: str
) -> None:
    """By the name of the argument and its value, at once, where the mistake is."""
    with pytest.raises(ConfigurationError, match=named):
        watched.watch.record_label(*arguments[:2], time=arguments[2] if arguments[2:] else None)
    assert told_labels(watched) == {}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("abc", [1, 2, 3]), "prediction_ids is 'abc'"),
        ((["a"], 1), "labels is 1"),
        ((["a"], {"a": 1}), "labels is {'a': 1}"),
        ((["a", "b"], [1]), "there are 1 labels for 2 prediction_ids"),
        ((["a", "b"], [1, 2], [3]), "there are 1 times for 2 prediction_ids"),
        ((["a", ""], [1, 2]), r"prediction_ids\[1\] is ''"),
        ((["a", "b"], [1, math.nan]), r"labels\[1\] is nan"),
        ((["a", "b"], [1, 2], [1.0, "x"]), r"times\[1\] is 'x'"),
    ],
)
def test_of_many_labels_the_wrong_one_is_named(
    watched: Watched, arguments: tuple[Any, ...], named: str
) -> None:
    """And none of them is sent."""
    with pytest.raises(ConfigurationError, match=named):
        watched.watch.record_labels(*arguments)
    assert told_labels(watched) == {}


def test_what_is_too_much_is_counted() -> None:
    """A bounded number waits; the rest is said to be lost."""
    log = LabelLog("m")
    labels = [Label(f"p-{place}", place, 1) for place in range(MOST_WAITING + 3)]
    assert log.add(labels[:-1]) == 2
    assert log.add(labels[-1:]) == 1
    rows, dropped = log.take()
    assert rows is not None
    assert (rows.model, len(rows.ids), rows.labels[-1]) == ("m", MOST_WAITING, MOST_WAITING - 1)
    assert dropped == {"queue_full": 3}
    assert log.take() == (None, {})


def test_any_thread_can_record(watched: Watched) -> None:
    """Each label arrives once."""

    def record(thread: int) -> None:
        for place in range(200):
            watched.watch.record_label(f"{thread}-{place}", place)

    threads = [threading.Thread(target=record, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told_labels(watched)) == 1_600
    rows = label_rows(body for signal, body in watched.transport.sent if signal == "logs")
    assert sum(len(part.ids) for part in rows) == 1_600


def test_a_watch_that_was_shut_down_says_so(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    """Its labels go nowhere."""
    watched.watch.shutdown()
    watched.watch.record_label("p", 1)
    assert "labels are not sent" in caplog.text


def test_a_watch_that_is_off_records_nothing(
    make_watch: MakeWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But refuses what cannot be, as it will when it is on."""
    monkeypatch.setenv("MODELWATCH_ENABLED", "false")
    watched = make_watch()
    watched.watch.record_label("p", 1)
    with pytest.raises(ConfigurationError):
        watched.watch.record_label("", 1)
    assert watched.watch.flush()
    assert watched.transport.sent == []


def test_labels_of_a_redacted_column_stay(make_watch: MakeWatch) -> None:
    """They tell of the column that the baseline says they are of."""
    watched = make_watch(redact=["late"])
    watched.watch.record_label("p", 1)
    assert told_labels(watched) == {}
    without = make_watch(baseline=None, redact=["label"])
    without.watch.record_label("p", 1)
    assert told_labels(without) == {}


def test_the_names_are_public() -> None:
    """As the documentation has them."""
    assert mw.Watch.record_label.__doc__
    assert mw.Watch.record_labels.__doc__
