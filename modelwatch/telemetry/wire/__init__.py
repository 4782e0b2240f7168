"""The wire: profiles to OTLP and back, in plain metrics that any backend can plot.

The names are in `modelwatch.telemetry.names`. What the package exports is loaded when it is first
asked for, as a service needs the half that sends, and a collector the one that receives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelwatch.lazy import loading

if TYPE_CHECKING:
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
    from modelwatch.telemetry.wire.outcome_events import (
        OUTCOME_EVENTS,
        label_events,
        prediction_events,
    )
    from modelwatch.telemetry.wire.outcome_reading import labels_of, predictions_of
    from modelwatch.telemetry.wire.outcomes import LabelRows, PredictionRows

__all__ = [
    "OUTCOME_EVENTS",
    "Arrival",
    "Decoded",
    "Event",
    "LabelRows",
    "Other",
    "PredictionRows",
    "SelfMetrics",
    "Series",
    "SeriesSet",
    "Temporality",
    "Window",
    "decode_logs",
    "decode_metrics",
    "encode_events",
    "encode_logs",
    "encode_metrics",
    "fold_other",
    "fold_series",
    "label_events",
    "labels_of",
    "prediction_events",
    "predictions_of",
    "to_profile",
]

_HOMES = {
    "OUTCOME_EVENTS": "outcome_events",
    "Arrival": "arrivals",
    "Decoded": "arrivals",
    "Event": "events",
    "LabelRows": "outcomes",
    "Other": "arrivals",
    "PredictionRows": "outcomes",
    "SelfMetrics": "encoding",
    "Series": "arrivals",
    "SeriesSet": "arrivals",
    "Temporality": "encoding",
    "Window": "arrivals",
    "decode_logs": "decoding",
    "decode_metrics": "decoding",
    "encode_events": "events",
    "encode_logs": "log_encoding",
    "encode_metrics": "encoding",
    "fold_other": "assembling",
    "fold_series": "assembling",
    "label_events": "outcome_events",
    "labels_of": "outcome_reading",
    "prediction_events": "outcome_events",
    "predictions_of": "outcome_reading",
    "to_profile": "assembling",
}

__getattr__ = loading(__name__, _HOMES)
