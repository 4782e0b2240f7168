"""The wire: profiles to OTLP and back, in plain metrics that any backend can plot.

The names are in `modelwatch.telemetry.names`.
"""

from __future__ import annotations

from modelwatch.telemetry.wire.arrivals import (
    Arrival,
    Decoded,
    Other,
    Series,
    SeriesSet,
    Window,
)
from modelwatch.telemetry.wire.assembling import fold_other, fold_series, to_profile
from modelwatch.telemetry.wire.decoding import decode_logs, decode_metrics
from modelwatch.telemetry.wire.encoding import SelfMetrics, Temporality, encode_metrics
from modelwatch.telemetry.wire.events import Event, encode_events
from modelwatch.telemetry.wire.log_encoding import encode_logs
from modelwatch.telemetry.wire.points import Point, assemble

__all__ = [
    "Arrival",
    "Decoded",
    "Event",
    "Other",
    "Point",
    "SelfMetrics",
    "Series",
    "SeriesSet",
    "Temporality",
    "Window",
    "assemble",
    "decode_logs",
    "decode_metrics",
    "encode_events",
    "encode_logs",
    "encode_metrics",
    "fold_other",
    "fold_series",
    "to_profile",
]
