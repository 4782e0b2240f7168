"""What happens before and after each call of one watched function."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import Token
from itertools import islice
from time import perf_counter
from typing import Any, Final

from modelwatch.capture.arguments import FeatureArgument
from modelwatch.capture.buffer import CLEAN
from modelwatch.capture.events import outlier_event
from modelwatch.capture.guard import FAULTS
from modelwatch.capture.options import Answer, CaptureOptions
from modelwatch.capture.outputs import Failure, frozen
from modelwatch.capture.plan import CapturePlan
from modelwatch.capture.prediction import CURRENT, MADE, Prediction, Scope, begin_prediction
from modelwatch.capture.recorder import Recorder
from modelwatch.capture.rows import Batch, Row
from modelwatch.capture.sampling import is_sampled, threshold_of
from modelwatch.capture.spans import PredictionSpan, current_span_ids
from modelwatch.capture.traced_rows import TracedRow
from modelwatch.errors import DataError, OutlierRejected
from modelwatch.tables.columns import ABSENT
from modelwatch.telemetry.steering import Steering

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
        answer: what is answered in place of the function, if anything; maybe awaited first.
        span: the span of the prediction, where someone traces.
    """

    __slots__ = ("_token", "answer", "captured", "plan", "prediction", "span", "started")

    started: float

    def __init__(self, prediction: Prediction, plan: CapturePlan) -> None:
        self.prediction = prediction
        self.plan = plan
        self.captured: Row | Batch | None = None
        self.answer: Any = None
        self.span: PredictionSpan | None = None
        self._token: Token[Prediction | Scope | None] | None = None

    def enter(self) -> None:
        """Make the prediction the current one."""
        self._token = CURRENT.set(self.prediction)
        if self.span is not None:
            self.span.enter()

    def leave(self) -> None:
        """Restore what was current before, if that was not done yet."""
        token, self._token = self._token, None
        if token is not None:
            if self.span is not None:
                self.span.leave()
            CURRENT.reset(token)


