"""Watches a deployed model from inside its own service and says what drifted.

The public names are loaded when they are first asked for, so that importing the package costs
little and loads no framework, no collector and no statistics::

    import modelwatch as mw

    watch = mw.Watch("churn", version="3", baseline="churn.baseline.json")

    @watch
    def predict(features): ...
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from modelwatch import errors
from modelwatch.errors import ModelwatchError, OutlierRejected

if TYPE_CHECKING:
    from modelwatch import extractors, skew, testing
    from modelwatch.baseline import Baseline
    from modelwatch.capture.environment import (
        is_serving_from_environment,
        routes_from_environment,
        watch_from_environment,
    )
    from modelwatch.capture.inference_protocol import read_inference_request
    from modelwatch.capture.options import Answer
    from modelwatch.capture.prediction import Prediction, current_prediction, prediction_scope
    from modelwatch.capture.sampling import is_sampled
    from modelwatch.capture.watch import Watch
    from modelwatch.comparing import Thresholds, compare
    from modelwatch.model_fingerprint import Fingerprint, fingerprint
    from modelwatch.profile import Profile
    from modelwatch.report.drift_report import DriftReport, FeatureDrift

__all__ = [
    "Answer",
    "Baseline",
    "DriftReport",
    "FeatureDrift",
    "Fingerprint",
    "ModelwatchError",
    "OutlierRejected",
    "Prediction",
    "Profile",
    "Thresholds",
    "Watch",
    "__version__",
    "compare",
    "current_prediction",
    "errors",
    "extractors",
    "fingerprint",
    "is_sampled",
    "is_serving_from_environment",
    "prediction_scope",
    "read_inference_request",
    "routes_from_environment",
    "skew",
    "testing",
    "watch_from_environment",
]

__version__ = "0.1.0"

_HOMES = {
    "Answer": "modelwatch.capture.options",
    "Baseline": "modelwatch.baseline",
    "DriftReport": "modelwatch.report.drift_report",
    "FeatureDrift": "modelwatch.report.drift_report",
    "Fingerprint": "modelwatch.model_fingerprint",
    "Prediction": "modelwatch.capture.prediction",
    "Profile": "modelwatch.profile",
    "Thresholds": "modelwatch.comparing",
    "Watch": "modelwatch.capture.watch",
    "compare": "modelwatch.comparing",
    "current_prediction": "modelwatch.capture.prediction",
    "fingerprint": "modelwatch.model_fingerprint",
    "is_sampled": "modelwatch.capture.sampling",
    "is_serving_from_environment": "modelwatch.capture.environment",
    "prediction_scope": "modelwatch.capture.prediction",
    "read_inference_request": "modelwatch.capture.inference_protocol",
    "routes_from_environment": "modelwatch.capture.environment",
    "watch_from_environment": "modelwatch.capture.environment",
}
_MODULES = frozenset({"extractors", "skew", "testing"})


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return importlib.import_module(f"modelwatch.{name}")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(importlib.import_module(home), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, *_MODULES})
