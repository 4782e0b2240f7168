"""A Django project of one file, whose view asks a watched function for predictions."""

from __future__ import annotations

import json
import math

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

import modelwatch as mw

watch = mw.Watch("churn", version="1")


@watch
def predict(features: dict[str, float]) -> dict[str, float]:
    """Return how likely a customer is to leave."""
    strain = features["calls"] - features["years"]
    return {"score": 1 / (1 + math.exp(-strain))}


@csrf_exempt
@require_POST
def view(request: HttpRequest) -> JsonResponse:
    """Answer with the prediction, and the id by which its label can be told later."""
    with mw.prediction_scope() as prediction:
        answer = predict(json.loads(request.body))
    return JsonResponse(answer, headers={"x-prediction-id": prediction.id})


urlpatterns = [path("predict", view)]
settings.configure(ALLOWED_HOSTS=["127.0.0.1", "localhost"], ROOT_URLCONF=__name__)
application = get_wsgi_application()
