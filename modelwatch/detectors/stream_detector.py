"""The life of a detector: values taken, alarms told, a restart after each, and its stored state."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from inspect import signature
from typing import Any, ClassVar, Final, Generic, Literal, Self, TypeVar

from modelwatch.detectors.state import plain, restored
from modelwatch.errors import ConfigurationError, DataError, FormatError
from modelwatch.parameter_checks import shown

__all__ = ["LARGEST", "Direction", "StreamDetector", "as_float"]

Direction = Literal["rise", "fall"]
Memory = TypeVar("Memory")

LARGEST: Final = 1e140
"""Values beyond are taken as infinite: sums of their squares would not be finite."""


@dataclass(slots=True)
class _State:
    """A detector, written down."""

    detector: str
    state_version: int
    parameters: dict[str, Any]
    drift_detected: bool
    direction: Direction | None
    skipped: int
    memory: dict[str, Any]


class StreamDetector(ABC, Generic[Memory]):
    """Takes values one by one, tells of a change, and can be stored and resumed in mid-stream.

    A detector is its parameters, kept under their own names, and a memory: a dataclass that is
    empty at the start and, unless the detector says otherwise, after each alarm. Not thread-safe.

    Values that are not finite, or beyond 1e140, are skipped and counted. Finite values beyond
    the detector's range are refused: they are a mistake of the caller's.

    Attributes:
        drift_detected: whether the last value raised an alarm.
        direction: of the last alarm: whether the stream rose or fell; None before the first, and
            where the method tells none.
        skipped: values that were not finite.
        STATE_VERSION: of the stored state.
        LOWEST, HIGHEST: the range of values that the method is made for.
    """

    STATE_VERSION: ClassVar[int] = 1
    LOWEST: ClassVar[float] = -LARGEST
    HIGHEST: ClassVar[float] = LARGEST

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all values."""
        self.drift_detected = False
        self.direction: Direction | None = None
        self.skipped = 0
        self._memory = self._empty()

    def update(self, value: float) -> None:
        """Take one value.

        Raises:
            DataError: where it is no number, or is finite and beyond the range that the method is
                made for.
        """
        number = as_float("value", value)
        if self.drift_detected:
            self._resume()
        if self.LOWEST <= number <= self.HIGHEST:
            self._take(number)
        elif abs(number) <= LARGEST:
            raise DataError(
                f"value is {number:g}: {type(self).__name__} takes numbers from {self.LOWEST:g} to "
                f"{self.HIGHEST:g}, such as 1 for an error and 0 for none."
            )
        else:
            self.skipped += 1

    def to_state(self) -> dict[str, Any]:
        """Return all that is remembered, in plain values ready for JSON; see `from_state`."""
        state = _State(
            detector=type(self).__name__,
            state_version=self.STATE_VERSION,
            parameters={name: getattr(self, name) for name in signature(type(self)).parameters},
            drift_detected=self.drift_detected,
            direction=self.direction,
            skipped=self.skipped,
            memory=plain(self._memory),
        )
        return dict(plain(state))

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Return a detector that goes on exactly where another stopped.

        Raises:
            FormatError: where the state is damaged, of another detector or of another version.
        """
        body = restored(_State, state, "the whole")
        if body.detector != cls.__name__ or body.state_version != cls.STATE_VERSION:
            raise FormatError(
                f"the state is of {body.detector!r}, version {body.state_version}: this is "
                f"{cls.__name__}, version {cls.STATE_VERSION}."
            )
        if set(body.parameters) != set(signature(cls).parameters):
            raise FormatError(f"the state is damaged: its parameters are not {cls.__name__}'s.")
        try:
            detector = cls(**body.parameters)
        except ConfigurationError as error:
            raise FormatError(f"the state is damaged: {error}") from error
        detector.drift_detected = body.drift_detected
        detector.direction = body.direction
        detector.skipped = body.skipped
        detector._memory = restored(type(detector._memory), body.memory, "its memory")
        if not detector._is_sound():
            raise FormatError("the state is damaged: its memory contradicts itself.")
        return detector

    @abstractmethod
    def _empty(self) -> Memory:
        """Return the memory of a detector that has seen no value."""

    @abstractmethod
    def _take(self, value: float) -> None:
        """Take one finite value."""

    def _is_sound(self) -> bool:
        """Tell whether a memory that was read can have come about."""
        return True

    def _resume(self) -> None:
        """Get ready for the value after an alarm."""
        self.drift_detected = False
        self._memory = self._empty()

    def _alarm(self, direction: Direction | None) -> None:
        self.drift_detected = True
        self.direction = direction


def as_float(name: str, value: object) -> float:
    """Return a number as a plain float: it may be a truth value, a huge integer, or numpy's.

    Args:
        name: of the argument, for the message.
        value: what was given.

    Raises:
        DataError: where it is no number.
    """
    if type(value) is float:
        return value
    if hasattr(value, "__float__") and not getattr(value, "ndim", 0):
        try:
            return float(value)
        except OverflowError:
            return math.inf
        except (TypeError, ValueError):
            pass
    raise DataError(f"{name} is {shown(value)}: give one number, such as 1 or 0.5.")
