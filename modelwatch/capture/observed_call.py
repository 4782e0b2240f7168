"""A prediction that is told of step by step, by code that cannot be decorated."""

from __future__ import annotations

from modelwatch.capture.observation import Observation
from modelwatch.capture.observer import Observer
from modelwatch.capture.prediction import Prediction

__all__ = ["ObservedCall"]


class ObservedCall:
    """One prediction between its begin and its end, as `Watch.observe` returns it.

    Exactly one of `finish` and `fail` is called; a further call does nothing. Neither raises.
    For one thread at a time.

    Attributes:
        prediction: its id, and the outliers among its inputs. Where the id is asked for before
            `finish`, the prediction is told of by it, for its label to come.
    """

    __slots__ = ("_observation", "_observer", "prediction")

    def __init__(
        self, prediction: Prediction, observer: Observer, observation: Observation | None
    ) -> None:
        self.prediction = prediction
        self._observer = observer
        self._observation = observation

    def finish(self, output: object) -> None:
        """Capture the inputs with what the model answered, and count the call."""
        observation, self._observation = self._observation, None
        if observation is not None:
            self._observer.finish(observation, output)

    def fail(self, error_type: str) -> None:
        """Count the call as failed; its inputs are captured without an answer.

        Args:
            error_type: what went wrong, of a small vocabulary: the exception's type, say.
        """
        observation, self._observation = self._observation, None
        if observation is not None:
            self._observer.finish_failed(observation, error_type)
