"""What is sent when: what changed at once, all of it and our own metrics every minute."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from prometheus_client.core import Metric

from modelwatch.collector.rollouts.made import MadeSuggestion
from modelwatch.collector.showing.options import ShowingOptions
from modelwatch.collector.showing.own_encoding import encode_own
from modelwatch.collector.showing.results_encoding import encode_events, encode_gauges
from modelwatch.collector.showing.results_sender import ResultsSender
from modelwatch.collector.showing.standing import Standing, Standings
from modelwatch.collector.showing.suggestion_encoding import encode_suggestions
from modelwatch.collector.windows import NANOSECONDS
from modelwatch.telemetry.resource import process_resource
from modelwatch.telemetry.transport import TransportOptions, open_transport

__all__ = ["Results"]

SERVICE_NAME = "modelwatch-collector"


class Results:
    """Collects what a round found, and hands it to the sender. One event loop alone uses it.

    Args:
        options: where results are sent, and how often they are repeated.
        clock: Unix nanoseconds.

    Raises:
        ConfigurationError: the endpoint or a variable of OTLP cannot work.
    """

    def __init__(self, options: ShowingOptions, *, clock: Callable[[], int] = time.time_ns) -> None:
        self._options = options
        self._clock = clock
        self._resource = _resource()
        transport = TransportOptions.from_environment(options.results_endpoint)
        self._sender = ResultsSender(open_transport(transport))
        self._changed: dict[tuple[str, str], Standing] = {}
        self._begun: dict[tuple[str, str], Standing] = {}
        self._changes: list[Standing] = []
        self._repeated_ns = 0
        self._started_ns = clock()

    @property
    def outcomes(self) -> Mapping[str, int]:
        """Messages by what became of them."""
        return self._sender.outcomes

    def add(self, standing: Standing) -> None:
        """Take in how a version stands after a window."""
        key = (standing.model, standing.version)
        self._changed[key] = standing
        if standing.joined:
            self._begun[key] = standing
        if standing.changes:
            self._changes.append(standing)

    def suggested(self, made: Sequence[MadeSuggestion]) -> None:
        """Hand over suggestions that were made."""
        events = encode_suggestions(made, resource=self._resource, now_ns=self._clock())
        self._sender.put("logs", events)

    async def send(self, standings: Standings, own: Callable[[], Iterable[Metric]]) -> None:
        """Hand over what this round found; nothing where it found nothing and none is due again.

        Args:
            standings: how all versions stand.
            own: returns the collector's own metrics, where they are due.
        """
        now_ns = self._clock()
        is_due = now_ns - self._repeated_ns >= self._options.repeat_seconds * NANOSECONDS
        told = standings.all() if is_due else list(self._changed.values())
        begun, changes = list(self._begun.values()), self._changes
        self._changed, self._begun, self._changes = {}, {}, []
        if is_due:
            self._repeated_ns = now_ns
            self._sender.put("metrics", self._own(own(), now_ns))
        if told:
            for body in await asyncio.to_thread(self._gauges, told, now_ns):
                self._sender.put("metrics", body)
        if begun or changes:
            events = encode_events(begun, changes, resource=self._resource, now_ns=now_ns)
            self._sender.put("logs", events)

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until ``stop`` is set."""
        await self._sender.run(stop)

    def _own(self, families: Iterable[Metric], now_ns: int) -> bytes:
        return encode_own(
            families, resource=self._resource, start_ns=self._started_ns, now_ns=now_ns
        )

    def _gauges(self, told: list[Standing], now_ns: int) -> list[bytes]:
        return list(
            encode_gauges(
                told,
                resource=self._resource,
                now_ns=now_ns,
                most_features=self._options.most_features,
            )
        )


def _resource() -> Mapping[str, str | int | float | bool]:
    """Return what the sender is: the collector, where the environment names no service."""
    resource = process_resource()
    if str(resource.get("service.name", "unknown_service")).startswith("unknown_service"):
        resource["service.name"] = SERVICE_NAME
    return resource
