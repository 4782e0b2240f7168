"""A service that knows nothing of modelwatch."""

from __future__ import annotations

import bentoml


@bentoml.service(workers=2)
class Churn:
    """Says how likely a customer is to leave."""

    @bentoml.api
    def predict(self, features: dict[str, float]) -> float:
        """Predict, or fail."""
        if features["age"] < 0:
            raise ValueError("no such age")
        return features["age"] / 100
