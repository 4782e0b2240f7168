from __future__ import annotations

import asyncio
import copy
import inspect
import pickle
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import cloudpickle
import pytest

import modelwatch as mw
from modelwatch.capture.decorator import WatchedFunction
from modelwatch.errors import OutlierRejected
from tests.watched import FakeTransport, MakeWatch, Watched

Row = dict[str, Any]

# Found by name, as most watched functions are; a pickle refers to it.
module_watch = mw.Watch("m", version="1", transport=FakeTransport())


@module_watch
def module_predict(features: Row) -> float:
    """Score a row."""
    return float(features["amount"]) / 200


class Model:
    """A model with methods of each kind."""

    def predict(self, features: Row) -> float:
        """Score a row."""
        return 0.5

    @classmethod
    def of_class(cls, features: Row) -> str:
        """Return the class's name."""
        return cls.__name__

    @staticmethod
    def static(features: Row) -> float:
        """Score a row."""
        return 0.5

    def __call__(self, features: Row) -> float:
        """Score a row."""
        return 0.5


def test_a_function_looks_as_before(watched: Watched) -> None:
    """Name, docstring, annotations and signature are the function's own."""

    def predict(features: Row, limit: float = 0.5) -> bool:
        """Say whether."""
        return bool(features["amount"] > limit)

    wrapped = watched.watch(predict)
    assert wrapped.__name__ == "predict"
    assert wrapped.__doc__ == "Say whether."
    assert inspect.signature(wrapped) == inspect.signature(predict)
    assert wrapped.__annotations__ == predict.__annotations__


def test_a_call_is_captured_and_answered(watched: Watched, row: Row) -> None:
    """The function's result comes back as it is; row, result and latency are in the profile."""

    @watched.watch
    def predict(features: Row) -> float:
        return 0.25

    assert predict(row) == 0.25
    profile = watched.profile()
    assert profile.rows == 1
    assert profile.predictions == {"": 1}
    assert profile.duration.total == 1
    assert profile.features["amount"].observed == 1
    assert profile.features["score"].observed == 1


def test_keyword_arguments_are_captured(watched: Watched, row: Row) -> None:
    """It does not matter how the features are passed."""

    @watched.watch(inputs="features")
    def predict(client: str, *, features: Row) -> float:
        return 0.5

    predict("x", features=row)
    assert watched.profile().rows == 1


def test_default_arguments_are_captured(watched: Watched, row: Row) -> None:
    """A call that leaves the features to their default is read from the default."""

    @watched.watch
    def predict(features: Row = row) -> float:
        return 0.5

    predict()
    assert watched.profile().rows == 1


def test_methods_of_each_kind_are_captured(watched: Watched, row: Row) -> None:
    """Methods, class methods, static methods and callable objects: the features are the row."""
    watch = watched.watch

    class Wrapped:
        method = watch(Model.predict)
        of_class = watch(classmethod(lambda cls, features: cls.__name__))
        static = watch(staticmethod(Model.static))

        @classmethod
        @watch
        def inner(cls, features: Row) -> str:
            return cls.__name__

    wrapped: Any = Wrapped()
    calls: list[Callable[[Row], Any]] = [
        *(wrapped.method, wrapped.of_class, wrapped.static, wrapped.inner),
        *(Wrapped.of_class, Wrapped.static, Wrapped.inner, watch(Model())),
        lambda features: Wrapped.method(wrapped, features),
    ]
    results = [call(row) for call in calls]
    assert results == [0.5, "Wrapped", 0.5, "Wrapped", "Wrapped", 0.5, "Wrapped", 0.5, 0.5]
    profile = watched.profile()
    assert profile.rows == len(calls)
    assert profile.features["amount"].observed == len(calls)


async def test_async_functions_are_captured(watched: Watched, row: Row) -> None:
    """A coroutine function stays one, and is captured when it is awaited."""

    @watched.watch
    async def predict(features: Row) -> float:
        await asyncio.sleep(0)
        return 0.5

    assert inspect.iscoroutinefunction(predict)
    assert await predict(row) == 0.5
    assert watched.profile().rows == 1


async def test_a_cancelled_prediction_is_a_failed_one(watched: Watched, row: Row) -> None:
    """Cancellation passes through, and is counted by its type."""

    @watched.watch
    async def predict(features: Row) -> float:
        await asyncio.Event().wait()
        return 0.5

    task = asyncio.create_task(predict(row))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert watched.profile().predictions["CancelledError"] == 1


def test_generators_are_captured_item_by_row(watched: Watched, row: Row) -> None:
    """Each item of a generator over a batch is the result of one row."""

    @watched.watch
    def predict(rows: list[Row]) -> Iterator[float]:
        for _ in rows:
            prediction = mw.current_prediction()
            assert prediction is not None
            yield 0.5

    assert inspect.isgeneratorfunction(predict)
    items = []
    for item in predict([row, row, row]):
        assert mw.current_prediction() is None
        items.append(item)
    assert items == [0.5] * 3
    profile = watched.profile()
    assert profile.rows == 3
    assert profile.features["score"].observed == 3
    assert profile.predictions == {"": 1}


