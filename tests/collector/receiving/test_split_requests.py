"""Collectors between a sender and ours cut requests apart and join them as they like."""

from __future__ import annotations

import random
from collections.abc import Iterator

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from tests import plain_http
from tests.collector.conftest import Start, Traffic


def single_points(body: bytes) -> Iterator[bytes]:
    """Yield a request for each point, as a batch processor of size 1 would make them."""
    request = ExportMetricsServiceRequest.FromString(body)
    for of_resource in request.resource_metrics:
        for of_scope in of_resource.scope_metrics:
            for metric in of_scope.metrics:
                kind = str(metric.WhichOneof("data"))
                for point in getattr(metric, kind).data_points:
                    part = ExportMetricsServiceRequest()
                    resource = part.resource_metrics.add(resource=of_resource.resource)
                    scope = resource.scope_metrics.add(scope=of_scope.scope)
                    only = scope.metrics.add()
                    only.CopyFrom(metric)
                    points = getattr(only, kind).data_points
                    del points[:]
                    points.append(point)
                    yield part.SerializeToString()


def test_points_count_once_however_they_are_cut_and_joined(start: Start, traffic: Traffic) -> None:
    """Points of two senders come one by one, in any order, then joined in pairs, then whole."""
    running = start()
    bodies = [traffic.body(traffic.profile(instance=instance, rows=50)) for instance in "ab"]
    parts = [part for body in bodies for part in single_points(body)]
    random.Random(1).shuffle(parts)
    pairs = [first + second for first, second in zip(parts[::2], parts[1::2], strict=True)]
    for body in (*parts, *pairs, *bodies):
        assert running.post(body).status_code == 200
    told = running.received()
    assert told["points"] == len(parts)
    assert told["duplicates"] == 2 * len(parts)
    assert told["rejected"] == 0
    (model,) = plain_http.get(f"{running.api}/api/v1/models").json()["models"]
    assert model["versions"][0]["rows"] == 100
