"""Serve the flight delay model over HTTP, watched by modelwatch.

    FLIGHT_DELAYS_FOLDER=build uvicorn app:app --workers 2

The lines that modelwatch adds are the five marked ones. Where to send is standard OpenTelemetry:
``OTEL_EXPORTER_OTLP_ENDPOINT`` (by default http://127.0.0.1:4318).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
from fastapi import FastAPI
from pydantic import BaseModel

import modelwatch as mw  # modelwatch
import modelwatch_fastapi  # modelwatch

FOLDER = Path(os.environ.get("FLIGHT_DELAYS_FOLDER", "build"))


class Flight(BaseModel):
    """A planned departure, with the weather expected for its hour (None where unknown)."""

    carrier: str
    origin: str
    dest: str
    weekday: str
    distance: float
    dep_minute: int
    temp: float | None
    dewp: float | None
    humid: float | None
    wind_speed: float | None
    precip: float | None
    pressure: float | None
    visib: float | None


class Delay(BaseModel):
    """Whether the flight will arrive more than 15 minutes late, and how probable that is."""

    late: bool
    score: float


model = joblib.load(FOLDER / "model.joblib")
app = FastAPI(title="Flight delays")
watch = mw.Watch("flight-delays", version="1", baseline=FOLDER / "baseline.json")  # modelwatch
modelwatch_fastapi.instrument(app, watch)  # modelwatch


@watch  # modelwatch
def predict(flights: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return ``late`` and ``score`` of each flight."""
    frame = pd.DataFrame(flights, columns=list(Flight.model_fields))
    scores = model.predict_proba(frame)[:, 1].tolist()
    return [{"late": score >= 0.5, "score": score} for score in scores]


@app.post("/predict")
def departures(flights: list[Flight]) -> list[Delay]:
    """Predict for a departure board: one flight or many."""
    return [Delay(**answer) for answer in predict([flight.model_dump() for flight in flights])]
