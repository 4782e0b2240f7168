"""The watch of one model version: decorates functions, captures their calls, sends profiles."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

from modelwatch import settings
from modelwatch.baseline import Baseline
from modelwatch.capture import processes
from modelwatch.capture.arguments import FeatureArgument
from modelwatch.capture.declared_inputs import DeclaredInputs
from modelwatch.capture.held_function import HoldsFunction, holds_function, with_function
from modelwatch.capture.observed_call import ObservedCall
from modelwatch.capture.observer import Observer
from modelwatch.capture.options import (
    CaptureOptions,
    OnOutlier,
    default_max_rows_per_second,
    default_sample_rate,
    validate_watch,
)
from modelwatch.capture.pipeline import Pipeline
from modelwatch.capture.prediction import enclose, new_prediction
from modelwatch.model_fingerprint import Fingerprint
from modelwatch.telemetry.privacy import Privacy, Redaction
from modelwatch.telemetry.transport import Transport

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

__all__ = ["Watch"]

DEFAULT_BUFFER_ROWS: Final = 16_384

_Watched = TypeVar(
    "_Watched",
    bound=(
        "Callable[..., Any] | classmethod[Any, ..., Any] | staticmethod[..., Any] | HoldsFunction"
    ),
)


class Watch:
    """Watches one version of one model.

    Used as a decorator, plain or with options::

        watch = Watch("churn", version="3", baseline="churn.baseline.json")

        @watch
        def predict(features): ...

        @watch(inputs="features", sample_rate=0.1, on_outlier="raise")
        async def predict_async(client, features): ...

    A fault of modelwatch, a slow collector or one that is down never changes or fails a
    prediction. Memory is bounded: rows that do not fit the buffer are dropped and counted.
    Thread-safe and fork-safe. With ``MODELWATCH_ENABLED=false`` or ``OTEL_SDK_DISABLED=true``
    functions stay as they are and nothing is captured.

    Args:
        model: the model's name.
        version: its version.
        baseline: what it was trained on: a `Baseline`, its file, or the URL of a collector that
            keeps it. A collector is asked in a thread of its own, for which construction waits
            half a second at most, and again at each interval. While it has none, rows are
            captured without a baseline; when it has another, later rows are captured with that
            one. None to capture without one.
        collector: URL of the collector that steers the watch (see ``modelwatch capture``), asked at
            each interval likewise; where None, the one that keeps the baseline, if one does.
        feature_names: names of the features in arrays, sequences and tensors, in their order; where
            None, those of the baseline in its order. With a baseline, the same names.
        extractors: features that are texts, images, embeddings or the like, by the name of the
            extractor that describes them in numbers, as in ``{"review": "text"}``: their values
            are neither kept nor sent (see `modelwatch.extractors`). A baseline brings its own.
        endpoint: base address of the OTLP receiver, in place of the environment's; what is spoken
            there, ``OTEL_EXPORTER_OTLP_PROTOCOL`` says.
        export_interval_seconds: between two exports; ``OTEL_METRIC_EXPORT_INTERVAL`` where None.
        buffer_rows: captured rows that may wait to be summarised; of 30 features, a row takes
            0.5 kB, one with an outlier 1 kB.
        redact: names of features of which nothing leaves the process, with wildcards, and compiled
            patterns, which redact categories too: see `modelwatch.telemetry.privacy.Privacy`.
        hash_categories: whether categories leave the process as hashes.
        fingerprint: of the model that is served, by `modelwatch.fingerprint`, or the name of its
            file, which is hashed in a thread of its own. Where the baseline has another, that is
            logged once and told to the collector.
        transport: what delivers messages, in place of HTTP or gRPC.
        tracer_provider: makes the spans of predictions; where None, the global one of
            OpenTelemetry, once the application has set it. Without either there are no spans.

    Raises:
        ConfigurationError: where an argument or environment variable cannot work, or the baseline
            is of another model or version.
        FormatError: where the baseline's file is absent or damaged.
    """

    def __init__(
        self,
        model: str,
        *,
        version: str,
        baseline: str | os.PathLike[str] | Baseline | None = None,
        collector: str | None = None,
        feature_names: Sequence[str] | None = None,
        extractors: Mapping[str, str] | None = None,
        endpoint: str | None = None,
        export_interval_seconds: float | None = None,
        buffer_rows: int = DEFAULT_BUFFER_ROWS,
        redact: Sequence[Redaction] = (),
        hash_categories: bool = False,
        fingerprint: Fingerprint | str | os.PathLike[str] | None = None,
        transport: Transport | None = None,
        tracer_provider: TracerProvider | None = None,
    ) -> None:
        validate_watch(model, version, buffer_rows)
        self._arguments: dict[str, Any] = {
            "model": model,
            "version": version,
            "baseline": baseline,
            "collector": collector,
            "feature_names": feature_names,
            "extractors": extractors,
            "endpoint": endpoint,
            "export_interval_seconds": export_interval_seconds,
            "buffer_rows": buffer_rows,
            "redact": redact,
            "hash_categories": hash_categories,
            "fingerprint": fingerprint,
            "transport": transport,
            "tracer_provider": tracer_provider,
        }
        self._token = uuid.uuid4().hex
        self.model = model
        self.version = version
        self.enabled = settings.read_boolean("MODELWATCH_ENABLED") and not settings.read_boolean(
            "OTEL_SDK_DISABLED"
        )
        self._pipeline = Pipeline(
            model,
            version,
            baseline=baseline,
            collector=collector,
            declared=DeclaredInputs.checked(feature_names, extractors),
            buffer_rows=buffer_rows,
            endpoint=endpoint,
            export_interval_seconds=export_interval_seconds,
            privacy=Privacy(redact=redact, hash_categories=hash_categories),
            fingerprint=fingerprint,
            transport=transport,
            tracer_provider=tracer_provider,
            enabled=self.enabled,
        )
        self.recorder = self._pipeline.recorder
        self._guard = self.recorder.guard
        self._logging = Observer(self.recorder, CaptureOptions(), _LOGGED)
        if self.enabled:
            processes.register(self._token, self, self._pipeline)
            self._pipeline.begin()

    @property
    def baseline(self) -> Baseline | None:
        """The baseline in use; None while none is known."""
        return self.recorder.last_plan.baseline

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The features as callers give them; empty where neither baseline nor names are given."""
        reader = self.recorder.last_plan.reader
        is_known = self.baseline is not None or self._arguments["feature_names"] is not None
        return reader.given_names if is_known else ()

    @property
    def rows_captured(self) -> int:
        """Rows of this process that were summarised so far; those still waiting come later."""
        return self.recorder.folder.rows_captured

    @overload
    def __call__(self, function: _Watched, /) -> _Watched: ...

    @overload
    def __call__(
        self,
        function: None = None,
        /,
        *,
        inputs: str | None = None,
        sample_rate: float | None = None,
        max_rows_per_second: float | None = None,
        on_outlier: OnOutlier = "tag",
        redact: Sequence[Redaction] = (),
    ) -> Callable[[_Watched], _Watched]: ...

    def __call__(
        self,
        function: Any = None,
        /,
        *,
        inputs: str | None = None,
        sample_rate: float | None = None,
        max_rows_per_second: float | None = None,
        on_outlier: OnOutlier = "tag",
        redact: Sequence[Redaction] = (),
    ) -> Any:
        """Return the function, watched; with options, return what does so.

        Args:
            function: a plain, async, generator or async generator function, a method of any kind,
                a callable object, or what holds a function as ``func`` and is not called itself,
                such as a ``partialmethod`` or an API method of BentoML.
            inputs: the parameter that holds the features; looked for where None.
            sample_rate: share of predictions whose rows are captured, in [0, 1]. Calls, errors and
                latency are counted for all, and all are checked where `on_outlier` is not
                ``"tag"``. Where None, ``MODELWATCH_SAMPLE_RATE``.
            max_rows_per_second: rows captured a second, on average; where None,
                ``MODELWATCH_MAX_ROWS_PER_SECOND``.
            on_outlier: ``"tag"`` notes an unusual input on the prediction and its span;
                ``"raise"`` refuses it with `OutlierRejected`; a function is called with the
                `Prediction`, and may raise `OutlierRejected` or return an `Answer`, which is then
                returned in the watched function's place.
            redact: further features of which nothing leaves the process, of this and all other
                functions of the watch.

        Raises:
            ConfigurationError: where an option cannot work, or it is not clear which parameter
                holds the features.
        """
        self._pipeline.privacy = self._pipeline.privacy.also(redact)
        options = CaptureOptions(
            inputs=inputs,
            sample_rate=default_sample_rate() if sample_rate is None else sample_rate,
            max_rows_per_second=(
                default_max_rows_per_second()
                if max_rows_per_second is None
                else max_rows_per_second
            ),
            on_outlier=on_outlier,
        )
        if function is not None:
            return self._wrap(function, options)
        return lambda watched: self._wrap(watched, options)

    def log(self, inputs: object, output: object) -> None:
        """Capture a prediction that was made elsewhere; for code that cannot be decorated.

        Args:
            inputs: the features of one row or a batch, as a watched function may take them.
            output: the result, as a watched function may return it.
        """
        self.observe(inputs).finish(output)

    def observe(self, inputs: object) -> ObservedCall:
        """Begin to capture a prediction that is made elsewhere, before its result is known.

        The inputs are read and checked at once. In a `prediction_scope` the call claims the
        scope's prediction, as a watched function does, and further calls of the same watch in it
        are part of that until it ends. Never raises.

        Args:
            inputs: the features of one row or a batch, as a watched function may take them.

        Returns:
            What is told of the result; the time until then is the prediction's duration. Inside of
            a watched call of the same watch it captures nothing, as that call does.
        """
        self._pipeline.is_installed = True
        observation = None
        with self._guard:
            observation = self._logging.observe(None, (inputs,), {})
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

    def flush(self, timeout_seconds: float = 5.0) -> bool:
        """Summarise and send all that was captured; True where it was delivered in time.

        False where something still waits, or where the receiver refused something meanwhile.
        """
        return self._pipeline.flush(timeout_seconds) if self.enabled else True

    def shutdown(self, timeout_seconds: float = 5.0) -> bool:
        """Send all that was captured and capture no more; True as for `flush`.

        Watched functions go on as plain functions. A second call does nothing.
        """
        return self._pipeline.shutdown(timeout_seconds) if self.enabled else True

    def __reduce__(self) -> tuple[Callable[..., Watch], tuple[str, dict[str, Any]]]:
        return _restore, (self._token, self._arguments)

    def __copy__(self) -> Watch:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Watch:
        return self

    def __repr__(self) -> str:
        return f"<Watch {self.model} {self.version}: {self.rows_captured} rows captured>"

    def _wrap(self, function: Any, options: CaptureOptions) -> Any:
        self._pipeline.is_installed = True
        if not self.enabled:
            return function
        # wrapt brings asyncio with it: who observes calls, and decorates nothing, needs neither.
        from modelwatch.capture.decorator import watch_function

        if holds_function(function):
            return with_function(function, watch_function(function.func, self, options))
        return watch_function(function, self, options)


_LOGGED: Final = FeatureArgument(name="inputs", position=0)


def _restore(token: str, arguments: dict[str, Any]) -> Watch:
    """Return the watch that was pickled, where it lives in this process, else one like it."""
    found = processes.find(token)
    if isinstance(found, Watch):
        return found
    watch = Watch(**arguments)
    watch._token = token
    processes.register(token, watch, watch._pipeline)
    return watch
