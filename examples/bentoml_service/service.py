"""A BentoML service and the scorer that it asks, each watched by a watch of its own."""

from __future__ import annotations

import bentoml
import numpy as np
from pydantic import BaseModel

import modelwatch as mw
import modelwatch_bentoml

random = np.random.default_rng(1)
TRAINING = {"years": random.poisson(4, 5_000), "calls": random.poisson(3, 5_000)}

scores = mw.Watch(
    "churn-score",
    version="1",
    baseline=mw.Baseline.fit(TRAINING, model="churn-score", version="1"),
)
offers = mw.Watch("churn-offer", version="1")


class Customer(BaseModel):
    """Whom an offer is made to."""

    years: int
    calls: int


@bentoml.service(workers=1)
class Scorer:
    """The model: says how likely customers are to leave."""

    @bentoml.api(batchable=True)
    def score(self, rows: np.ndarray) -> np.ndarray:
        """Return the scores of the customers of many requests; the baseline names the columns."""
        return 1 / (1 + np.exp(rows[:, 0] - rows[:, 1]))


@bentoml.service(workers=2)
class Churn:
    """Decides what is offered."""

    scorer = bentoml.depends(Scorer)

    @bentoml.api
    @offers
    async def offer(self, customer: Customer) -> str:
        """Return what a customer is offered."""
        row = np.array([[customer.years, customer.calls]], dtype=float)
        (score,) = await self.scorer.to_async.score(rows=row)
        return "discount" if score > 0.5 else "nothing"


modelwatch_bentoml.instrument(Scorer, scores, routes=["/score"])
modelwatch_bentoml.instrument(Churn, offers)
