"""Predictions are told where somebody can know them by an id, and nowhere else."""

from __future__ import annotations

import asyncio
import enum
import gc
import re
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

import modelwatch as mw
from modelwatch.capture.known_predictions import MOST_WAITING
from modelwatch.errors import ConfigurationError
from modelwatch.telemetry import names
from modelwatch.telemetry.steering import Steering
from modelwatch.telemetry.wire.assembling import plain_attributes
from tests.told_outcomes import ToldPrediction, prediction_rows, told_predictions
from tests.watched import MakeWatch, Watched

Row = dict[str, Any]


def current_id() -> str:
    """Return the id of the prediction being made."""
    prediction = mw.current_prediction()
    assert prediction is not None
    return prediction.id


def ids_of(told: list[ToldPrediction]) -> list[str]:
    """Return the ids of predictions that were sent."""
    return [one.prediction_id for one in told]


def test_nothing_is_told_that_nobody_can_know(watched: Watched, row: Row) -> None:
    """Without an id no label can come: not for usual calls, outliers, batches or logged ones."""
    predict = watched.watch(half)
    predict(row)
    predict(row | {"amount": 1e9})
    watched.watch(halves)([row, row])
    watched.watch.log(row, 0.5)
    assert told_predictions(watched) == []


def test_a_prediction_whose_id_was_asked_for_is_told(watched: Watched, row: Row) -> None:
    """And only that one, by the id that was given out, with what it returned."""
    asked: list[str] = []

    @watched.watch
    def predict(features: Row) -> dict[str, Any]:
        if features["count"] == 4:
            asked.append(current_id())
        return {"score": features["amount"] / 200, "late": True}

    predict(row)
    predict(row | {"count": 5})
    predict(row | {"amount": 110.0})
    assert told_predictions(watched) == [
        ToldPrediction(asked[0], {"score": 0.5, "late": True}),
        ToldPrediction(asked[1], {"score": 0.55, "late": True}),
    ]


def test_the_time_is_that_of_the_prediction(watched: Watched, row: Row) -> None:
    """Not that of the export, by which it could lie in another window."""
    watched.watch.recorder.known._clock_ns = lambda: 1_700_000_000_123_456_789
    with mw.prediction_scope("a"):
        watched.watch(half)(row)
    told_predictions(watched)
    (rows,) = prediction_rows(body for signal, body in watched.transport.sent if signal == "logs")
    assert rows.times_ns == [1_700_000_000_123_456_789]


def test_a_look_at_a_prediction_makes_it_known_to_nobody(watched: Watched, row: Row) -> None:
    """Its outliers can be asked for, and it can be printed."""

    @watched.watch
    def predict(features: Row) -> float:
        prediction = mw.current_prediction()
        assert prediction is not None
        assert prediction.outliers == {}
        assert "outliers={}" in repr(prediction)
        return 0.5

    predict(row)
    assert told_predictions(watched) == []


def test_the_prediction_of_a_scope_is_told(watched: Watched, row: Row) -> None:
    """An adapter gives its id to the client after the call; a second call has no id to be known."""
    predict = watched.watch(half)
    with mw.prediction_scope("from-client"):
        predict(row)
        predict(row)
    with mw.prediction_scope() as prediction:
        predict(row)
    assert ids_of(told_predictions(watched)) == ["from-client", prediction.id]


def test_a_scope_whose_id_nobody_gets_tells_nothing(watched: Watched, row: Row) -> None:
    """As around merged requests, of which each has another id."""
    with mw.prediction_scope(is_known=False):
        watched.watch(half)(row)
    assert told_predictions(watched) == []


def test_failures_are_not_told(watched: Watched, row: Row) -> None:
    """There is nothing that a label could be compared with, on any way that a call can take."""

    @watched.watch
    def predict(features: Row) -> float:
        current_id()
        raise ValueError("no model")

    for features in (row, row | {"amount": 1e9}):
        with pytest.raises(ValueError, match="no model"):
            predict(features)
    with pytest.raises(ValueError, match="no model"), mw.prediction_scope("a"):
        predict(row)
    watched.watch.observe(row, prediction_id="b").fail("Timeout")
    assert told_predictions(watched) == []


