from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import modelwatch as mw
from tests.watched import Watched

Row = dict[str, Any]


@pytest.fixture
def odd(row: Row) -> Row:
    """A row with an outlier."""
    return row | {"amount": 1e9}


def stand_in(prediction: mw.Prediction) -> mw.Answer:
    """Answer in the model's place."""
    return mw.Answer(0.25)


def test_an_answer_takes_the_models_place(watched: Watched, row: Row, odd: Row) -> None:
    """The function is not called for an outlier that is answered; it is for all others."""
    called = []

    @watched.watch(on_outlier=stand_in)
    def predict(features: Row) -> float:
        called.append(features)
        return 0.75

    assert [predict(row), predict(odd), predict(row)] == [0.75, 0.25, 0.75]
    assert len(called) == 2
    profile = watched.profile()
    assert (profile.rows, +profile.predictions) == (3, {"": 3})
    assert profile.features["score"].moments is not None
    assert profile.features["score"].moments.minimum == 0.25
    assert profile.outlier_rows == 1


async def test_an_async_function_may_have_an_async_answer(watched: Watched, odd: Row) -> None:
    """An async ``on_outlier`` is awaited, and may answer, refuse, or let the call through."""
    verdicts: list[Any] = [mw.Answer(0.25), None, mw.OutlierRejected({"amount": "range"})]

    async def decide(prediction: mw.Prediction) -> Any:
        verdict = verdicts.pop(0)
        if isinstance(verdict, Exception):
            raise verdict
        return verdict

    @watched.watch(on_outlier=decide)
    async def predict(features: Row) -> float:
        prediction = mw.current_prediction()
        assert prediction is not None
        assert prediction.outliers
        return 0.75

    assert await predict(odd) == 0.25
    assert await predict(odd) == 0.75
    with pytest.raises(mw.OutlierRejected):
        await predict(odd)
    assert mw.current_prediction() is None
    assert +watched.profile().predictions == {"": 2, "OutlierRejected": 1}


def test_an_async_answer_to_a_plain_function_is_passed_over(
    watched: Watched, odd: Row, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody can await it there: the model answers, and the log says why."""

    async def decide(prediction: mw.Prediction) -> mw.Answer:
        return mw.Answer(0.25)

    assert watched.watch(on_outlier=decide)(score)(odd) == 0.75
    assert mw.current_prediction() is None
    assert "async on_outlier" in caplog.text
    assert +watched.profile().predictions == {"": 1}


def test_a_generator_is_replaced_by_the_items_of_an_answer(watched: Watched, odd: Row) -> None:
    """An answer to a generator function is an iterable of its items; it is counted once."""

    @watched.watch(on_outlier=lambda prediction: mw.Answer([1, 2, 3]))
    def predict(features: Row) -> Iterator[int]:
        yield 9

    assert list(predict(odd)) == [1, 2, 3]
    assert +watched.profile().predictions == {"": 1}


async def test_so_is_an_async_generator(watched: Watched, odd: Row) -> None:
    """The same for a function that streams asynchronously."""

    @watched.watch(on_outlier=lambda prediction: mw.Answer([1, 2, 3]))
    async def predict(features: Row) -> AsyncIterator[int]:
        yield 9

    assert [item async for item in predict(odd)] == [1, 2, 3]
    assert +watched.profile().predictions == {"": 1}


def test_a_function_that_fails_lets_the_call_through(watched: Watched, odd: Row) -> None:
    """A fault in the user's ``on_outlier`` is logged, and the model answers."""

    def broken(prediction: mw.Prediction) -> None:
        raise ZeroDivisionError

    assert watched.watch(on_outlier=broken)(score)(odd) == 0.75
    assert watched.watch.recorder.guard.count == 1


def test_outlying_rows_are_counted_once_each(watched: Watched, row: Row) -> None:
    """A row with two outliers is one; so is a row of a batch, and a usual row is none."""
    predict = watched.watch(score)
    for features in (row, row | {"amount": 1e9, "city": "Rome"}, row | {"count": None}, row):
        predict(features)
    watched.watch(scores)([row, row | {"amount": -1e9}, row | {"city": "Rome"}])
    profile = watched.profile()
    assert (profile.rows, profile.outlier_rows) == (7, 4)
    assert profile.outlier_rate == pytest.approx(4 / 7)


def score(features: Row) -> float:
    """Return a score."""
    return 0.75


def scores(features: list[Row]) -> list[float]:
    """Return a score for each row."""
    return [0.75] * len(features)
