"""Predictions and labels that the service tells of itself, where no function is decorated."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any, Final

import numpy.typing as npt

from modelwatch.capture.arguments import FeatureArgument
from modelwatch.capture.labels import Label, checked_label, checked_labels
from modelwatch.capture.observed_call import ObservedCall
from modelwatch.capture.observer import Observer
from modelwatch.capture.options import CaptureOptions
from modelwatch.capture.pipeline import Pipeline
from modelwatch.capture.prediction import enclose, new_prediction

__all__ = ["ToldByHand"]

Many = Collection[Any] | npt.NDArray[Any]
"""One value of each of several predictions; a column of a frame too."""


class ToldByHand:
    """What a watch can be told. Thread-safe and fork-safe.

    Args:
        pipeline: captures and sends it.

    Attributes:
        recorder: where captured rows and labels go.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self.recorder = pipeline.recorder
        self._guard = self.recorder.guard
        self._logging = Observer(self.recorder, CaptureOptions(), _LOGGED)

    def log(
        self, inputs: object, output: object, *, prediction_id: str | Many | None = None
    ) -> None:
        """Capture a prediction that was made elsewhere; for code that cannot be decorated.

        Args:
            inputs: the features of one row or a batch, as a watched function may take them.
            output: the result, as a watched function may return it.
            prediction_id: as for `observe`.
        """
        self.observe(inputs, prediction_id=prediction_id).finish(output)

    def observe(
        self,
        inputs: object,
        *,
        prediction_id: str | Many | None = None,
        sample_rate: float = 1.0,
    ) -> ObservedCall:
        """Begin to capture a prediction that is made elsewhere, before its result is known.

        The inputs are read and checked at once. In a `prediction_scope` the call claims the
        scope's prediction, as a watched function does, and further calls of the same watch in it
        are part of that until it ends. Never raises.

        Args:
            inputs: the features of one row or a batch, as a watched function may take them.
            prediction_id: the id by which its label will be told, or of a batch one id a row.
                Without one, the prediction is told of where it has a scope, or where its id was
                asked for before it is finished.
            sample_rate: where the caller tells of chosen predictions only, by `is_sampled`: the
                share of them.

        Returns:
            What is told of the result; the time until then is the prediction's duration. Inside of
            a watched call of the same watch it captures nothing, as that call does.
        """
        self._pipeline.is_installed = True
        observation = None
        with self._guard:
            observation = self._logging.observe(
                None, (inputs,), {}, ids=prediction_id, sample_rate=sample_rate
            )
            if observation is not None:
                enclose(observation.prediction)
        prediction = observation.prediction if observation is not None else new_prediction()
        return ObservedCall(prediction, self._logging, observation)

    def count(
        self,
        duration_seconds: float | None = None,
        error_type: str = "",
        *,
        dropped: str = "not_sampled",
    ) -> None:
        """Count a prediction whose row is not captured: left out of the sample, or failed early.

        Args:
            duration_seconds: how long it took; None where that is unknown.
            error_type: what went wrong, of a small vocabulary: the exception's type, say; empty
                where it succeeded.
            dropped: why the row of one that succeeded is not captured, of a small vocabulary.
        """
        self._pipeline.is_installed = True
        if self.recorder.plan is None:
            return
        with self._guard:
            self.recorder.count_call(duration_seconds, error_type)
            if not error_type:
                self.recorder.tally.record_dropped(dropped)

    def log_failure(self, error_type: str) -> None:
        """Count a prediction that failed before it could be made, such as an invalid request.

        Args:
            error_type: what went wrong, of a small vocabulary: the exception's type, say.
        """
        self.count(None, error_type)

    def record_label(
        self,
        prediction_id: str,
        label: object,
        *,
        time: dt.datetime | float | None = None,
    ) -> None:
        """Tell what turned out to be true of a prediction, made here or elsewhere, at any time.

        It is sent at the next interval, and joined by the collector with the model's prediction of
        that id. A label that became known later replaces an earlier one. Waits for nothing; of more
        than 65,536 labels in an interval, the last are dropped and counted: labels of many
        predictions are for ``modelwatch labels push``.

        Args:
            prediction_id: its id.
            label: a class (a text, a whole number or a truth value), a number, or None to take a
                label back.
            time: when it became known: a datetime (UTC where it names no zone) or Unix seconds;
                None for now.

        Raises:
            ConfigurationError: where an argument cannot be.
        """
        self._record([checked_label(prediction_id, label, time)])

    def record_labels(
        self, prediction_ids: Many, labels: Many, times: Many | dt.datetime | float | None = None
    ) -> None:
        """Tell what turned out to be true of several predictions: of all, or none if one is wrong.

        Args:
            prediction_ids: their ids: a list, an array or a column of a frame.
            labels: one for each, as for `record_label`. NaN is no label: leave such rows out.
            times: one for each or one for all, likewise.

        Raises:
            ConfigurationError: where an argument cannot be; of several values, it names which.
        """
        self._record(checked_labels(prediction_ids, labels, times))

    def _record(self, labels: Sequence[Label]) -> None:
        recorder = self.recorder
        if recorder.is_closed:
            self._guard.notice("label", "labels are not sent: the watch is off, or was shut down.")
            return
        with self._guard:
            if recorder.labels.add(labels):
                self._guard.notice(
                    "labels",
                    "labels were dropped, as too many wait: push many by modelwatch labels push.",
                )
            recorder.ensure_started()


_LOGGED: Final = FeatureArgument(name="inputs", position=0)
