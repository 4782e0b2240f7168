"""The watch of one model version: decorates functions, captures their calls, sends profiles."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

from modelwatch import settings
from modelwatch.baseline import Baseline
from modelwatch.capture import processes
from modelwatch.capture.declared_inputs import DeclaredInputs
from modelwatch.capture.held_function import HoldsFunction, holds_function, with_function
from modelwatch.capture.options import (
    CaptureOptions,
    OnOutlier,
    SegmentOf,
    default_max_rows_per_second,
    default_sample_rate,
    default_track_predictions,
    validate_watch,
)
from modelwatch.capture.pipeline import Pipeline
from modelwatch.capture.told_by_hand import ToldByHand
from modelwatch.model_fingerprint import Fingerprint
from modelwatch.parameter_checks import flag
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


class Watch(ToldByHand):
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
        track_predictions: whether predictions are sent one by one, to be joined with their labels,
            where somebody can know them by an id: one in an adapter's scope, one whose id was given
            or found in its row, and one whose id was asked for while it was made. Id, time,
            outputs and segment leave the process then; False keeps them in it. Where None,
            ``MODELWATCH_TRACK_PREDICTIONS``.

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
        track_predictions: bool | None = None,
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
            "track_predictions": track_predictions,
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
            track_predictions=(
                default_track_predictions()
                if track_predictions is None
                else flag("track_predictions", track_predictions)
            ),
            enabled=self.enabled,
        )
        super().__init__(self._pipeline)
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
        prediction_id: str | None = None,
        segment: SegmentOf | None = None,
        capture_values: bool | Sequence[Redaction] = False,
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
        prediction_id: str | None = None,
        segment: SegmentOf | None = None,
        capture_values: bool | Sequence[Redaction] = False,
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
                ``MODELWATCH_MAX_ROWS_PER_SECOND``. Rows beyond are not told by an id either.
            on_outlier: ``"tag"`` notes an unusual input on the prediction and its span;
                ``"raise"`` refuses it with `OutlierRejected`; a function is called with the
                `Prediction`, and may raise `OutlierRejected` or return an `Answer`, which is then
                returned in the watched function's place.
            redact: further features of which nothing leaves the process, of this and all other
                functions of the watch.
            prediction_id: the field of a row, the column of a batch or the parameter that holds an
                id that the rows have already, such as an order's: by it labels can be told. It is
                no feature, unless the baseline has it among them. Without it row i of a batch of
                several rows has the id ``<prediction's id>/<i>``.
            segment: of a row, told with its prediction: the field that holds it, or a text that is
                the segment, or a function of the features that returns it (of a batch one, or one a
                row).
            capture_values: whether the features are sent with predictions that are told: all of
                them, or those of some names, with wildcards, and compiled patterns.

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
            prediction_id=prediction_id,
            segment=segment,
            capture_values=capture_values,
        )
        if function is not None:
            return self._wrap(function, options)
        return lambda watched: self._wrap(watched, options)

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


def _restore(token: str, arguments: dict[str, Any]) -> Watch:
    """Return the watch that was pickled, where it lives in this process, else one like it."""
    found = processes.find(token)
    if isinstance(found, Watch):
        return found
    watch = Watch(**arguments)
    watch._token = token
    processes.register(token, watch, watch._pipeline)
    return watch
