from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import StatusCode

import modelwatch as mw
from modelwatch.capture.spans import tracing_provider
from tests.watched import MakeWatch, Watched

Row = dict[str, Any]


class Traced:
    """A tracer provider whose spans can be looked at."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracer = self.provider.get_tracer("test")

    def spans(self) -> dict[str, ReadableSpan]:
        """Return the finished spans by name."""
        return {span.name: span for span in self.exporter.get_finished_spans()}


@pytest.fixture
def traced() -> Iterator[Traced]:
    """Spans that can be looked at."""
    found = Traced()
    yield found
    found.provider.shutdown()


@pytest.fixture
def watched(make_watch: MakeWatch, traced: Traced) -> Watched:
    """A watch that makes spans."""
    return make_watch(tracer_provider=traced.provider)


def test_a_prediction_has_a_span_below_the_request(
    watched: Watched, traced: Traced, row: Row
) -> None:
    """The prediction's span is a child of the current one, and is current while the model works."""
    ids = []

    @watched.watch
    def predict(features: Row) -> float:
        prediction = mw.current_prediction()
        assert prediction is not None
        ids.append(prediction.id)
        with traced.tracer.start_as_current_span("inside"):
            return 0.5

    for _ in range(2):  # the first call starts the threads, the others need not
        traced.exporter.clear()
        with traced.tracer.start_as_current_span("request"):
            predict(row)
        spans = traced.spans()
        request, made, inside = spans["request"], spans["predict m"], spans["inside"]
        assert made.parent is not None
        assert inside.parent is not None
        assert made.parent.span_id == context_of(request).span_id
        assert inside.parent.span_id == context_of(made).span_id
        assert dict(made.attributes or {}) == {
            "modelwatch.model.name": "m",
            "modelwatch.model.version": "1",
            "modelwatch.prediction.id": ids[-1],
        }
    assert watched.profile().rows == 2


def test_outliers_are_on_the_span_and_in_an_event_of_its_trace(
    watched: Watched, traced: Traced, row: Row
) -> None:
    """Features and rules are told, values are not; the event is found by the span's ids."""
    watched.watch(score)(row | {"amount": 1e9, "city": "Rome"})
    span = traced.spans()["predict m"]
    attributes = dict(span.attributes or {})
    assert attributes["modelwatch.outlier.features"] == ("amount", "city")
    assert attributes["modelwatch.outlier.rules"] == ("range", "unseen_category")
    (event,), dropped = watched.watch.recorder.events.take()
    assert not dropped
    context = context_of(span)
    assert (event.trace_id, event.span_id) == (context.trace_id, context.span_id)
    assert event.attributes["modelwatch.prediction.id"] == attributes["modelwatch.prediction.id"]
    assert event.attributes["modelwatch.outlier.features"] == ["amount", "city"]
    assert "Rome" not in repr(event)


def test_a_redacted_feature_is_not_named_on_a_span(
    make_watch: MakeWatch, traced: Traced, row: Row
) -> None:
    """Of a feature that is held back, its being an outlier is not told either."""
    watched = make_watch(tracer_provider=traced.provider, redact=["ci*"])
    watched.watch(score)(row | {"amount": 1e9, "city": "Rome"})
    attributes = dict(traced.spans()["predict m"].attributes or {})
    assert attributes["modelwatch.outlier.features"] == ("amount",)
    assert attributes["modelwatch.outlier.rules"] == ("range",)


def test_a_failed_prediction_has_a_failed_span(watched: Watched, traced: Traced, row: Row) -> None:
    """The span of a call that raised says so, with the exception's type."""

    @watched.watch
    def predict(features: Row) -> float:
        raise LookupError

    with pytest.raises(LookupError):
        predict(row)
    span = traced.spans()["predict m"]
    assert span.status.status_code is StatusCode.ERROR
    assert dict(span.attributes or {})["error.type"] == "LookupError"
    assert trace.get_current_span() is trace.INVALID_SPAN


async def test_async_calls_have_spans(watched: Watched, traced: Traced, row: Row) -> None:
    """An awaited prediction has its span as a plain one has."""

    @watched.watch
    async def predict(features: Row) -> float:
        return 0.5

    with traced.tracer.start_as_current_span("request"):
        await predict(row)
    spans = traced.spans()
    assert spans["predict m"].parent is not None
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_a_stream_is_one_span_and_current_only_while_it_runs(
    watched: Watched, traced: Traced, row: Row
) -> None:
    """What a consumer does between two items is no part of the prediction's span."""

    @watched.watch
    def predict(features: Row) -> Iterator[float]:
        with traced.tracer.start_as_current_span("inside"):
            pass
        yield 0.25
        yield 0.75

    for _ in predict(row):
        with traced.tracer.start_as_current_span("outside"):
            pass
    spans = traced.spans()
    assert spans["inside"].parent is not None
    assert spans["inside"].parent.span_id == context_of(spans["predict m"]).span_id
    assert spans["outside"].parent is None


def test_nobody_traces_by_default(watched: Watched, row: Row) -> None:
    """Without a tracer provider of the application there are no spans."""
    assert tracing_provider(None) is None
    assert tracing_provider(trace.NoOpTracerProvider()) is None


def test_sampled_out_spans_change_nothing(make_watch: MakeWatch, row: Row) -> None:
    """Rows are captured alike where the user's sampler drops all spans."""
    watched = make_watch(tracer_provider=TracerProvider(sampler=ALWAYS_OFF))
    watched.watch(score)(row)
    assert watched.profile().rows == 1


def test_a_tracer_that_fails_changes_nothing(make_watch: MakeWatch, row: Row) -> None:
    """A fault of the tracer is swallowed, and the row is captured."""

    class Broken(TracerProvider):
        def get_tracer(self, *_: Any, **__: Any) -> Any:
            raise RuntimeError("no tracer")

    watched = make_watch(tracer_provider=Broken())
    assert watched.watch(score)(row) == 0.5
    assert watched.profile().rows == 1


def context_of(span: ReadableSpan) -> trace.SpanContext:
    """Return a span's ids."""
    context = span.get_span_context()
    assert context is not None
    return context


def score(features: Row) -> float:
    """Return a score."""
    return 0.5