async def test_async_generators_are_captured(watched: Watched, row: Row) -> None:
    """An async generator over a batch likewise; closing it early is no failure."""

    @watched.watch
    async def predict(rows: list[Row]) -> AsyncIterator[float]:
        for _ in rows:
            await asyncio.sleep(0)
            yield 0.5

    assert inspect.isasyncgenfunction(predict)
    assert [item async for item in predict([row, row])] == [0.5, 0.5]
    stopped: Any = predict([row, row])
    assert await anext(stopped) == 0.5
    await stopped.aclose()
    profile = watched.profile()
    assert profile.rows == 4
    assert profile.features["score"].observed == 2
    assert profile.predictions == {"": 2}


async def test_an_async_generator_that_is_broken_off_is_counted(watched: Watched, row: Row) -> None:
    """A consumer that leaves its loop early has made a prediction, which is no failure."""
    closed = asyncio.Event()

    @watched.watch
    async def predict(rows: list[Row]) -> AsyncIterator[float]:
        try:
            for _ in rows:
                yield 0.5
        finally:
            closed.set()

    async for item in predict([row, row]):
        assert item == 0.5
        break
    profile = watched.profile()
    assert (profile.rows, profile.predictions) == (2, {"": 1})
    await asyncio.wait_for(closed.wait(), timeout=10)


def test_a_stream_that_the_garbage_collector_ends_is_counted(
    make_watch: MakeWatch, row: Row
) -> None:
    """A generator in a reference cycle may end in the midst of our own counting: nothing hangs."""
    watched = make_watch(buffer_rows=1)

    @watched.watch
    def predict(rows: list[Row]) -> Iterator[float]:
        yield from [0.5] * len(rows)

    stream = predict([row, row])
    next(stream)
    recorder = watched.watch.recorder
    with recorder.tally._lock, recorder.buffer._lock:
        del stream
    profile = watched.profile()
    assert (profile.predictions, profile.dropped) == ({"": 1}, {"buffer_full": 2})


def test_generators_take_values_and_exceptions(watched: Watched, row: Row) -> None:
    """send, throw and return values work as on the plain generator; failures are counted."""

    @watched.watch
    def predict(features: Row) -> Any:
        received = yield 1
        try:
            yield received
        except KeyError:
            yield "caught"
        return "done"

    generator = predict(row)
    assert next(generator) == 1
    assert generator.send("sent") == "sent"
    assert generator.throw(KeyError("x")) == "caught"
    with pytest.raises(StopIteration) as stopped:
        next(generator)
    assert stopped.value.value == "done"
    failing = predict(row)
    next(failing)
    next(failing)
    with pytest.raises(OSError, match="down"):
        failing.throw(OSError("down"))
    assert watched.profile().predictions == {"": 1, "OSError": 1}


def test_a_generator_that_is_never_advanced_is_no_prediction(watched: Watched, row: Row) -> None:
    """What was never run is not counted."""

    @watched.watch
    def predict(features: Row) -> Iterator[float]:
        yield 0.5

    unused: Any = predict(row)
    unused.close()
    assert watched.watch.recorder.folder.cut(watched.watch.recorder.last_plan) == []


def test_exceptions_pass_untouched(watched: Watched, row: Row) -> None:
    """The very exception that the function raised reaches the caller, and is counted by type."""
    mine = ValueError("mine")

    @watched.watch
    def predict(features: Row) -> float:
        raise mine

    with pytest.raises(ValueError, match="mine") as raised:
        predict(row)
    assert raised.value is mine
    assert mine.__cause__ is None
    assert mine.__context__ is None
    profile = watched.profile()
    assert profile.predictions["ValueError"] == 1
    assert profile.features["amount"].observed == 1
    assert "score" not in profile.features


@pytest.mark.parametrize("leaving", [KeyboardInterrupt, SystemExit])
def test_interrupts_pass(watched: Watched, row: Row, leaving: type[BaseException]) -> None:
    """Ctrl-C and exit are never held up, and leave the context as it was."""

    @watched.watch
    def predict(features: Row) -> float:
        raise leaving

    with pytest.raises(leaving):
        predict(row)
    assert mw.current_prediction() is None


def test_outliers_are_tagged(watched: Watched, row: Row) -> None:
    """The function can see that its input is unusual, and why."""
    seen: list[dict[str, str]] = []

    @watched.watch
    def predict(features: Row) -> float:
        prediction = mw.current_prediction()
        assert prediction is not None
        seen.append(dict(prediction.outliers))
        return 0.5

    predict(row)
    predict({"amount": "n/a", "count": None, "city": "Rome"})
    assert seen == [{}, {"amount": "type", "city": "unseen_category", "count": "missing"}]


