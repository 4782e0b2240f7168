"""The headers by which a request and its answer tell of a prediction, as ASGI has them: bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

from starlette.types import Scope

import modelwatch as mw

__all__ = [
    "OUTLIERS_HEADER",
    "PREDICTION_ID_HEADER",
    "RawHeaders",
    "prediction_headers",
    "requested_id",
    "with_prediction",
]

RawHeaders = Iterable[tuple[bytes, bytes]]

PREDICTION_ID_HEADER: Final = "x-prediction-id"
OUTLIERS_HEADER: Final = "x-modelwatch-outliers"

_ID: Final = PREDICTION_ID_HEADER.encode()
_OUTLIERS: Final = OUTLIERS_HEADER.encode()
_OURS: Final = frozenset({_ID, _OUTLIERS})
_USABLE_ID: Final = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
_MOST_OUTLIERS: Final = 50


def requested_id(scope: Scope) -> str | None:
    """Return the id that the client sent, where it is short and plain."""
    for name, value in scope["headers"]:
        if name == _ID:
            return value.decode("ascii") if _USABLE_ID.fullmatch(value) else None
    return None


def prediction_headers(prediction: mw.Prediction) -> list[tuple[bytes, bytes]]:
    """Return what is known of a prediction: its id and, where there are any, its outliers."""
    headers = [(_ID, prediction.id.encode())]
    outliers = prediction.outliers
    if outliers:
        first = list(outliers.items())[:_MOST_OUTLIERS]
        named = (f"{quote(name, safe='')}={rule}" for name, rule in first)
        headers.append((_OUTLIERS, ", ".join(named).encode("latin-1")))
    return headers


def with_prediction(headers: RawHeaders, prediction: mw.Prediction) -> list[tuple[bytes, bytes]]:
    """Return a response's headers with those of its prediction, which replace any of their name."""
    return [pair for pair in headers if pair[0] not in _OURS] + prediction_headers(prediction)
