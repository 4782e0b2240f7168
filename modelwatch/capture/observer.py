"""What happens before and after each call of one watched function."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any, Final

from modelwatch.capture.arguments import FeatureArgument
from modelwatch.capture.buffer import CLEAN
from modelwatch.capture.events import outlier_event
from modelwatch.capture.guard import FAULTS
from modelwatch.capture.known_tables import Telling
from modelwatch.capture.observation import Observation, outliers_of, rows_of, traced_row
from modelwatch.capture.options import Answer, CaptureOptions
from modelwatch.capture.outputs import Failure, frozen
from modelwatch.capture.prediction import (
    MADE,
    Prediction,
    begin_prediction,
    identified,
    name_after,
)
from modelwatch.capture.recorder import Recorder
from modelwatch.capture.row_context import RowContext, ids_for
from modelwatch.capture.rows import Batch, Row
from modelwatch.capture.sampling import is_sampled, threshold_of
from modelwatch.capture.spans import PredictionSpan, current_span_ids
from modelwatch.errors import DataError, OutlierRejected
from modelwatch.telemetry.sampled_ids import is_random_uuid
from modelwatch.telemetry.steering import Steering

__all__ = ["NOT_POSITIONAL", "Observer"]

NOT_POSITIONAL: Final = 1 << 30
"""Stands for the position of an argument that has none."""


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
        telling: how predictions are told that somebody can know by an id.
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
        in_features = None if argument.own_id is not None else options.prediction_id
        self._context = RowContext(in_features, options.segment)
        self._names_rows = options.prediction_id is not None
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
        has_context = self._names_rows or not self._context.is_empty
        self.is_quick = self._budget is None and not checks_all and not has_context
        self.telling = Telling(
            sample_rate=self._sample_rate,
            sends=options.sends,
            has_values=options.capture_values is not False,
        )

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
        *,
        ids: object = None,
        sample_rate: float = 1.0,
    ) -> Observation | None:
        """Read and check the features before the function is called.

        Args:
            instance: what the function is bound to.
            args: the call's positional arguments.
            kwargs: its keyword arguments.
            drawn: by which the call was taken into the sample, where that is known.
            ids: of the row, or of each row; None to look for them.
            sample_rate: by which the caller has chosen the call already, by its id.

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
        observation.telling = self._telling(sample_rate)
        if ids is None:
            ids = self._argument.ids(instance, args, kwargs)
        observation.needs_id = ids is not None or self._names_rows
        try:
            self._capture(observation, instance, args, kwargs, ids)
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
                    traced.add(traced_row(observation, span, kept))
            self._keep(observation, kept, duration)
        except FAULTS as fault:
            self.recorder.guard.swallow(fault)
            self.recorder.lose(duration, rows_of(observation.captured))
            return
        self.recorder.tell(observation, kept)

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

    def _telling(self, sample_rate: float) -> Telling:
        if sample_rate >= self._sample_rate:
            return self.telling
        return replace(self.telling, sample_rate=sample_rate)

    def _capture(
        self,
        observation: Observation,
        instance: object,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        ids: object,
    ) -> None:
        """Read the features and note the outliers among them, unless the sample leaves them out."""
        prediction, tally = observation.prediction, self.recorder.tally
        is_out = self._is_out(prediction, ids)
        if is_out and self._options.on_outlier == "tag" and not self._chooses_rows(prediction, ids):
            tally.record_dropped("not_sampled")
            return
        try:
            features = self._argument.features(instance, args, kwargs)
            captured = self._read(observation, features, ids)
        except DataError as error:
            tally.record_dropped("unreadable")
            self.recorder.guard.notice("unreadable", f"features are not captured: {error}")
            return
        if isinstance(captured, Row) and isinstance(observation.ids, str):
            is_out = not is_sampled(observation.ids, self._sample_rate)
            name_after(prediction, observation.ids)
        elif is_out is None:
            is_out = self._is_out(prediction, None)
        if isinstance(captured, Batch) or captured.extras is not CLEAN:
            outliers = outliers_of(observation.plan, captured)
            if outliers:
                prediction.outliers = outliers
        if is_out:
            tally.record_dropped("not_sampled", rows_of(captured))
            # Each row with an id of its own is in the sample by that, whatever its batch is.
            observation.told = captured if isinstance(captured, Batch) else None
        elif self._budget is not None and not self._budget.take(rows_of(captured)):
            tally.record_dropped("rate_limited", rows_of(captured))
        else:
            observation.captured = observation.told = captured

    def _is_out(self, prediction: Prediction, ids: object) -> bool | None:
        """Tell whether the sample leaves a call out; None where only its features tell."""
        if self._sample_rate >= 1.0:
            return False
        if ids is None and self._context.names_rows:
            return None
        own = ids if isinstance(ids, str) else identified(prediction)
        return not is_sampled(own, self._sample_rate)

    def _chooses_rows(self, prediction: Prediction, ids: object) -> bool:
        """Tell whether rows of a batch may be in the sample although the call is not."""
        if ids is not None:
            return True
        return getattr(prediction, "known", False) and not is_random_uuid(identified(prediction))

    def _read(self, observation: Observation, features: object, ids: object) -> Row | Batch:
        """Read the features, and find the ids and segments of their rows.

        Raises:
            DataError: where they cannot be read.
        """
        recorder, context = self.recorder, self._context
        if ids is None and context.is_empty:
            observation.plan, captured = recorder.read(observation.plan, features)
            return captured
        plan, captured, found = context.read(recorder, observation.plan, features)
        observation.plan = plan
        own = context.ids(found, captured) if ids is None else ids_for(captured, ids)
        observation.ids = own
        with recorder.guard:
            segment = context.segment(found, captured, features, recorder, plan)
            observation.segment = segment
        return captured

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