def test_outliers_are_refused_where_told_to(watched: Watched, row: Row) -> None:
    """on_outlier="raise" keeps the function from being called, and counts the refusal."""
    calls: list[Row] = []

    @watched.watch(on_outlier="raise")
    def predict(features: Row) -> float:
        calls.append(features)
        return 0.5

    assert predict(row) == 0.5
    with pytest.raises(OutlierRejected, match="amount") as refused:
        predict(row | {"amount": 1e9})
    assert refused.value.outliers == {"amount": "range"}
    assert calls == [row]
    profile = watched.profile()
    assert profile.predictions == {"": 1, "OutlierRejected": 1}
    assert profile.features["amount"].outliers == {"range": 1}


def test_outliers_are_handed_to_a_function(watched: Watched, row: Row) -> None:
    """on_outlier=function sees the prediction; its faults change nothing, its refusal counts."""
    seen: list[mw.Prediction] = []

    def handle(prediction: mw.Prediction) -> None:
        seen.append(prediction)
        if "city" in prediction.outliers:
            raise OutlierRejected(dict(prediction.outliers))
        raise OSError("the pager is down")

    @watched.watch(on_outlier=handle)
    def predict(features: Row) -> float:
        return 0.5

    predict(row)
    assert predict(row | {"amount": 1e9}) == 0.5
    with pytest.raises(OutlierRejected):
        predict(row | {"city": "Rome"})
    assert [dict(prediction.outliers) for prediction in seen] == [
        {"amount": "range"},
        {"city": "unseen_category"},
    ]


def test_an_importable_function_pickles_by_name() -> None:
    """A pickle of a module's function is its name, with pickle and cloudpickle."""
    for codec in (pickle, cloudpickle):
        assert pickle.loads(codec.dumps(module_predict)) is module_predict


def test_a_local_function_pickles_whole(watched: Watched, row: Row) -> None:
    """cloudpickle takes a local function with its watch; in this process it is the same watch."""

    @watched.watch(sample_rate=0.5)
    def predict(features: Row) -> float:
        return 0.5

    loaded: Any = pickle.loads(cloudpickle.dumps(predict))
    assert issubclass(type(loaded), WatchedFunction)
    assert loaded._self_watch is watched.watch
    assert loaded._self_options.sample_rate == 0.5
    assert loaded(row) == 0.5


def test_bound_methods_pickle(row: Row) -> None:
    """A watched method of a picklable object can be sent to a worker."""
    loaded = pickle.loads(pickle.dumps(Scorer().predict))
    assert loaded(row) == 0.5


class Scorer:
    """A picklable object with a watched method."""

    @module_watch
    def predict(self, features: Row) -> float:
        """Score a row."""
        return 0.5


def test_copies_are_watched_too(watched: Watched, row: Row) -> None:
    """copy and deepcopy give a function that the same watch captures."""

    @watched.watch
    def predict(features: Row) -> float:
        return 0.5

    for copied in (copy.copy(predict), copy.deepcopy(predict), copy.deepcopy({"f": predict})["f"]):
        assert issubclass(type(copied), WatchedFunction)
        assert copied(row) == 0.5
    assert watched.profile().rows == 3


def test_another_process_makes_its_own_watch(tmp_path: Any) -> None:
    """A pickled local function works where the watch has never been."""
    watch = mw.Watch("m", version="1", endpoint="http://127.0.0.1:9")

    def make() -> Any:
        @watch
        def predict(features: Row) -> float:
            return float(features["amount"])

        return predict

    path = tmp_path / "function.pickle"
    # Nothing of this module is importable there.
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    path.write_bytes(cloudpickle.dumps(make()))
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])
    code = (
        "import pickle, sys\n"
        "predict = pickle.load(open(sys.argv[1], 'rb'))\n"
        "print(predict({'amount': 3}), len(predict._self_watch.recorder.buffer))\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.split() == ["3.0", "1"], done.stderr


def test_disabled_watches_leave_functions_alone(
    make_watch: MakeWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MODELWATCH_ENABLED=false and OTEL_SDK_DISABLED=true: the function itself comes back."""

    def predict(features: Row) -> float:
        return 0.5

    for name, value in (("MODELWATCH_ENABLED", "false"), ("OTEL_SDK_DISABLED", "true")):
        with monkeypatch.context() as patched:
            patched.setenv(name, value)
            watch = make_watch().watch
            assert watch(predict) is predict
            watch.log({"amount": 1}, 0.5)
            assert watch.flush()


def test_frameworks_take_watched_streams_for_generators(watched: Watched) -> None:
    """Whoever asks what a stream is gets the answer of the function's own."""

    @watched.watch
    def stream(features: Row) -> Iterator[float]:
        yield 0.5

    @watched.watch
    async def stream_later(features: Row) -> AsyncIterator[float]:
        yield 0.5

    assert inspect.isgenerator(stream({}))
    assert inspect.isasyncgen(stream_later({}))
