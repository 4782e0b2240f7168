"""How a function of each kind is called while it is watched."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Generator
from functools import partial
from time import perf_counter
from typing import Any, Final

from modelwatch.capture.buffer import CLEAN, MOST_UNCOUNTED
from modelwatch.capture.checks import SCALARS
from modelwatch.capture.guard import FAULTS
from modelwatch.capture.observer import Observer
from modelwatch.capture.options import Answer
from modelwatch.capture.outputs import Failure, frozen
from modelwatch.capture.prediction import CURRENT, MADE, Prediction
from modelwatch.capture.sampling import DRAW_BITS, draw
from modelwatch.capture.short_way import ShortWay
from modelwatch.capture.streams import WatchedAsyncGenerator, WatchedGenerator

__all__ = ["Caller", "caller_for", "direct_caller"]

NOT_GIVEN: Final = object()
"""Stands for the first positional argument of a call without any."""

Caller = Callable[[Callable[..., Any], Any, tuple[Any, ...], dict[str, Any]], Any]
"""Takes the wrapped function, what it is bound to, and the call's arguments, as wrapt has it."""


def caller_for(function: Callable[..., Any], observer: Observer) -> Caller:
    """Return what calls a function of its kind: plain, async, generator or async generator."""
    makers = {
        "async generator": _async_generator_caller,
        "generator": _generator_caller,
        "async": _async_caller,
        "plain": _general_caller,
    }
    return makers[_kind_of(function)](observer)


def direct_caller(function: Callable[..., Any], observer: Observer) -> Callable[..., Any] | None:
    """Return a ``__call__`` for the wrapper of one function; None for generators.

    It knows what is called, and so takes less time than the way through wrapt: a third of it where
    the function is a plain one.
    """
    kind = _kind_of(function)
    if kind == "async":
        return _direct_async_caller(function, observer)
    return _direct_plain_caller(function, observer) if kind == "plain" else None


def _kind_of(function: Callable[..., Any]) -> str:
    plain = getattr(function, "__func__", function)
    if not inspect.isroutine(plain) and not isinstance(plain, partial):
        plain = type(plain).__call__
    if inspect.isasyncgenfunction(plain):
        return "async generator"
    if inspect.isgeneratorfunction(plain):
        return "generator"
    return "async" if inspect.iscoroutinefunction(plain) else "plain"


def _general_caller(observer: Observer) -> Callable[..., Any]:
    """Return the caller of plain functions in all cases; it may be given the call's draw."""
    short = ShortWay(observer)

    def call(
        wrapped: Callable[..., Any],
        instance: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        drawn: int | None = None,
    ) -> Any:
        begun = short.begin(args, kwargs, drawn)
        if begun is not None:
            try:
                output = wrapped(*args, **kwargs)
            except BaseException as error:
                short.end(begun, Failure(type(error).__qualname__))
                raise
            short.end(begun, output)
            return output
        observation = observer.begin(instance, args, kwargs, drawn)
        if observation is None:
            return wrapped(*args, **kwargs)
        if observation.answer is not None:
            if isinstance(observation.answer, Answer):
                return observation.answer.value
            observer.dismiss(observation)
            observation.enter()
        try:
            output = wrapped(*args, **kwargs)
        except BaseException as error:
            observer.fail(observation, error)
            raise
        observer.finish(observation, output)
        return output

    return call


