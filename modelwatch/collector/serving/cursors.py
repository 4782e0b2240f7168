"""Where the next page of a list begins, as a text that clients hand back and do not read."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Annotated, Any

from fastapi import Query

from modelwatch.collector.serving.problems import Problem

__all__ = ["CursorParameter", "decode_cursor", "encode_cursor"]

_LONGEST = 4_096

CursorParameter = Annotated[
    str | None,
    Query(description="The next_cursor of the page before; the first page without."),
]


def encode_cursor(*position: str | int) -> str:
    """Return the cursor of a place in a list.

    >>> decode_cursor(encode_cursor("churn", 3), str, int)
    ('churn', 3)
    """
    text = json.dumps(position, ensure_ascii=True, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def decode_cursor(cursor: str, *types: type[str] | type[int]) -> tuple[Any, ...]:
    """Return the place that a cursor names: values of these types.

    Integers are of signed 64 bit and not below zero.

    Raises:
        Problem: 400 where the text is no such cursor.
    """
    try:
        if len(cursor) > _LONGEST:
            raise ValueError("too long")
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        position = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        _require(position, types)
    except (ValueError, binascii.Error, RecursionError) as error:
        raise Problem(
            400, "invalid-cursor", "cursor is none of this list: give the next_cursor of a page."
        ) from error
    return tuple(position)


def _require(position: object, types: tuple[type[str] | type[int], ...]) -> None:
    if not isinstance(position, list) or [type(part) for part in position] != list(types):
        raise ValueError("other types")
    for part in position:
        if isinstance(part, int) and not 0 <= part < 2**63:
            raise ValueError("out of range")
        if isinstance(part, str):
            part.encode()  # a lone surrogate is no text that the store could be asked for
