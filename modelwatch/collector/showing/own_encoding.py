"""The collector's own metrics as OTLP. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Final

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.metrics.v1 import metrics_pb2 as otlp
from prometheus_client.core import Metric
from prometheus_client.samples import Sample

from modelwatch import __version__
from modelwatch.telemetry import names
from modelwatch.telemetry.wire.attributes import Scalar, key_values, resource_message

__all__ = ["encode_own"]

_UNITS: Final[Mapping[str, str]] = {"_seconds": "s", "_bytes": "By"}
_ATTRIBUTES: Final[Mapping[str, str]] = {
    "model": names.MODEL_NAME,
    "version": names.MODEL_VERSION,
}
_CUMULATIVE: Final = otlp.AGGREGATION_TEMPORALITY_CUMULATIVE


def encode_own(
    families: Iterable[Metric], *, resource: Mapping[str, Scalar], start_ns: int, now_ns: int
) -> bytes:
    """Return an ``ExportMetricsServiceRequest``, serialised, with metrics of the collector.

    Names follow OpenTelemetry's conventions: ``modelwatch_collector_commit_seconds`` is
    ``modelwatch.collector.commit`` in ``s`` there, which a Prometheus that takes OTLP calls as
    `/metrics` does.

    Args:
        families: counters, gauges and histograms; others are left out.
        resource: what the sender is.
        start_ns: since when is counted, Unix nanoseconds.
        now_ns: the time of the points, Unix nanoseconds.
    """
    request = ExportMetricsServiceRequest()
    scope = request.resource_metrics.add(resource=resource_message(resource)).scope_metrics.add(
        scope=InstrumentationScope(name=names.SCOPE, version=__version__)
    )
    since, until = start_ns, now_ns
    for family in families:
        metric = _named(family)
        if family.type == "counter":
            metric.sum.aggregation_temporality = _CUMULATIVE
            metric.sum.is_monotonic = True
            metric.sum.data_points.extend(_numbers(family, since, until))
        elif family.type == "gauge":
            metric.gauge.data_points.extend(_numbers(family, 0, until))
        elif family.type == "histogram":
            metric.histogram.aggregation_temporality = _CUMULATIVE
            metric.histogram.data_points.append(_histogram(family, since, until))
        if metric.WhichOneof("data") is not None:
            scope.metrics.append(metric)
    return request.SerializeToString()


def _named(family: Metric) -> otlp.Metric:
    name, unit = family.name, "1"
    for suffix, its_unit in _UNITS.items():
        if name.endswith(suffix):
            name, unit = name.removesuffix(suffix), its_unit
    for prefix in ("modelwatch_collector_", "modelwatch_"):
        if name.startswith(prefix):
            name = prefix.replace("_", ".") + name.removeprefix(prefix)
    return otlp.Metric(name=name, description=family.documentation, unit=unit)


def _numbers(family: Metric, since_ns: int, until_ns: int) -> Iterator[otlp.NumberDataPoint]:
    for sample in family.samples:
        if not sample.name.endswith("_created"):
            yield otlp.NumberDataPoint(
                start_time_unix_nano=since_ns,
                time_unix_nano=until_ns,
                as_double=sample.value,
                attributes=key_values(_attributes(sample)),
            )


def _histogram(family: Metric, since_ns: int, until_ns: int) -> otlp.HistogramDataPoint:
    """Return the only series of a histogram, whose buckets Prometheus adds up."""
    buckets = [(s.labels["le"], int(s.value)) for s in family.samples if s.name.endswith("_bucket")]
    totals = [0, *(total for _, total in buckets)]
    seconds = sum(sample.value for sample in family.samples if sample.name.endswith("_sum"))
    return otlp.HistogramDataPoint(
        start_time_unix_nano=since_ns,
        time_unix_nano=until_ns,
        count=totals[-1],
        sum=seconds,
        explicit_bounds=[float(bound) for bound, _ in buckets[:-1]],
        bucket_counts=[after - before for before, after in pairwise(totals)],
    )


def _attributes(sample: Sample) -> Mapping[str, str]:
    return {_ATTRIBUTES.get(label, label): value for label, value in sample.labels.items()}
