"""How a function of each kind is called while it is watched."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Generator
from functools import partial
from time import perf_counter
from typing import Any

from opentelemetry.context import get_current as current_context

from modelwatch.capture.guard import FAULTS
from modelwatch.capture.observer import Observer
from modelwatch.capture.outputs import IMMUTABLE, Failure, frozen
from modelwatch.capture.prediction import CURRENT, MADE, Prediction
from modelwatch.capture.streams import WatchedAsyncGenerator, WatchedGenerator

__all__ = ["Caller", "caller_for"]

Caller = Callable[[Callable[..., Any], Any, tuple[Any, ...], dict[str, Any]], Any]
"""Takes the wrapped function, what it is bound to, and the call's arguments, as wrapt has it."""


def caller_for(function: Callable[..., Any], observer: Observer) -> Caller:
    """Return what calls a function of its kind: plain, async, generator or async generator."""
    plain = getattr(function, "__func__", function)
    if not inspect.isroutine(plain) and not isinstance(plain, partial):
        plain = type(plain).__call__
    if inspect.isasyncgenfunction(plain):
        return _async_generator_caller(observer)
    if inspect.isgeneratorfunction(plain):
        return _generator_caller(observer)
    if inspect.iscoroutinefunction(plain):
        return _async_caller(observer)
    return _plain_caller(observer)


def _general_caller(observer: Observer) -> Caller:
    """Return the caller of plain functions in all cases."""

    def call(
        wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        observation = observer.begin(instance, args, kwargs)
        if observation is None:
            return wrapped(*args, **kwargs)
        try:
            output = wrapped(*args, **kwargs)
        except BaseException as error:
            observer.fail(observation, error)
            raise
        observer.finish(observation, output)
        return output

    return call


def _plain_caller(observer: Observer) -> Caller:
    """Return the caller of plain functions.

    The usual case is written out: a dict with exactly the known features, no outlier, no span and
    no scope. Its cost is what a watch costs: 2 microseconds for 30 features. All other cases go
    the general way, and so does whatever is odd with this one.
    """
    recorder, general = observer.recorder, _general_caller(observer)
    position, name = observer.plain_position, observer.plain_name
    rows_waiting, capacity_rows = recorder.rows_waiting, recorder.capacity_rows
    current = CURRENT.get
    enter, leave = CURRENT.set, CURRENT.reset

    def call(
        wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        plan = recorder.plan
        if plan is None or current() is not None:
            return general(wrapped, instance, args, kwargs)
        features: Any = args[position] if len(args) > position else kwargs.get(name)
        if type(features) is not dict or len(features) != plan.size:
            return general(wrapped, instance, args, kwargs)
        try:
            values = plan.values_of(features)
            # Where the first value is a column, the features may be a batch.
            is_usual = values[0].__class__ in IMMUTABLE and plan.check(values) is None
        except FAULTS:
            is_usual = False
        if not is_usual or current_context():
            return general(wrapped, instance, args, kwargs)
        prediction = Prediction(None, recorder)
        token = enter(prediction)
        started = perf_counter()
        try:
            output = wrapped(*args, **kwargs)
        except BaseException as error:
            duration = perf_counter() - started
            prediction.maker = MADE
            with recorder.guard:
                leave(token)
                recorder.keep_row((plan, values, None, Failure(type(error).__qualname__), duration))
            raise
        duration = perf_counter() - started
        prediction.maker = MADE
        try:
            leave(token)
            kept = output if output.__class__ in IMMUTABLE else frozen(output)
            if rows_waiting() < capacity_rows:
                recorder.append((plan, values, None, kept, duration))
            else:
                recorder.keep_row((plan, values, None, kept, duration))
        except FAULTS as fault:
            recorder.guard.swallow(fault)
            recorder.lose(duration)
        return output

    return call


def _async_caller(observer: Observer) -> Caller:
    async def call(
        wrapped: Callable[..., Awaitable[Any]],
        instance: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        observation = observer.begin(instance, args, kwargs)
        if observation is None:
            return await wrapped(*args, **kwargs)
        try:
            output = await wrapped(*args, **kwargs)
        except BaseException as error:
            observer.fail(observation, error)
            raise
        observer.finish(observation, output)
        return output

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
