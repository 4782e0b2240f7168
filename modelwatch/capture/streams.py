"""Watched generators: a prediction that is made piece by piece.

The prediction is current while the generator runs, and not while it is suspended, so that what
its consumer does in between is no part of it. It is counted once: when the generator ends, is
closed, or is let go by its consumer. Where the features are a batch, each item is the result of
one row; where they are one row, a single item is its result, and several are taken as a stream
whose pieces are not captured. An `Answer` in a generator's place is an iterable of its items.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator, Iterable
from types import AsyncGeneratorType, GeneratorType, TracebackType
from typing import TYPE_CHECKING, Any, Final

from modelwatch.capture.observation import Observation
from modelwatch.capture.observer import Observer
from modelwatch.capture.options import Answer
from modelwatch.capture.outputs import Failure, frozen
from modelwatch.capture.rows import Batch

__all__ = ["WatchedAsyncGenerator", "WatchedGenerator"]


_ENDS: Final = (StopIteration, StopAsyncIteration, GeneratorExit)
"""How a generator ends in good order."""


class _Stream:
    """The observation of one generator, which begins when it is first advanced."""

    def __init__(self, observer: Observer, observe: Callable[[], Observation | None]) -> None:
        self._observer = observer
        self._observe: Callable[[], Observation | None] | None = observe
        self._observation: Observation | None = None
        self._items: list[Any] = []
        self._most_items = 1

    def __enter__(self) -> Answer | None:
        """Make the prediction current while the generator runs.

        Returns:
            What is answered in the generator's place, where that was decided just now.
        """
        answer = None
        if self._observe is not None:
            observe, self._observe = self._observe, None
            answer = self._begin(observe())
        if self._observation is not None:
            self._observation.enter()
        return answer

    def _begin(self, observation: Observation | None) -> Answer | None:
        if observation is None:
            return None
        if isinstance(observation.answer, Answer):
            return observation.answer
        self._observer.dismiss(observation)
        self._observation = observation
        captured = observation.captured
        self._most_items = captured.rows if isinstance(captured, Batch) else 1
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave it; where the generator has ended, or failed, complete the observation."""
        if self._observation is not None:
            with self._observer.recorder.guard:
                self._observation.leave()
        if error is not None:
            self.end(None if isinstance(error, _ENDS) else error)

    def keep(self, item: Any) -> None:
        if self._observation is not None and len(self._items) <= self._most_items:
            with self._observer.recorder.guard:
                self._items.append(frozen(item))

    def end(self, error: BaseException | None = None) -> None:
        """Complete the observation; the consumer's closing of the generator is no failure."""
        self._observe = None
        observation, self._observation = self._observation, None
        if observation is None:
            return
        output: object = {}
        if error is not None:
            output = Failure(type(error).__qualname__)
        elif len(self._items) == self._most_items:
            is_batch = isinstance(observation.captured, Batch)
            output = self._items if is_batch else self._items[0]
        self._observer.finish(observation, output)


def _replayed(items: Iterable[Any]) -> Generator[Any, Any, Any]:
    yield from items


async def _replayed_later(items: Iterable[Any]) -> AsyncGenerator[Any, Any]:
    for item in items:
        yield item


def _thrown(kind: Any, value: object, traceback: TracebackType | None) -> BaseException:
    """Return the exception that the three arguments of ``throw`` stand for."""
    error = kind if value is None else value
    error = error if isinstance(error, BaseException) else kind(*([] if value is None else [value]))
    return error.with_traceback(traceback) if traceback is not None else error


class WatchedGenerator(Generator[Any, Any, Any]):
    """A generator whose items are the results of a watched prediction. Not thread-safe.

    Args:
        generator: what the watched function returned.
        observer: captures the prediction.
        observe: begins the observation.
    """

    def __init__(
        self,
        generator: Generator[Any, Any, Any],
        observer: Observer,
        observe: Callable[[], Observation | None],
    ) -> None:
        self._generator = generator
        self._stream = _Stream(observer, observe)

    if not TYPE_CHECKING:  # `inspect.isgenerator` goes by the type, and frameworks by that

        @property
        def __class__(self) -> type:
            """The type of what is watched."""
            return GeneratorType

    def send(self, value: Any) -> Any:
        """Resume the generator with a value."""
        return self._advance(lambda: self._generator.send(value))

    def throw(
        self,
        kind: Any,
        value: BaseException | object = None,
        traceback: TracebackType | None = None,
    ) -> Any:
        """Resume the generator with an exception."""
        error = _thrown(kind, value, traceback)
        return self._advance(lambda: self._generator.throw(error))

    def close(self) -> None:
        """End the generator."""
        self._generator.close()
        self._stream.end()

    def __del__(self) -> None:
        self.close()

    def _advance(self, step: Callable[[], Any]) -> Any:
        with self._stream as answer:
            if answer is not None:
                self._generator.close()
                self._generator = _replayed(answer.value)
            item = step()
        self._stream.keep(item)
        return item


class WatchedAsyncGenerator(AsyncGenerator[Any, Any]):
    """An async generator whose items are the results of a watched prediction. Not thread-safe.

    Args:
        generator: what the watched function returned.
        observer: captures the prediction.
        observe: begins the observation.
    """

    def __init__(
        self,
        generator: AsyncGenerator[Any, Any],
        observer: Observer,
        observe: Callable[[], Observation | None],
    ) -> None:
        self._generator = generator
        self._stream = _Stream(observer, observe)

    if not TYPE_CHECKING:  # as for `inspect.isasyncgen`

        @property
        def __class__(self) -> type:
            """The type of what is watched."""
            return AsyncGeneratorType

    async def asend(self, value: Any) -> Any:
        """Resume the generator with a value."""
        return await self._advance(lambda: self._generator.asend(value))

    async def athrow(
        self,
        kind: Any,
        value: BaseException | object = None,
        traceback: TracebackType | None = None,
    ) -> Any:
        """Resume the generator with an exception."""
        error = _thrown(kind, value, traceback)
        return await self._advance(lambda: self._generator.athrow(error))

    async def aclose(self) -> None:
        """End the generator."""
        await self._generator.aclose()
        self._stream.end()

    def __del__(self) -> None:
        self._stream.end()  # the event loop closes the function's own generator

    async def _advance(self, step: Callable[[], Any]) -> Any:
        with self._stream as answer:
            if answer is not None:
                await self._generator.aclose()
                self._generator = _replayed_later(answer.value)
            item = await step()
        self._stream.keep(item)
        return item
