"""Attributes on the span in which a prediction is made."""

from __future__ import annotations

from opentelemetry.trace import get_current_span

from modelwatch.capture.prediction import Prediction
from modelwatch.telemetry import names

__all__ = ["annotate_span"]


def annotate_span(prediction: Prediction, model: str, version: str) -> None:
    """Note the model, the prediction's id and its outliers on the current span, where it records.

    Args:
        prediction: what to note; features and rules of its outliers are lists of one length.
        model: the model's name.
        version: its version.
    """
    span = get_current_span()
    if not span.is_recording():
        return
    span.set_attribute(names.MODEL_NAME, model)
    span.set_attribute(names.MODEL_VERSION, version)
    span.set_attribute(names.PREDICTION_ID, prediction.id)
    if prediction.outliers:
        span.set_attribute(names.OUTLIER_FEATURES, list(prediction.outliers))
        span.set_attribute(names.OUTLIER_RULES, list(prediction.outliers.values()))
