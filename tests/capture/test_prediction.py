from __future__ import annotations

import contextvars
import re
import threading
from typing import Any

import modelwatch as mw
from modelwatch.capture.prediction import (
    CURRENT,
    MADE,
    Prediction,
    begin_prediction,
    new_prediction,
)
from tests.watched import MakeWatch, Watched

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def test_ids_are_time_ordered_and_unique() -> None:
    """An id is a UUID of version 7; two predictions never share one."""
    ids = [Prediction().id for _ in range(1_000)]
    assert all(UUID7.fullmatch(found) for found in ids)
    assert len(set(ids)) == len(ids)
    stamps = [found[:13] for found in ids]
    assert stamps == sorted(stamps)


def test_an_id_stays_the_same() -> None:
    """The id is made once."""
    prediction = Prediction()
    assert prediction.id == prediction.id
    assert new_prediction("given").id == "given"


def test_there_is_no_prediction_outside() -> None:
    """Outside of calls and scopes nothing is being predicted."""
    assert mw.current_prediction() is None


def test_the_first_call_claims_the_scope(watched: Watched, row: dict[str, Any]) -> None:
    """An adapter reads the id and the outliers of the prediction that the handler made."""
    inside: list[mw.Prediction | None] = []

    @watched.watch
    def predict(features: dict[str, Any]) -> float:
        inside.append(mw.current_prediction())
        return 0.5

    with mw.prediction_scope("from-client") as prediction:
        made = [prediction.made]
        predict(row | {"amount": 1e9})
        made.append(prediction.made)
        assert mw.current_prediction() is prediction
    assert made == [False, True]
    assert inside == [prediction]
    assert prediction.id == "from-client"
    assert prediction.outliers == {"amount": "range"}


def test_a_scope_reaches_a_thread_with_a_copied_context(
    watched: Watched, row: dict[str, Any]
) -> None:
    """A sync endpoint runs in a thread pool, in a copy of the context; the scope sees its call."""

    @watched.watch
    def predict(features: dict[str, Any]) -> float:
        return 0.5

    with mw.prediction_scope() as prediction:
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(predict, row | {"city": "Atlantis"}))
        thread.start()
        thread.join()
    assert prediction.outliers == {"city": "unseen_category"}


def test_a_second_call_in_a_scope_is_its_own_prediction(
    watched: Watched, row: dict[str, Any]
) -> None:
    """Two predictions in one request are two, with two ids."""
    ids = []

    @watched.watch
    def predict(features: dict[str, Any]) -> float:
        prediction = mw.current_prediction()
        assert prediction is not None
        ids.append(prediction.id)
        return 0.5

    with mw.prediction_scope("first") as prediction:
        predict(row)
        predict(row | {"amount": 1e9})
    assert ids[0] == "first"
    assert ids[1] != "first"
    assert prediction.outliers == {}
    assert watched.profile().rows == 2


def test_a_call_inside_a_call_is_part_of_it(watched: Watched, row: dict[str, Any]) -> None:
    """A model whose predict calls itself is counted once."""

    @watched.watch
    def predict(features: dict[str, Any], depth: int = 3) -> float:
        return predict(features, depth - 1) if depth else 0.5

    assert predict(row) == 0.5
    profile = watched.profile()
    assert (profile.rows, profile.predictions) == (1, {"": 1})


def test_a_call_of_another_watch_is_its_own_prediction(
    make_watch: MakeWatch, row: dict[str, Any]
) -> None:
    """A model that asks another: both are counted, and each has its own prediction meanwhile."""
    outer_watched, inner_watched = make_watch(), make_watch()
    seen: list[mw.Prediction | None] = []

    @inner_watched.watch
    def inner(features: dict[str, Any]) -> float:
        seen.append(mw.current_prediction())
        return 0.25

    @outer_watched.watch
    def outer(features: dict[str, Any]) -> float:
        seen.append(mw.current_prediction())
        result = inner(features | {"amount": 1e9})
        seen.append(mw.current_prediction())
        return result

    with mw.prediction_scope("from-client") as prediction:
        outer(row)
    assert [found is prediction for found in seen] == [True, False, True]
    assert prediction.outliers == {}
    assert seen[1] is not None
    assert seen[1].outliers == {"amount": "range"}
    for found in (outer_watched.profile(), inner_watched.profile()):
        assert (found.rows, found.predictions) == (1, {"": 1})


def test_a_call_by_way_of_another_watch_is_still_part_of_its_own(
    make_watch: MakeWatch, row: dict[str, Any]
) -> None:
    """Two models that call each other are two predictions, whatever the depth."""
    one, two = make_watch(), make_watch()

    @one.watch
    def first(features: dict[str, Any], depth: int = 4) -> float:
        return second(features, depth - 1) if depth else 0.5

    @two.watch
    def second(features: dict[str, Any], depth: int) -> float:
        return first(features, depth - 1)

    first(row)
    assert one.profile().predictions == two.profile().predictions == {"": 1}


async def test_calls_of_another_watch_are_counted_in_threads_and_tasks(
    make_watch: MakeWatch, row: dict[str, Any]
) -> None:
    """An ensemble asks its members side by side: each of their predictions is counted."""
    import asyncio

    ensemble, member = make_watch(), make_watch()

    @member.watch
    async def in_task(features: dict[str, Any]) -> float:
        await asyncio.sleep(0)
        return 0.5

    @member.watch
    def in_thread(features: dict[str, Any]) -> float:
        return 0.5

    @ensemble.watch
    async def predict(features: dict[str, Any]) -> float:
        found = await asyncio.gather(
            *(in_task(features) for _ in range(3)), asyncio.to_thread(in_thread, features)
        )
        return sum(found) / len(found)

    assert await predict(row) == 0.5
    assert ensemble.profile().rows == 1
    assert member.profile().rows == 4


def test_tasks_that_start_each_other_take_bounded_memory() -> None:
    """A prediction that began inside one that has ended since does not hold on to it."""
    found = []
    context = contextvars.copy_context()
    for number in range(100):
        prediction = context.run(begin_prediction, f"maker {number}")
        assert prediction is not None
        found.append(prediction)
        if number:
            found[number - 1].maker = MADE
        context.run(CURRENT.set, prediction)
    depth, outer = 0, found[-1].outer
    while outer is not None:
        depth, outer = depth + 1, outer.outer
    assert depth <= 2


async def test_predictions_made_side_by_side_are_counted_each(
    watched: Watched, row: dict[str, Any]
) -> None:
    """Tasks that share a scope's context do not take each other for nested calls."""
    import asyncio

    @watched.watch
    async def predict(features: dict[str, Any]) -> float:
        await asyncio.sleep(0)
        return 0.5

    with mw.prediction_scope():
        await asyncio.gather(*(predict(row) for _ in range(10)))
    assert watched.profile().rows == 10
