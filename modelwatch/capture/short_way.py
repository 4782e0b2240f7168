"""The short way of a usual call that is awaited, or made in an adapter's scope."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import Token
from time import perf_counter
from typing import Any

from modelwatch.capture.buffer import CLEAN
from modelwatch.capture.guard import FAULTS
from modelwatch.capture.observer import Observer
from modelwatch.capture.outputs import frozen
from modelwatch.capture.packed_rows import Kept
from modelwatch.capture.plan import CapturePlan
from modelwatch.capture.prediction import CURRENT, MADE, Prediction, Scope
from modelwatch.capture.rows import Row

__all__ = ["Begun", "ShortWay"]

Begun = tuple[CapturePlan, Kept, Prediction, "Token[Prediction | Scope | None]", float]
"""Plan, values, prediction, what restores the context, and when the call began, in seconds."""


class ShortWay:
    """Captures usual calls, by less than `Observer` does, which sees to all others.

    Usual is a dict, pydantic model or dataclass with exactly the known features and without
    outliers, where no call is left out and nobody traces. Thread-safe.

    Args:
        observer: of the watched function.
    """

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._recorder = observer.recorder
        self._position = observer.plain_position
        self._name = observer.plain_name

    def begin(
        self, args: Sequence[Any], kwargs: Mapping[str, Any], drawn: int | None = None
    ) -> Begun | None:
        """Read the features and make the prediction current; None where the call is not usual.

        Args:
            args: the call's positional arguments.
            kwargs: its keyword arguments.
            drawn: by which the call was taken into the sample, where that is known.
        """
        recorder, observer = self._recorder, self._observer
        plan = recorder.quick_plan
        if plan is None or not observer.is_quick or (observer.chooses and drawn is None):
            return None
        outer = CURRENT.get()
        scope = outer if isinstance(outer, Scope) else None
        is_busy = outer is not None and outer.maker is not MADE
        if is_busy if scope is None else scope.claimed:
            return None
        position = self._position
        try:
            values = plan.read_usual(
                args[position] if len(args) > position else kwargs.get(self._name)
            )
        except FAULTS as fault:
            recorder.guard.swallow(fault)
            return None
        if values is None:
            return None
        if scope is None:
            prediction = Prediction()
            prediction.maker = recorder
        else:
            prediction = scope.claim_first(recorder)
        if drawn is not None:
            prediction.draw = drawn
        return plan, values, prediction, CURRENT.set(prediction), perf_counter()

    def end(self, begun: Begun, output: object) -> None:
        """Keep the row with the result, or with the `Failure`, and restore the context."""
        plan, values, prediction, token, started = begun
        duration = perf_counter() - started
        prediction.maker = MADE
        recorder = self._recorder
        try:
            CURRENT.reset(token)
            kept = frozen(output)
            recorder.keep_row(plan, Row(values, CLEAN), kept, duration)
            if getattr(prediction, "known", False):
                recorder.tell_usual(plan, values, prediction, kept, self._observer.telling)
        except FAULTS as fault:
            recorder.guard.swallow(fault)
            recorder.lose(duration)
