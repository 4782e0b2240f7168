"""Spans of predictions, made by the user's own tracer provider.

``modelwatch.capture`` asks for a span only where someone traces, and never depends on one.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import Token
from typing import Final

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, Tracer, TracerProvider

from modelwatch.capture.prediction import Prediction, identified
from modelwatch.telemetry import names

__all__ = ["PredictionSpan", "current_span_ids", "tracer_of", "tracing_provider"]

_FIRST_CHARACTERS: Final = 200


def tracing_provider(given: TracerProvider | None) -> TracerProvider | None:
    """Return the tracer provider in use; None where nobody traces.

    Args:
        given: the user's; where None, the global one, once the application has set it.
    """
    provider = trace.get_tracer_provider() if given is None else given
    idle = (trace.ProxyTracerProvider, trace.NoOpTracerProvider)
    return None if isinstance(provider, idle) else provider


def tracer_of(provider: TracerProvider) -> Tracer:
    """Return what makes our spans."""
    return provider.get_tracer(names.SCOPE)


class PredictionSpan:
    """The span of one prediction, a child of the span that is current when it begins.

    Not thread-safe.

    Args:
        tracer: makes the span.
        prediction: what it tells of.
        model: the model's name.
        version: its version.
        outliers: feature name to rule, of those that may be told of.

    Attributes:
        is_sampled: whether the span is recorded and sampled, so that its trace can be found.
    """

    __slots__ = ("_span", "_token", "is_sampled")

    def __init__(
        self,
        tracer: Tracer,
        prediction: Prediction,
        model: str,
        version: str,
        outliers: Mapping[str, str],
    ) -> None:
        self._span = tracer.start_span(
            f"predict {model}"[:_FIRST_CHARACTERS],
            kind=SpanKind.INTERNAL,
            attributes={names.MODEL_NAME: model, names.MODEL_VERSION: version},
        )
        self._token: Token[Context] | None = None
        is_recording = self._span.is_recording()
        self.is_sampled = is_recording and self._span.get_span_context().trace_flags.sampled
        if not is_recording:
            return
        self._span.set_attribute(names.PREDICTION_ID, identified(prediction))
        if outliers:
            self._span.set_attribute(names.OUTLIER_FEATURES, list(outliers))
            self._span.set_attribute(names.OUTLIER_RULES, list(outliers.values()))

    @property
    def ids(self) -> tuple[int, int, int]:
        """Trace id, span id and trace flags."""
        return _ids(self._span.get_span_context())

    def enter(self) -> None:
        """Make it the current span."""
        self._token = otel_context.attach(trace.set_span_in_context(self._span))

    def leave(self) -> None:
        """Restore the span that was current before, if that was not done yet."""
        token, self._token = self._token, None
        if token is not None:
            otel_context.detach(token)

    def end(self, error_type: str = "") -> None:
        """End it; as failed, where an error has a type."""
        if error_type and self._span.is_recording():
            self._span.set_attribute(names.ERROR_TYPE, error_type)
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()


def current_span_ids() -> tuple[int, int, int]:
    """Return trace id, span id and trace flags of the current span; zeros where there is none."""
    return _ids(trace.get_current_span().get_span_context())


def _ids(context: SpanContext) -> tuple[int, int, int]:
    return context.trace_id, context.span_id, int(context.trace_flags)