def test_a_result_without_outputs_is_not_told(watched: Watched, row: Row) -> None:
    """It is counted: a receiver could not know what it was."""
    watched.watch.log(row, {"something": "else"}, prediction_id="a")
    watched.watch.log(row, None, prediction_id="b")
    watched.watch.log(row, 0.5, prediction_id="c")
    assert ids_of(told_predictions(watched)) == ["c"]
    assert dropped(watched) == {"no_output": 2}


def test_async_functions_and_threads_tell_their_own(watched: Watched, row: Row) -> None:
    """Predictions that are made at the same time do not get mixed up."""
    given: dict[str, float] = {}

    @watched.watch
    async def predict(features: Row) -> float:
        await asyncio.sleep(0)
        score = float(features["amount"]) / 1_000
        given[current_id()] = score
        await asyncio.sleep(0)
        return score

    async def predict_all() -> None:
        await asyncio.gather(*(predict(row | {"amount": 90.0 + n}) for n in range(20)))

    asyncio.run(predict_all())

    @watched.watch
    def predict_now(features: Row) -> float:
        score = float(features["amount"]) / 1_000
        given[current_id()] = score
        return score

    threads = [
        threading.Thread(target=predict_now, args=(row | {"amount": 90.0 + n / 8},))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = told_predictions(watched)
    assert {one.prediction_id: one.outputs["score"] for one in told} == given
    assert len(told) == 28


def test_generators_tell_what_they_yielded(watched: Watched, row: Row) -> None:
    """A single item is the result of a row, and one item a row that of a batch."""
    asked: list[str] = []

    @watched.watch
    def predict(features: Any) -> Iterator[float]:
        asked.append(current_id())
        for _ in range(len(features) if isinstance(features, list) else 1):
            yield 0.25

    @watched.watch
    async def predict_later(features: Row) -> AsyncIterator[float]:
        asked.append(current_id())
        yield 0.75

    async def run() -> None:
        async for _ in predict_later(row):
            pass

    list(predict(row))
    list(predict([row, row]))
    asyncio.run(run())
    assert [(one.prediction_id, one.outputs) for one in told_predictions(watched)] == [
        (asked[0], {"score": 0.25}),
        (f"{asked[1]}/0", {"score": 0.25}),
        (f"{asked[1]}/1", {"score": 0.25}),
        (asked[2], {"score": 0.75}),
    ]


def test_a_nested_call_of_the_same_watch_is_part_of_the_outer(watched: Watched, row: Row) -> None:
    """The id asked for inside is that of the outer prediction, which is told once."""
    inner = watched.watch(asking_half)

    @watched.watch
    def predict(features: Row) -> float:
        return inner(features) / 2

    predict(row)
    (told,) = told_predictions(watched)
    assert told.outputs == {"score": 0.25}


def test_nested_calls_of_two_watches_are_two_predictions(make_watch: MakeWatch, row: Row) -> None:
    """Each is told by the watch that made it, by its own id."""
    outer, inner = make_watch(), make_watch()
    ids: list[str] = []

    def embed(features: Row) -> float:
        ids.append(current_id())
        return 0.1

    embedded = inner.watch(embed)

    @outer.watch
    def predict(features: Row) -> float:
        ids.append(current_id())
        embedded(features)
        return 0.9

    predict(row)
    assert told_predictions(outer) == [ToldPrediction(ids[0], {"score": 0.9})]
    assert told_predictions(inner) == [ToldPrediction(ids[1], {"score": 0.1})]


def test_rows_of_a_batch_are_numbered(watched: Watched, row: Row) -> None:
    """Of a batch that is known by one id, each row can be told apart."""

    @watched.watch
    def predict(features: list[Row]) -> list[float]:
        return [0.25 * place for place in range(len(features))]

    with mw.prediction_scope("call"):
        predict([row, row, row])
    with mw.prediction_scope("single"):
        predict([row])
    assert [(one.prediction_id, one.outputs["score"]) for one in told_predictions(watched)] == [
        ("call/0", 0.0),
        ("call/1", 0.25),
        ("call/2", 0.5),
        ("single", 0.0),
    ]


def test_ids_can_be_given(watched: Watched, row: Row) -> None:
    """One for a row, one a row for a batch, or one for a batch."""
    watch = watched.watch
    watch.log(row, 0.1, prediction_id="a")
    watch.log([row, row], [0.2, 0.3], prediction_id=["b", "c"])
    watch.log(pd.DataFrame([row, row]), np.array([0.4, 0.5]), prediction_id=pd.Series([7, 8]))
    watch.log([row, row], [0.6, 0.7], prediction_id="d")
    call = watch.observe(row, prediction_id="e")
    assert call.prediction.id == "e"
    call.finish(0.8)
    assert ids_of(told_predictions(watched)) == ["a", "b", "c", "7", "8", "d/0", "d/1", "e"]


def test_an_observed_call_is_told_where_its_id_was_asked_for(watched: Watched, row: Row) -> None:
    """Before it is finished: then it is too late."""
    known, unknown = watched.watch.observe(row), watched.watch.observe(row)
    asked = known.prediction.id
    known.finish(0.5)
    unknown.finish(0.5)
    assert unknown.prediction.id
    assert ids_of(told_predictions(watched)) == [asked]


@pytest.mark.parametrize(
    "given", ["", None, 0.5, True, b"a", "x" * 257, [], ["a"], ["a", "b", "c"]]
)
def test_ids_that_cannot_be_are_not_told(watched: Watched, row: Row, given: Any) -> None:
    """The prediction is captured all the same, and nothing is raised."""
    watched.watch.log([row, row], [0.5, 0.5], prediction_id=given)
    assert told_predictions(watched) == []
    assert watched.watch.rows_captured == 2
    assert dropped(watched) == ({} if given is None else {"no_prediction_id": 2})


def test_rows_bring_their_own_ids(watched: Watched, row: Row) -> None:
    """From a field that is no feature of the baseline, and so is not captured as one."""

    @watched.watch(prediction_id="order")
    def predict(features: Any) -> Any:
        return 0.5 if isinstance(features, dict) else [0.5] * len(features)

    predict(row | {"order": "o-1"})
    predict(row | {"order": 2})
    predict([row | {"order": "o-3"}, row | {"order": "o-4"}])
    predict(pd.DataFrame([row, row]).assign(order=["o-5", "o-6"]))
    told = told_predictions(watched)
    assert ids_of(told) == ["o-1", "2", "o-3", "o-4", "o-5", "o-6"]
    profiles = watched.transport.profiles()
    assert {name for profile in profiles for name in profile.features} == {*row, "score"}
    assert sum(profile.rows for profile in profiles) == 6


def test_rows_bring_their_own_ids_without_a_baseline(make_watch: MakeWatch, row: Row) -> None:
    """The id is not taken for a feature of the first row either."""
    watched = make_watch(baseline=None)

    @watched.watch(prediction_id="order")
    def predict(features: Row) -> str:
        return "yes"

    for place in range(3):
        predict(row | {"order": f"o-{place}"})
    assert told_predictions(watched) == [
        ToldPrediction(f"o-{place}", {"prediction": "yes"}) for place in range(3)
    ]
    (profile,) = watched.transport.profiles()
    assert profile.features.keys() == {*row, "prediction"}


def test_an_id_may_be_a_feature(watched: Watched, row: Row) -> None:
    """Where the baseline has it; it is then captured as such besides."""

    @watched.watch(prediction_id="city")
    def predict(features: Row) -> float:
        return 0.5

    predict(row)
    predict({**row, "count": 5})
    assert ids_of(told_predictions(watched)) == ["Lisbon", "Lisbon"]
    (profile,) = watched.transport.profiles()
    assert "city" in profile.features


def test_an_id_may_be_a_parameter(watched: Watched, row: Row) -> None:
    """By position or keyword, of a function or a method; one without it is counted."""

    @watched.watch(prediction_id="order")
    def predict(order: str | None, features: Row) -> float:
        return 0.5

    class Model:
        @watched.watch(prediction_id="order")
        def predict(self, features: list[Row], *, order: list[str]) -> list[float]:
            return [0.5 for _ in features]

    predict("a", row)
    predict(features=row, order="b")
    predict(None, row)
    Model().predict([row, row], order=["c", "d"])
    assert ids_of(told_predictions(watched)) == ["a", "b", "c", "d"]
    assert dropped(watched) == {"no_prediction_id": 1}


def test_an_id_may_be_one_of_many_parameters(watched: Watched) -> None:
    """Where each parameter is a feature."""

    @watched.watch(prediction_id="order")
    def predict(amount: float, count: int, city: str, order: str = "") -> float:
        return 0.5

    predict(100.0, 4, "Lisbon", "a")
    predict(100.0, 4, "Lisbon", order="b")
    predict(100.0, 4, "Lisbon")
    assert ids_of(told_predictions(watched)) == ["a", "b"]
    (profile,) = watched.transport.profiles()
    assert profile.features.keys() == {"amount", "count", "city", "score"}
    assert dropped(watched) == {"no_prediction_id": 1}


def test_rows_without_their_id_are_counted(
    watched: Watched, row: Row, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody could know them, which is said; but in a scope they are known by that one's."""

    @watched.watch(prediction_id="order")
    def predict(features: Any) -> Any:
        return 0.5 if isinstance(features, dict) else [0.5] * len(features)

    predict(row)
    predict(row | {"order": None})
    predict([row | {"order": "a"}, row | {"order": float("nan")}, row])
    with mw.prediction_scope("scope"):
        predict(row)
    assert ids_of(told_predictions(watched)) == ["a", "scope"]
    assert "4 predictions are not told: their rows lack the id" in caplog.text
    assert dropped(watched) == {"no_prediction_id": 4}


def test_the_prediction_goes_by_its_rows_own_id(watched: Watched, row: Row) -> None:
    """So that a response's header, a span and the label say the same; but not by one that no
    header can carry."""
    predict = watched.watch(prediction_id="order")(half)
    with mw.prediction_scope() as prediction:
        predict(row | {"order": "o-1"})
    assert prediction.id == "o-1"
    with mw.prediction_scope() as prediction:
        predict(row | {"order": "o-1\r\nset-cookie: a=b"})
    assert re.fullmatch("[0-9a-f-]{36}", prediction.id)
    with mw.prediction_scope("from-client") as prediction:
        predict(row | {"order": "o-2"})
    assert prediction.id == "from-client"
    assert ids_of(told_predictions(watched)) == ["o-1", "o-1\r\nset-cookie: a=b", "o-2"]


def test_segments_are_told(watched: Watched, row: Row) -> None:
    """By a field of the row, a feature, a function or a text of its own."""
    watch = watched.watch
    by_field = watch(segment="shop")(half)
    by_feature = watch(segment="city")(half)
    by_function = watch(segment=lambda features: "many" if features["count"] > 4 else "few")(half)
    by_text = watch(segment="web")(half)
    calls = [
        (by_field, row | {"shop": "north"}),
        (by_field, row | {"shop": None}),
        (by_field, row),
        (by_feature, row),
        (by_function, row | {"count": 9}),
        (by_text, row),
    ]
    for predict, features in calls:
        with mw.prediction_scope():
            predict(features)
    told = told_predictions(watched)
    assert [one.segment for one in told] == ["north", "", "", "Lisbon", "many", "web"]
    (profile,) = watched.transport.profiles()
    assert "shop" not in profile.features


def test_a_batch_has_a_segment_for_each_row(watched: Watched, row: Row) -> None:
    """From a column, or from a function that returns one for all or one for each."""
    watch = watched.watch

    def predict(features: list[Row]) -> list[float]:
        return [0.5] * len(features)

    rows = [row | {"shop": "north"}, row | {"shop": "south"}]
    for segment in ("shop", lambda rows: [one["shop"] for one in rows], lambda rows: "all"):
        with mw.prediction_scope():
            watch(segment=segment)(predict)(rows)
    found = [one.segment for one in told_predictions(watched)]
    assert found == ["north", "south", "north", "south", "all", "all"]


def test_a_segment_function_that_fails_costs_the_segment_alone(watched: Watched, row: Row) -> None:
    """It is the user's, but no part of the prediction."""
    predict = watched.watch(segment=lambda features: features["nothing"])(half)
    with mw.prediction_scope("a"):
        assert predict(row) == 0.5
    assert told_predictions(watched) == [ToldPrediction("a", {"score": 0.5})]
    assert watched.watch.recorder.guard.count == 1


def test_features_are_sent_only_where_asked_for(watched: Watched, row: Row) -> None:
    """All of them, or those of some names."""
    watch = watched.watch
    for capture_values in (False, True, ["c*"], [re.compile("^amo")]):
        predict = watch(capture_values=capture_values)(half)
        for features in (row, row | {"amount": 1e9}, row | {"more": "x"}):
            with mw.prediction_scope():
                predict(features)
    told = [one.features for one in told_predictions(watched)]
    usual: Row = {"amount": 100.0, "count": 4, "city": "Lisbon"}
    rows_told = [(usual, None), (usual | {"amount": 1e9}, None), (usual, "x")]
    assert told[:3] == [{}, {}, {}]
    assert told[3:6] == [one | {"more": more} for one, more in rows_told]
    assert told[6] == {"count": 4, "city": "Lisbon"}
    assert told[9:] == [{"amount": 100.0}, {"amount": 1e9}, {"amount": 100.0}]


def test_features_of_batches_are_sent_where_asked_for(watched: Watched, row: Row) -> None:
    """Row by row."""
    predict = watched.watch(capture_values=["count"], prediction_id="order")(halves)
    predict([row | {"order": "a"}, row | {"order": "b", "count": 9}])
    assert [one.features for one in told_predictions(watched)] == [{"count": 4}, {"count": 9}]


def test_what_is_not_in_the_sample_is_not_told(watched: Watched, row: Row) -> None:
    """By ids of each kind, `is_sampled` names exactly those that are told."""
    rate, ids = 0.3, list[str]()
    predict = watched.watch(sample_rate=rate)(half)
    by_order = watched.watch(sample_rate=rate, prediction_id="order")(half)
    batch = watched.watch(sample_rate=rate, prediction_id="order")(halves)
    by_call = watched.watch(sample_rate=rate)(halves)

    @watched.watch(sample_rate=rate)
    def asking(features: Row) -> float:
        ids.append(current_id())
        return 0.5

    for place in range(200):
        asking(row)
        with mw.prediction_scope() as prediction:
            predict(row)
        by_order(row | {"order": f"own-{place}"})
        pair = [f"row-{place}-{at}" for at in range(2)]
        ids += [prediction.id, f"own-{place}", *pair]
        batch([row | {"order": one} for one in pair])
        for call in (f"call-{place}", None):
            with mw.prediction_scope(call) as prediction:
                by_call([row, row])
            ids += [f"{prediction.id}/{at}" for at in range(2)]
    told = told_predictions(watched)
    assert {one.sample_rate for one in told} == {rate}
    assert sorted(ids_of(told)) == sorted(one for one in ids if mw.is_sampled(one, rate))
    assert 0 < len(told) < len(ids)


def test_a_caller_can_have_chosen_already(watched: Watched, row: Row) -> None:
    """The share that is told of is then its own."""
    watched.watch.observe(row, prediction_id="a", sample_rate=0.25).finish(0.5)
    assert told_predictions(watched) == [ToldPrediction("a", {"score": 0.5}, sample_rate=0.25)]


def test_what_is_too_much_is_counted(make_watch: MakeWatch, row: Row) -> None:
    """At most 16,384 predictions wait; of a batch as many are kept as fit."""
    watched = make_watch(buffer_rows=100_000)
    watch = watched.watch
    size = MOST_WAITING - 1
    ids = [f"a-{place}" for place in range(size)]
    watch.log(pd.DataFrame([row] * size), np.full(size, 0.5), prediction_id=ids)
    watch.log([row, row], [0.5, 0.5], prediction_id=["b", "c"])
    watch.log(row, 0.5, prediction_id="d")
    told = told_predictions(watched)
    assert sorted(ids_of(told)) == sorted([*ids, "b"])
    assert dropped(watched) == {"queue_full": 2}
    watch.log(row, 0.5, prediction_id="e")
    assert "e" in ids_of(told_predictions(watched))


def test_tracking_can_be_switched_off(make_watch: MakeWatch, row: Row) -> None:
    """Then no prediction leaves, however it is known; ids of rows are no features all the same."""
    watched = make_watch(track_predictions=False)
    watched.watch(asking_half)(row)
    watched.watch(prediction_id="order")(half)(row | {"order": "a"})
    watched.watch.log(row, 0.5, prediction_id="b")
    with mw.prediction_scope("c"):
        watched.watch(half)(row)
    assert told_predictions(watched) == []
    (profile,) = watched.transport.profiles()
    assert "order" not in profile.features


def test_the_environment_can_switch_tracking_off(
    make_watch: MakeWatch, row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of services that are left as they are; an argument goes before it."""
    monkeypatch.setenv("MODELWATCH_TRACK_PREDICTIONS", "false")
    for watched, told in ((make_watch(), []), (make_watch(track_predictions=True), ["a"])):
        watched.watch.log(row, 0.5, prediction_id="a")
        assert ids_of(told_predictions(watched)) == told


@pytest.mark.parametrize(
    ("option", "value", "named"),
    [
        ("prediction_id", "", "prediction_id is ''"),
        ("prediction_id", 7, "prediction_id is 7"),
        ("segment", 7, "segment is 7"),
        ("segment", "", "segment is ''"),
        ("capture_values", "all", "capture_values is 'all'"),
        ("capture_values", [7], "capture_values is [7]"),
    ],
)
def test_options_that_cannot_work_are_refused(
    watched: Watched, option: str, value: Any, named: str
) -> None:
    """Where the function is decorated, by what is wrong and the remedy."""
    options: Any = {option: value}
    with pytest.raises(ConfigurationError, match=re.escape(named)):
        watched.watch(**options)


def test_tracking_is_a_truth_value(make_watch: MakeWatch) -> None:
    """Nothing else."""
    with pytest.raises(ConfigurationError, match="track_predictions is 'no'"):
        make_watch(track_predictions="no")


def test_one_odd_result_costs_no_other(watched: Watched, row: Row) -> None:
    """What cannot be read is counted as a fault, by itself."""

    class Odd(enum.Enum):
        ONE = 1

        def __str__(self) -> str:
            raise RuntimeError("odd")

    for place, output in enumerate(["a", Odd.ONE, "c"]):
        watched.watch.log(row, {"late": output}, prediction_id=f"p-{place}")
    assert ids_of(told_predictions(watched)) == ["p-0", "p-2"]
    assert dropped(watched) == {"fault": 1}


def half(features: Row) -> float:
    """Return a score."""
    return 0.5


def asking_half(features: Row) -> float:
    """Ask for the id, and return a score."""
    return 0.5 if current_id() else 0.0


def halves(features: list[Row]) -> list[float]:
    """Return a score for each row."""
    return [0.5] * len(features)


def dropped(watched: Watched) -> dict[str, int]:
    """Return the events that were said to be dropped, by reason."""
    watched.watch.log_failure("Unrelated")  # so that there is a profile to say so in
    assert watched.watch.flush(timeout_seconds=30.0)
    found: dict[str, int] = {}
    for body in (body for signal, body in watched.transport.sent if signal == "metrics"):
        for reason, count in events_dropped(body).items():
            found[reason] = found.get(reason, 0) + count
    return found


def events_dropped(body: bytes) -> dict[str, int]:
    """Return the counts of one message."""
    return {
        plain_attributes(point.attributes)[names.DROP_REASON]: point.as_int
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == names.EVENTS_DROPPED
        for point in metric.sum.data_points
    }


def test_waiting_predictions_are_no_work_for_the_garbage_collector(
    watched: Watched, row: Row
) -> None:
    """Of a usual one it looks at nothing again, once it has seen that it holds plain values."""
    predict = watched.watch(half)
    for _ in range(4):  # the first goes another way
        with mw.prediction_scope():
            predict(row)
    gc.collect()
    waiting = watched.watch.recorder.known._usual
    assert len(waiting) == 3
    assert not any(map(gc.is_tracked, waiting))


def test_a_collector_that_steers_often_costs_no_prediction(watched: Watched, row: Row) -> None:
    """Nor does what calls were captured by stay for ever."""
    predict, known = watched.watch(half), watched.watch.recorder.known
    names_told = []
    for at in range(200):
        watched.watch.recorder.steer(Steering(sample_rate=1.0))
        with mw.prediction_scope(f"order-{at}"):
            predict(row)
        if at % 50 == 49:
            names_told += [one for rows in known.take()[0] for one in rows.ids]
    assert names_told == [f"order-{at}" for at in range(200)]
    assert len(known._plans) + len(known._tellings) <= 130
