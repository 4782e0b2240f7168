"""Ties a `modelwatch.Watch` to a Flask app.

::

    modelwatch_flask.instrument(app, watch)                       # for functions under @watch
    modelwatch_flask.instrument(app, watch, routes=["/predict"])  # captures these views
"""

from __future__ import annotations

from modelwatch_flask.instrumentation import instrument, uninstrument
from modelwatch_flask.scopes import OUTLIERS_HEADER, PREDICTION_ID_HEADER

__all__ = ["OUTLIERS_HEADER", "PREDICTION_ID_HEADER", "instrument", "uninstrument"]
