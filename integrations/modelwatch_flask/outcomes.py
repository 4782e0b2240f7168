"""What the answer of a view, or its failure, says of the prediction."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from flask import Response, jsonify
from werkzeug.exceptions import HTTPException, default_exceptions
from werkzeug.wrappers import Response as WerkzeugResponse

from modelwatch.errors import OutlierRejected

__all__ = ["outcome_of", "refused"]

_Failure = type[HTTPException]

_FIRST_FAILURE: Final = 400
_TEXT: Final = (str, bytes, bytearray)


def outcome_of(answer: Any) -> tuple[_Failure | None, object]:
    """Return how an answer counts, as a failure or none, and the output in it.

    The output is the object that becomes JSON, or the parsed JSON of a response. Text and streams
    hold none: theirs is an empty mapping, whose outputs count as absent.

    Args:
        answer: what a view returned: a body or a response, or a tuple of one with status, headers
            or both, as Flask's `make_response` takes it.
    """
    status = None
    if isinstance(answer, tuple) and len(answer) in (2, 3):
        status = _status(answer[1])
        answer = answer[0]
    output: object = {}
    if isinstance(answer, HTTPException):
        return type(answer), output
    if isinstance(answer, WerkzeugResponse):
        status = answer.status_code if status is None else status
        output = _json_of(answer)
    elif not (answer is None or callable(answer) or isinstance(answer, (*_TEXT, Iterator))):
        output = answer
    if status is not None and status >= _FIRST_FAILURE:
        return default_exceptions.get(status, HTTPException), output
    return None, output


def refused(error: OutlierRejected) -> tuple[Response, int]:
    """Answer a refused input with 422 and what is unusual in it."""
    detail = [
        {
            "type": f"outlier_{rule}",
            "loc": ["body", name],
            "msg": f"Input is unlike what the model was trained on ({rule})",
        }
        for name, rule in error.outliers.items()
    ]
    return jsonify(detail=detail), 422


def _status(second: object) -> int | None:
    """Return the status in the second place of a tuple; None where headers are there."""
    if isinstance(second, int):
        return int(second)
    number = second[:3] if isinstance(second, str) else ""
    return int(number) if number.isdecimal() else None


def _json_of(response: WerkzeugResponse) -> object:
    """Return the parsed body of a response; an empty mapping where it is no JSON or a stream."""
    if response.is_json and not response.is_streamed:
        with suppress(ValueError, RecursionError):
            parsed: object = json.loads(response.get_data())
            return parsed
    return {}
