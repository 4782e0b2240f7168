"""The wire: profiles to OTLP and back, in plain metrics that any backend can plot.

The names are in `modelwatch.telemetry.names`.
"""

from __future__ import annotations

from modelwatch.telemetry.wire.decoding import decode_logs, decode_metrics
from modelwatch.telemetry.wire.encoding import SelfMetrics, Temporality, encode_metrics
from modelwatch.telemetry.wire.events import Event, encode_events
from modelwatch.telemetry.wire.log_encoding import encode_logs
from modelwatch.telemetry.wire.points import Decoded, Point, Window, assemble

__all__ = [
    "Decoded",
    "Event",
    "Point",
    "SelfMetrics",
    "Temporality",
    "Window",
    "assemble",
    "decode_logs",
    "decode_metrics",
    "encode_events",
    "encode_logs",
    "encode_metrics",
]
