"""What happens before and after each call of one watched function."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import Token
from itertools import islice
from time import perf_counter
from typing import Any, Final

from opentelemetry.context import get_current as current_context

from modelwatch.capture.arguments import FeatureArgument
from modelwatch.capture.options import CaptureOptions
from modelwatch.capture.outputs import Failure, frozen
from modelwatch.capture.plan import CapturePlan
from modelwatch.capture.prediction import CURRENT, MADE, Prediction, Scope, begin_prediction
from modelwatch.capture.recorder import Recorder
from modelwatch.capture.rows import Batch, Row
from modelwatch.capture.sampling import RowBudget, is_sampled
from modelwatch.capture.spans import annotate_span
from modelwatch.errors import DataError, OutlierRejected
from modelwatch.tables.columns import ABSENT

__all__ = ["INLINE_CHECK_ROWS", "NOT_POSITIONAL", "Observation", "Observer"]

INLINE_CHECK_ROWS: Final = 256
"""Rows of a batch that are checked before the prediction, first come; the fold checks all."""

NOT_POSITIONAL: Final = 1 << 30
"""Stands for the position of an argument that has none."""


class Observation:
    """One watched call between its begin and its end.

    Attributes:
        prediction: the prediction being made.
        plan: how its features were read.
        captured: its features; None where they are not captured.
        started: when the function was entered, seconds.
        token: restores the context; None while the prediction is not the current one.
    """

    __slots__ = ("captured", "plan", "prediction", "started", "token")

    started: float

    def __init__(self, prediction: Prediction, plan: CapturePlan) -> None:
        self.prediction = prediction
        self.plan = plan
        self.captured: Row | Batch | None = None
        self.token: Token[Prediction | Scope | None] | None = None

    def enter(self) -> None:
        """Make the prediction the current one."""
        self.token = CURRENT.set(self.prediction)

    def leave(self) -> None:
        """Restore what was current before, if that was not done yet."""
        token, self.token = self.token, None
        if token is not None:
            CURRENT.reset(token)


class Observer:
    """Captures the calls of one watched function.

    `begin` or `observe` is followed by `finish` or `fail`. None of them raises, but for
    `OutlierRejected` from the first. Thread-safe.

    Args:
        recorder: where captured rows go.
        options: how the function is watched.
        argument: which argument holds the features.
        clock: seconds, for durations.
    """

    def __init__(
        self,
        recorder: Recorder,
        options: CaptureOptions,
        argument: FeatureArgument,
        *,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        self.recorder = recorder
        self._options = options
        self._argument = argument
        self._clock = clock
        rate = options.max_rows_per_second
        self._budget = RowBudget(rate) if rate is not None else None
        if self._budget is not None:
            recorder.budgets.add(self._budget)
        chooses = options.sample_rate < 1.0 or rate is not None
        is_plain = argument.position is not None and not chooses
        self.plain_position: int = (argument.position or 0) if is_plain else NOT_POSITIONAL
        self.plain_name: str = (argument.name or "") if is_plain else ""

    def begin(
        self, instance: object, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Observation | None:
        """Observe a call and make its prediction the current one, until `finish` or `fail`."""
        observation = self.observe(instance, args, kwargs)
        if observation is not None:
            observation.enter()
        return observation

    def observe(
        self, instance: object, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Observation | None:
        """Read and check the features before the function is called.

        Returns:
            None where the call is part of another of the same watch, or nothing is to be captured.

        Raises:
            OutlierRejected: where the options refuse outliers.
        """
        plan = self.recorder.plan
        prediction = begin_prediction(self.recorder) if plan is not None else None
        if plan is None or prediction is None:
            return None
        observation = Observation(prediction, plan)
        is_read = False
        with self.recorder.guard:
            self._capture(observation, instance, args, kwargs)
            is_read = True
        if not is_read:
            self.recorder.tally.record_dropped("fault")
        if prediction.outliers or current_context():
            with self.recorder.guard:
                self._react(observation)
        observation.started = self._clock()
        return observation

    def finish(self, observation: Observation, output: object) -> None:
        """Keep the features and the result after the function has returned."""
        duration = self._clock() - observation.started
        observation.prediction.maker = MADE
        with self.recorder.guard:
            observation.leave()
            self.keep(observation, frozen(output), duration)
            return
        self.recorder.lose(duration, _rows_of(observation.captured))

    def fail(self, observation: Observation, error: BaseException) -> None:
        """Count a call that raised; its features are kept, as it has no result."""
        self.finish_failed(observation, type(error).__qualname__)

    def finish_failed(self, observation: Observation, error_type: str) -> None:
        """Count a call that failed in a way that has a name."""
        self.finish(observation, Failure(error_type))

    def keep(self, observation: Observation, output: object, duration_seconds: float) -> None:
        """Keep what was captured, with a copied result or a `Failure`, and count the call."""
        captured = observation.captured
        if isinstance(captured, Row):
            self.recorder.keep_row(
                (observation.plan, captured.values, captured.extras, output, duration_seconds)
            )
            return
        error_type = output.error_type if type(output) is Failure else ""
        self.recorder.count_call(duration_seconds, error_type)
        if isinstance(captured, Batch):
            self.recorder.keep_batch(observation.plan, captured, output)

    def _capture(
        self,
        observation: Observation,
        instance: object,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
    ) -> None:
        """Read the features and note the outliers among them, unless the sample leaves them out."""
        prediction, options = observation.prediction, self._options
        tally = self.recorder.tally
        is_sampled_out = options.sample_rate < 1.0 and not is_sampled(
            prediction.id, options.sample_rate
        )
        if is_sampled_out and options.on_outlier == "tag":
            tally.record_dropped("not_sampled")
            return
        try:
            features = self._features(instance, args, kwargs)
            plan, captured = self.recorder.read(observation.plan, features)
        except DataError as error:
            tally.record_dropped("unreadable")
            self.recorder.guard.notice("unreadable", f"features are not captured: {error}")
            return
        observation.plan = plan
        outliers = _outliers_of(plan, captured)
        if outliers:
            prediction.outliers = outliers
        if is_sampled_out:
            tally.record_dropped("not_sampled", _rows_of(captured))
        elif self._budget is not None and not self._budget.take(_rows_of(captured)):
            tally.record_dropped("rate_limited", _rows_of(captured))
        else:
            observation.captured = captured

    def _features(self, instance: object, args: Sequence[Any], kwargs: Mapping[str, Any]) -> object:
        """Return the argument that holds the features, or the features by name."""
        argument = self._argument
        if argument.has_self and instance is None:
            args = args[1:]
        if argument.name is None:
            named = dict(zip(argument.positional, args, strict=False))
            return {**argument.defaults, **named, **kwargs}
        if argument.position is not None and argument.position < len(args):
            return args[argument.position]
        features = kwargs.get(argument.name, argument.default)
        if features is inspect.Parameter.empty:
            raise DataError(f"the call lacks its argument {argument.name!r}.")
        return features

    def _react(self, observation: Observation) -> None:
        """Tell the span and the user's function of the prediction; refuse it where told to."""
        prediction = observation.prediction
        if current_context():
            annotate_span(prediction, self.recorder.model, self.recorder.version)
        on_outlier = self._options.on_outlier
        if not prediction.outliers or on_outlier == "tag":
            return
        try:
            if on_outlier == "raise":
                raise OutlierRejected(dict(prediction.outliers))
            if callable(on_outlier):
                on_outlier(prediction)
        except OutlierRejected as refusal:
            prediction.maker = MADE
            with self.recorder.guard:
                self.keep(observation, Failure(type(refusal).__qualname__), 0.0)
            raise


def _rows_of(captured: Row | Batch | None) -> int:
    return captured.rows if isinstance(captured, Batch) else 1


def _outliers_of(plan: CapturePlan, captured: Row | Batch) -> dict[str, str] | None:
    """Name the features with an outlier, in any of a batch's first rows, and the rules broken."""
    if isinstance(captured, Row):
        return plan.check(captured.values)
    found: dict[str, str] = {}
    for values in islice(_batch_values(plan, captured), INLINE_CHECK_ROWS):
        found.update(plan.check(values) or {})
    return found


def _batch_values(plan: CapturePlan, batch: Batch) -> Iterator[tuple[Any, ...]]:
    absent = [ABSENT] * min(batch.rows, INLINE_CHECK_ROWS)
    columns = [batch.columns.get(name, absent)[:INLINE_CHECK_ROWS] for name in plan.reader.names]
    plain = [column.tolist() if hasattr(column, "tolist") else column for column in columns]
    return zip(*plain, strict=True)
