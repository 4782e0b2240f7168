"""The collector's options."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from modelwatch.collector.alerting.options import AlertingOptions
from modelwatch.collector.outcomes.horizon import (
    LONGEST_HORIZON_SECONDS,
    SHORTEST_HORIZON_SECONDS,
)
from modelwatch.collector.receiving.options import ReceivingOptions
from modelwatch.collector.security.options import SecurityOptions
from modelwatch.collector.showing.options import ShowingOptions
from modelwatch.collector.storing.retention import Retention
from modelwatch.collector.trace_links import NO_LINKS, TraceLinks
from modelwatch.collector.windows import LONGEST_WINDOW_SECONDS
from modelwatch.errors import ConfigurationError
from modelwatch.persistence import Persistence

__all__ = ["CollectorOptions"]

_MEBIBYTE = 1_048_576


@dataclass(frozen=True, kw_only=True)
class CollectorOptions:
    """How a collector runs. Checked when it is made.

    Attributes:
        store_path: the SQLite file; it and its folder are made where they are absent.
        host: address that both servers listen on. Anything but loopback needs a token in the
            store, or ``insecure``.
        otlp_http_port: port of the OTLP/HTTP receiver; 0 takes a free one.
        api_port: port of the API and the pages; 0 takes a free one.
        window_seconds: length of the windows that are evaluated by themselves, 1 second to 366
            days; they are aligned to the Unix epoch.
        persistence: in how many of the last such windows a finding must hold to be called
            persistent.
        evaluation_interval_seconds: time between two looks for finished windows. What depends on
            the clock alone, such as alerts of silence, is looked at every minute at least.
        lateness_seconds: how long after its end a window is still waited for. Data that comes
            later makes its window be evaluated again.
        max_body_bytes: most bytes of a request's body as sent; more is answered with 413.
        max_decompressed_bytes: most bytes of a body decompressed; more is answered with 413.
        max_requests: exports handled at the same time; more are answered with 503.
        max_reading: bodies of exports read at the same time; more are answered with 503.
        body_timeout_seconds: how long a request's body may take to arrive; one that takes longer
            is answered with 408.
        write_queue_size: writes that may wait for the store; more are answered with 503.
        lock_seconds: how long a write waits where another program holds the store's lock; after
            that it is answered with 503.
        dedupe_seconds: how long it is remembered that a point was stored. What a client sends
            again later than that counts twice.
        label_horizon_seconds: how long after a prediction its label is waited for, 60 seconds to
            366 days; goes before ``[labels]`` of the configuration file.
        retention: how long what is stored is kept, and how large the file may grow.
        security: TLS, and by which names the servers may be called.
        insecure: allows a host other than loopback without a token: who can reach the ports can
            read and write everything. Where there are tokens, they are asked for all the same.
        alerting: what is an alert, and who is told.
        showing: what other programs are shown of the results, and where they are sent.
        receiving: OTLP/gRPC, limits of names and times, and where all is sent on to.
        trace_links: where traces are looked at, for links in pages and notices.

    Raises:
        ConfigurationError: an option has a value that cannot work.
    """

    store_path: str | Path
    host: str = "127.0.0.1"
    otlp_http_port: int = 4318
    api_port: int = 4319
    window_seconds: int = 3_600
    persistence: Persistence = field(default_factory=Persistence)
    evaluation_interval_seconds: float = 60.0
    lateness_seconds: float = 5.0
    max_body_bytes: int = 4 * _MEBIBYTE
    max_decompressed_bytes: int = 32 * _MEBIBYTE
    max_requests: int = 128
    max_reading: int = 1_024
    body_timeout_seconds: float = 10.0
    write_queue_size: int = 1_024
    lock_seconds: float = 5.0
    dedupe_seconds: int = 86_400
    label_horizon_seconds: int | None = None
    retention: Retention = field(default_factory=Retention)
    security: SecurityOptions = field(default_factory=SecurityOptions)
    insecure: bool = False
    alerting: AlertingOptions = field(default_factory=AlertingOptions)
    showing: ShowingOptions = field(default_factory=ShowingOptions)
    receiving: ReceivingOptions = field(default_factory=ReceivingOptions)
    trace_links: TraceLinks = NO_LINKS

    def __post_init__(self) -> None:
        for name in ("otlp_http_port", "api_port"):
            _in_range(name, getattr(self, name), 0, 65_535)
        _in_range("window_seconds", self.window_seconds, 1, LONGEST_WINDOW_SECONDS)
        _in_range("evaluation_interval_seconds", self.evaluation_interval_seconds, 0.05, 86_400)
        _in_range("lateness_seconds", self.lateness_seconds, 0, 86_400)
        _in_range("max_body_bytes", self.max_body_bytes, 1_024, 1_024 * _MEBIBYTE)
        _in_range("max_decompressed_bytes", self.max_decompressed_bytes, 1_024, 1_024 * _MEBIBYTE)
        _in_range("max_requests", self.max_requests, 1, 100_000)
        _in_range("max_reading", self.max_reading, 1, 100_000)
        _in_range("body_timeout_seconds", self.body_timeout_seconds, 0.05, 3_600)
        _in_range("write_queue_size", self.write_queue_size, 1, 1_000_000)
        _in_range("lock_seconds", self.lock_seconds, 0.0, 60.0)
        if self.label_horizon_seconds is not None:
            _in_range(
                "label_horizon_seconds",
                self.label_horizon_seconds,
                SHORTEST_HORIZON_SECONDS,
                LONGEST_HORIZON_SECONDS,
            )
        _in_range("dedupe_seconds", self.dedupe_seconds, 60, 366 * 86_400)


def _in_range(name: str, value: float, lowest: float, highest: float) -> None:
    if not lowest <= value <= highest:
        raise ConfigurationError(f"{name} is {value}: give {lowest} to {highest}.")
