"""Ties a `modelwatch.Watch` to a BentoML service.

::

    modelwatch_bentoml.instrument(Churn, watch)                       # for methods under @watch
    modelwatch_bentoml.instrument(Churn, watch, routes=["/predict"])  # captures these API methods
"""

from __future__ import annotations

from modelwatch_bentoml.instrumentation import instrument, uninstrument
from modelwatch_bentoml.middleware import OUTLIERS_HEADER, PREDICTION_ID_HEADER

__all__ = ["OUTLIERS_HEADER", "PREDICTION_ID_HEADER", "instrument", "uninstrument"]
