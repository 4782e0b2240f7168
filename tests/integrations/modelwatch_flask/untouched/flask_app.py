"""A service that knows nothing of modelwatch, made by an application factory."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, request

blueprint = Blueprint("scoring", __name__)


@blueprint.post("/predict")
def predict() -> dict[str, float]:
    """Predict, or fail."""
    customer: dict[str, Any] = request.get_json()
    if customer["age"] < 0:
        raise ValueError("no such age")
    return {"score": customer["age"] / 100}


def create_app() -> Flask:
    """Make the app."""
    app = Flask(__name__)
    app.register_blueprint(blueprint)
    app.get("/health")(lambda: "well")
    return app
