"""Ties a `modelwatch.Watch` to a FastAPI app.

::

    modelwatch_fastapi.instrument(app, watch)                       # for functions under @watch
    modelwatch_fastapi.instrument(app, watch, routes=["/predict"])  # captures these endpoints
"""

from __future__ import annotations

from modelwatch_fastapi.instrumentation import instrument, uninstrument
from modelwatch_fastapi.middleware import OUTLIERS_HEADER, PREDICTION_ID_HEADER

__all__ = ["OUTLIERS_HEADER", "PREDICTION_ID_HEADER", "instrument", "uninstrument"]
