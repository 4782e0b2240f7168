"""What an API method answers where the watch refused its input.

An exception of BentoML's own that carries a status is BentoML's documented way to answer with it.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager, nullcontext
from typing import Any

from bentoml.exceptions import UnprocessableEntity

import modelwatch as mw

__all__ = ["answering"]


def answering(function: Callable[..., Any], *, is_batchable: bool) -> Callable[..., Any]:
    """Return the function of an API method, whose refusals are answered with 422.

    Not those of a stream: BentoML has answered with 200 before its first item.

    Args:
        function: sync or async, not bound.
        is_batchable: whether it is called with the merged inputs of many requests, in the context
            of none; each call then is a prediction of its own.
    """
    if inspect.isgeneratorfunction(function):
        return function
    if inspect.isasyncgenfunction(function):
        return _streaming(function)
    # No request gets to know the id of a merged batch.
    scope = functools.partial(mw.prediction_scope, is_known=False) if is_batchable else nullcontext

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def answer_async(*args: Any, **kwargs: Any) -> Any:
            with scope(), _refusals_with_status():
                return await function(*args, **kwargs)

        return answer_async

    @functools.wraps(function)
    def answer(*args: Any, **kwargs: Any) -> Any:
        with scope(), _refusals_with_status():
            return function(*args, **kwargs)

    return answer


def _streaming(function: Callable[..., AsyncGenerator[Any, Any]]) -> Callable[..., Any]:
    """Return an async generator function of the language's own, as BentoML asks of a stream.

    What a watch makes of one behaves alike, but is of another type.
    """

    @functools.wraps(function)
    async def stream(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, None]:
        async with aclosing(function(*args, **kwargs)) as items:
            async for item in items:
                yield item

    return stream


@contextmanager
def _refusals_with_status() -> Iterator[None]:
    try:
        yield
    except mw.OutlierRejected as refusal:
        raise UnprocessableEntity(str(refusal)) from refusal
