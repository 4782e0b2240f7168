"""Serve a model of bicycle rides over HTTP, from an application factory watched by modelwatch.

    gunicorn --workers 2 "service:create_app()"

The lines that modelwatch adds are the four marked ones. Where to send is standard OpenTelemetry:
``OTEL_EXPORTER_OTLP_ENDPOINT`` (by default http://127.0.0.1:4318).
"""

from __future__ import annotations

import math
import random
from typing import Any

from flask import Blueprint, Flask, abort, request

import modelwatch as mw  # modelwatch
import modelwatch_flask  # modelwatch

FEATURES = ("hour", "temperature", "rain", "weekday")
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
TRAINING_ROWS = 5_000

api = Blueprint("api", __name__, url_prefix="/v1")


def rides(row: dict[str, Any]) -> int:
    """Return how many rides an hour will see: the model."""
    rush = math.exp(-((row["hour"] - 17.5) ** 2) / 8) + math.exp(-((row["hour"] - 8) ** 2) / 4)
    weather = max(row["temperature"] + 5, 0) * (0.3 if row["rain"] else 1.0)
    day = 0.6 if row["weekday"] in WEEKDAYS[5:] else 1.0
    return int((20 + 180 * rush) * weather / 20 * day)


def training_rows() -> list[dict[str, Any]]:
    """Return the hours that the model was made from, with its answer to each."""
    chance = random.Random(7)
    rows: list[dict[str, Any]] = []
    for number in range(TRAINING_ROWS):
        hour = number % 24
        row: dict[str, Any] = {
            "hour": hour,
            "temperature": round(chance.gauss(12, 6) + 4 * math.sin((hour - 9) / 24 * math.tau), 1),
            "rain": chance.random() < 0.2,
            "weekday": WEEKDAYS[number // 24 % 7],
        }
        rows.append(row | {"rides": rides(row)})
    return rows


@api.post("/hours/<place>/rides")
def hour(place: str) -> dict[str, Any]:
    """Answer how many rides one hour will see at a place."""
    row = request.get_json()
    if not isinstance(row, dict) or not row.keys() >= set(FEATURES):
        abort(422)
    return {"place": place, "rides": rides(row)}


def create_app() -> Flask:
    """Make the app."""
    app = Flask(__name__)
    app.register_blueprint(api)
    baseline = mw.Baseline.fit(training_rows(), model="rides", version="1", prediction="rides")
    watch = mw.Watch("rides", version="1", baseline=baseline)  # modelwatch
    modelwatch_flask.instrument(app, watch, routes=["/v1/hours/<place>/rides"])  # modelwatch
    return app