def _direct_plain_caller(function: Callable[..., Any], observer: Observer) -> Callable[..., Any]:
    """Return a ``__call__`` for the wrapper of one plain function.

    The usual cases are written out, as their cost is what a watch costs: a dict with exactly the
    known features, no outlier, no span and no scope; and a call that the sample leaves out. All
    other cases go the general way, and so does whatever is odd with these.
    """
    recorder, general = observer.recorder, _general_caller(observer)
    position, name = observer.plain_position, observer.plain_name
    rows, capacity_rows, asked = recorder.buffer.rows, recorder.capacity_rows, recorder.asked
    chosen = _choosing_caller(function, observer, general)
    current, enter = CURRENT.get, CURRENT.set
    prediction_of, clock, scalars, clean, made = Prediction, perf_counter, SCALARS, CLEAN, MADE

    def call(first: Any = NOT_GIVEN, /, *rest: Any, **kwargs: Any) -> Any:
        if rest or kwargs or position or first is NOT_GIVEN:
            args = rest if first is NOT_GIVEN else (first, *rest)
            features = args[position] if len(args) > position else kwargs.get(name)
        else:
            args, features = None, first
        plan = recorder.quick_plan
        outer = current()
        if plan is None or not observer.is_quick or (outer is not None and outer.maker is not made):
            return general(function, None, (first,) if args is None else args, kwargs)
        if observer.chooses:
            return chosen((first,) if args is None else args, kwargs)
        read = plan.read
        try:
            values = read(features)
        except FAULTS as fault:
            recorder.guard.swallow(fault)
            values = None
        if values is None:
            return general(function, None, (first,) if args is None else args, kwargs)
        prediction = prediction_of()
        prediction.maker = recorder
        enter(prediction)
        started = clock()
        try:
            output = function(first) if args is None else function(*args, **kwargs)
        except BaseException as error:
            duration = clock() - started
            prediction.maker = made
            recorder.keep_failed(plan, values, type(error).__qualname__, duration)
            raise
        duration = clock() - started
        prediction.maker = made
        try:
            kind = output.__class__
            is_plain = kind is float or kind in scalars
            if is_plain and plan is recorder.quick_plan and len(rows) < capacity_rows:
                rows.append((plan.number, values, clean, output, duration))
            else:
                recorder.keep_quick(plan, values, output, duration)
            if asked and getattr(prediction, "known", False):
                recorder.tell_usual(plan, values, prediction, frozen(output), observer.telling)
        except FAULTS as fault:
            recorder.guard.swallow(fault)
            recorder.lose(duration)
        return output

    return call


def _choosing_caller(
    function: Callable[..., Any], observer: Observer, general: Callable[..., Any]
) -> Callable[[tuple[Any, ...], dict[str, Any]], Any]:
    """Return what calls a plain function of whose calls some are left out: counted and timed."""
    recorder, unsampled = observer.recorder, observer.recorder.tally.unsampled
    enter, prediction_of, clock, made = CURRENT.set, Prediction, perf_counter, MADE

    def call(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        drawn = draw(DRAW_BITS)
        if drawn < observer.threshold:
            return general(function, None, args, kwargs, drawn)
        prediction = prediction_of()
        prediction.maker = recorder
        prediction.draw = drawn
        enter(prediction)
        started = clock()
        try:
            output = function(*args, **kwargs) if kwargs else function(*args)
        except BaseException as error:
            duration = clock() - started
            prediction.maker = made
            recorder.count_unsampled(duration, type(error).__qualname__)
            raise
        duration = clock() - started
        prediction.maker = made
        if len(unsampled) < MOST_UNCOUNTED:
            unsampled.append(duration)
        else:
            recorder.count_unsampled(duration)
        return output

    return call


def _async_caller(observer: Observer) -> Caller:
    short = ShortWay(observer)

    async def call(
        wrapped: Callable[..., Awaitable[Any]],
        instance: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        begun = short.begin(args, kwargs)
        if begun is not None:
            try:
                output = await wrapped(*args, **kwargs)
            except BaseException as error:
                short.end(begun, Failure(type(error).__qualname__))
                raise
            short.end(begun, output)
            return output
        observation = observer.begin(instance, args, kwargs)
        if observation is None:
            return await wrapped(*args, **kwargs)
        answer = observation.answer
        if answer is not None and (
            isinstance(answer, Answer) or await observer.awaited_answer(observation)
        ):
            return observation.answer.value
        try:
            output = await wrapped(*args, **kwargs)
        except BaseException as error:
            observer.fail(observation, error)
            raise
        observer.finish(observation, output)
        return output

    return call


def _direct_async_caller(
    function: Callable[..., Awaitable[Any]], observer: Observer
) -> Callable[..., Any]:
    awaited = _async_caller(observer)

    def call(*args: Any, **kwargs: Any) -> Awaitable[Any]:
        found: Awaitable[Any] = awaited(function, None, args, kwargs)
        return found

    return call


def _generator_caller(observer: Observer) -> Caller:
    def call(
        wrapped: Callable[..., Generator[Any, Any, Any]],
        instance: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        observe = partial(observer.observe, instance, args, kwargs)
        return WatchedGenerator(wrapped(*args, **kwargs), observer, observe)

    return call


def _async_generator_caller(observer: Observer) -> Caller:
    def call(
        wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        observe = partial(observer.observe, instance, args, kwargs)
        return WatchedAsyncGenerator(wrapped(*args, **kwargs), observer, observe)

    return call
