"""Ties a `modelwatch.Watch` to a FastAPI or Starlette app, or to any other ASGI app.

::

    modelwatch_fastapi.instrument(app, watch)                       # for functions under @watch
    modelwatch_fastapi.instrument(app, watch, routes=["/predict"])  # captures these endpoints

    # In front of an app whose code cannot be changed:
    app = modelwatch_fastapi.CaptureMiddleware(app, watch=watch, routes=["/predict"])
"""

from __future__ import annotations

from modelwatch_fastapi.capture_middleware import CaptureMiddleware
from modelwatch_fastapi.headers import OUTLIERS_HEADER, PREDICTION_ID_HEADER
from modelwatch_fastapi.instrumentation import instrument, uninstrument

__all__ = [
    "OUTLIERS_HEADER",
    "PREDICTION_ID_HEADER",
    "CaptureMiddleware",
    "instrument",
    "uninstrument",
]