class Observer:
    """Captures the calls of one watched function.

    `begin` or `observe` is followed by `finish` or `fail`, unless the observation has an answer
    already. None of them raises, but for `OutlierRejected` from the first. Thread-safe.

    Args:
        recorder: where captured rows go.
        options: how the function is watched.
        argument: which argument holds the features.
        clock: seconds, for durations.

    Attributes:
        is_quick: whether usual calls may be captured on the short way.
        chooses: whether that takes a draw for each call.
        threshold: a call is left out where its draw is not below.
        plain_position: the place of the features among the arguments of a usual call.
        plain_name: their name there.
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
        self.plain_position = NOT_POSITIONAL if argument.position is None else argument.position
        self.plain_name = argument.name or ""
        self.steer(recorder.steering)
        recorder.observers.add(self)

    def steer(self, steering: Steering) -> None:
        """Choose calls by a collector's wishes, and by the options where it has none."""
        options = self._options
        rate, most = steering.sample_rate, steering.max_rows_per_second
        self._sample_rate = options.sample_rate if rate is None else rate
        most = options.max_rows_per_second if most is None else most
        self._budget = self.recorder.budget(most) if most is not None else None
        self.chooses = self._sample_rate < 1.0
        self.threshold = threshold_of(self._sample_rate)
        # The short way knows neither budgets nor checks of calls that are not captured.
        checks_all = self.chooses and options.on_outlier != "tag"
        self.is_quick = self._budget is None and not checks_all

    def begin(
        self,
        instance: object,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        drawn: int | None = None,
    ) -> Observation | None:
        """Observe a call and make its prediction the current one, until `finish` or `fail`."""
        observation = self.observe(instance, args, kwargs, drawn)
        if observation is not None and observation.answer is None:
            observation.enter()
        return observation

    def observe(
        self,
        instance: object,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        drawn: int | None = None,
    ) -> Observation | None:
        """Read and check the features before the function is called.

        Args:
            instance: what the function is bound to.
            args: the call's positional arguments.
            kwargs: its keyword arguments.
            drawn: by which the call was taken into the sample, where that is known.

        Returns:
            None where the call is part of another of the same watch, or nothing is to be captured.

        Raises:
            OutlierRejected: where the options refuse outliers.
        """
        recorder = self.recorder
        if recorder.plan is not None and not recorder.is_started:
            with recorder.guard:
                recorder.ensure_started()
        plan = recorder.plan
        prediction = begin_prediction(recorder) if plan is not None else None
        if plan is None or prediction is None:
            return None
        if drawn is not None:
            prediction.draw = drawn
        observation = Observation(prediction, plan)
        try:
            self._capture(observation, instance, args, kwargs)
        except FAULTS as fault:
            recorder.guard.swallow(fault)
            recorder.tally.record_dropped("fault")
        outliers = prediction.outliers
        if outliers or recorder.tracer is not None:
            with recorder.guard:
                self._trace(observation)
        observation.started = self._clock()
        if outliers and self._options.on_outlier != "tag":
            with recorder.guard:
                self._react(observation)
        return observation

    def finish(self, observation: Observation, output: object) -> None:
        """Keep the features and the result after the function has returned."""
        duration = self._clock() - observation.started
        observation.prediction.maker = MADE
        try:
            observation.leave()
            span = observation.span
            if span is not None:
                span.end(output.error_type if type(output) is Failure else "")
            kept = frozen(output)
            if span is not None and span.is_sampled:
                traced, outliers = self.recorder.traced, observation.prediction.outliers
                if outliers or type(kept) is Failure or traced.takes_next(observation.plan):
                    traced.add(_traced_row(observation, span, kept))
            self._keep(observation, kept, duration)
        except FAULTS as fault:
            self.recorder.guard.swallow(fault)
            self.recorder.lose(duration, _rows_of(observation.captured))

    def fail(self, observation: Observation, error: BaseException) -> None:
        """Count a call that raised; its features are kept, as it has no result."""
        self.finish_failed(observation, type(error).__qualname__)

    def finish_failed(self, observation: Observation, error_type: str) -> None:
        """Count a call that failed in a way that has a name."""
        self.finish(observation, Failure(error_type))

    async def awaited_answer(self, observation: Observation) -> bool:
        """Wait for the answer of an async ``on_outlier``; False where it gave none.

        Raises:
            OutlierRejected: where it refused the input.
        """
        with self.recorder.guard:
            try:
                answer = await observation.answer
            except OutlierRejected as refusal:
                self.fail(observation, refusal)
                raise
            if isinstance(answer, Answer):
                observation.answer = answer
                self.finish(observation, answer.value)
                return True
        observation.answer = None
        observation.enter()
        return False

    def dismiss(self, observation: Observation) -> None:
        """Go on without an answer that would have to be awaited where nobody can."""
        answer, observation.answer = observation.answer, None
        if inspect.isawaitable(answer):
            with self.recorder.guard:
                if inspect.iscoroutine(answer):
                    answer.close()
                self.recorder.guard.notice(
                    "async on_outlier",
                    "an async on_outlier function is of use to async functions only; it was not "
                    "awaited.",
                )

    def _keep(self, observation: Observation, output: object, duration_seconds: float) -> None:
        """Keep what was captured, with a copied result or a `Failure`, and count the call."""
        captured = observation.captured
        if isinstance(captured, Row):
            self.recorder.keep_row(observation.plan, captured, output, duration_seconds)
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
        prediction, tally = observation.prediction, self.recorder.tally
        is_sampled_out = self._sample_rate < 1.0 and not is_sampled(
            prediction.id, self._sample_rate
        )
        if is_sampled_out and self._options.on_outlier == "tag":
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
        if isinstance(captured, Batch) or captured.extras is not CLEAN:
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

    def _trace(self, observation: Observation) -> None:
        """Begin the prediction's span where someone traces, and log an event of its outliers."""
        prediction, recorder = observation.prediction, self.recorder
        span = None
        if recorder.tracer is not None:
            outliers = prediction.outliers.items()
            told = {name: rule for name, rule in outliers if recorder.tells(name)}
            span = PredictionSpan(
                recorder.tracer, prediction, recorder.model, recorder.version, told
            )
            observation.span = span
        if prediction.outliers:
            ids = span.ids if span is not None else current_span_ids()
            recorder.events.add(
                lambda: outlier_event(prediction, recorder.model, recorder.version, ids)
            )

    def _react(self, observation: Observation) -> None:
        """Refuse a prediction with outliers, or have the user's function answer it."""
        prediction, on_outlier = observation.prediction, self._options.on_outlier
        try:
            if on_outlier == "raise":
                raise OutlierRejected(dict(prediction.outliers))
            answer = on_outlier(prediction) if callable(on_outlier) else None
        except OutlierRejected as refusal:
            self.fail(observation, refusal)
            raise
        if isinstance(answer, Answer):
            observation.answer = answer
            self.finish(observation, answer.value)
        elif inspect.isawaitable(answer):
            observation.answer = answer


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


def _traced_row(observation: Observation, span: PredictionSpan, output: object) -> TracedRow:
    """Return what the trace of a call can be an example of; of a batch, its first row is."""
    captured, values, is_packed = observation.captured, None, False
    error_type = output.error_type if type(output) is Failure else ""
    if isinstance(captured, Row):
        values = captured.values
        is_packed = captured.extras is CLEAN and observation.plan.layout is not None
    elif captured is not None:
        values, output = next(_batch_values(observation.plan, captured), None), Failure("")
    return TracedRow(
        span.ids,
        time.time_ns(),
        observation.plan,
        values,
        is_packed,
        output,
        observation.prediction.outliers,
        error_type,
    )


def _batch_values(plan: CapturePlan, batch: Batch) -> Iterator[tuple[Any, ...]]:
    absent = [ABSENT] * min(batch.rows, INLINE_CHECK_ROWS)
    columns = [batch.columns.get(name, absent)[:INLINE_CHECK_ROWS] for name in plan.reader.names]
    plain = [column.tolist() if hasattr(column, "tolist") else column for column in columns]
    return zip(*plain, strict=True)
