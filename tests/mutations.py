"""Documents in which one field was tampered with."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

_DELETED = object()
_HUGE = "1e400"
_VALUES: tuple[Any, ...] = (None, -1, "x", [], {}, True, 0, 0.5, 10**400, _HUGE, _DELETED)


def mutations(document: dict[str, Any], seed: int) -> str:
    """Return the document as text, with one field replaced or deleted.

    Args:
        document: left as it is.
        seed: chooses the field, each kind of field as likely as another, and what becomes of it.
    """
    chance = random.Random(seed)
    body = copy.deepcopy(document)
    by_kind: dict[tuple[str, ...], list[tuple[Any, Any]]] = {}
    for kind, place in _places(body, ()):
        by_kind.setdefault(kind, []).append(place)
    holder, key = chance.choice(by_kind[chance.choice(sorted(by_kind))])
    value = chance.choice(_VALUES)
    if value is _DELETED:
        del holder[key]
    else:
        holder[key] = copy.deepcopy(value)
    return json.dumps(body).replace(f'"{_HUGE}"', _HUGE)


def _places(node: Any, kind: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], tuple[Any, Any]]]:
    """Go through all fields and list items; those of one list are of one kind."""
    pairs = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in list(pairs):
        here = (*kind, key if isinstance(key, str) else "#")
        yield here, (node, key)
        if isinstance(value, (dict, list)):
            yield from _places(value, here)
