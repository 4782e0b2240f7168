"""Score card payments over HTTP, so that chargebacks can be told by the prediction's id.

    uvicorn service:app

Where to send is standard OpenTelemetry: ``OTEL_EXPORTER_OTLP_ENDPOINT`` (by default
http://127.0.0.1:4318).
"""

from __future__ import annotations

import math
import random
from typing import Any, Literal

from fastapi import FastAPI
from pydantic import BaseModel

import modelwatch as mw
import modelwatch_fastapi

TRAINING_ROWS = 5_000
COUNTRIES = ("DE", "FR", "PT")


class Payment(BaseModel):
    """What is known of a payment when it is made."""

    amount: float
    hour: int
    country: Literal["DE", "FR", "PT"]
    is_new_card: bool


class Decision(BaseModel):
    """What the service answers."""

    score: float
    fraud: bool


def score_of(payment: dict[str, Any]) -> float:
    """Return the probability that a payment is fraud: the model."""
    odds = -4.0 + payment["amount"] / 200 + 1.5 * payment["is_new_card"]
    return 1 / (1 + math.exp(-odds - (1.0 if payment["hour"] < 6 else 0.0)))


def training_rows() -> list[dict[str, Any]]:
    """Return payments of the past, with the model's answer and what turned out to be true."""
    chance = random.Random(7)
    rows: list[dict[str, Any]] = []
    for number in range(TRAINING_ROWS):
        payment: dict[str, Any] = {
            "amount": round(chance.lognormvariate(4, 0.8), 2),
            "hour": number % 24,
            "country": chance.choice(COUNTRIES),
            "is_new_card": chance.random() < 0.2,
        }
        score = score_of(payment)
        truth = chance.random() < score
        rows.append(payment | {"score": score, "fraud": score >= 0.5, "charged_back": truth})
    return rows


def make_watch() -> mw.Watch:
    """Return a watch of the model, for the service and for the job that tells labels."""
    baseline = mw.Baseline.fit(
        training_rows(),
        model="payments",
        version="1",
        prediction="fraud",
        score="score",
        label="charged_back",
    )
    return mw.Watch("payments", version="1", baseline=baseline)


app = FastAPI()


@app.post("/payments")
def decide(payment: Payment) -> Decision:
    """Decide on one payment; the answer's x-prediction-id is kept with it by whoever asked."""
    score = score_of(payment.model_dump())
    return Decision(score=score, fraud=score >= 0.5)


modelwatch_fastapi.instrument(app, make_watch(), routes=["/payments"])
