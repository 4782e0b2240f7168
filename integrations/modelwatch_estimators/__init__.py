"""Watches predictions of scikit-learn, XGBoost and LightGBM, with no change to the code.

Under ``opentelemetry-instrument`` it works by itself; what it does is decided by
``MODELWATCH_SERVING``, ``MODELWATCH_MODEL`` and ``MODELWATCH_VERSION``. By hand::

    from modelwatch_estimators.instrumentor import EstimatorInstrumentor

    EstimatorInstrumentor().instrument()
"""

from __future__ import annotations

__all__: list[str] = []
