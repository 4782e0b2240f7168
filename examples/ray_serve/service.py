"""A Ray Serve deployment whose method is watched."""

from __future__ import annotations

import math

from ray import serve
from starlette.requests import Request

import modelwatch as mw

watch = mw.Watch("churn", version="1")


@serve.deployment(num_replicas=2)
class Churn:
    """Says how likely a customer is to leave."""

    async def __call__(self, request: Request) -> dict[str, float]:
        """Answer a request."""
        return self.predict(await request.json())

    @watch
    def predict(self, features: dict[str, float]) -> dict[str, float]:
        """Return the score of one customer."""
        strain = features["calls"] - features["years"]
        return {"score": 1 / (1 + math.exp(-strain))}

    def __del__(self) -> None:
        """Send what was captured; Ray calls this as a replica stops."""
        watch.shutdown()


app = Churn.bind()
