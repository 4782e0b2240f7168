"""Values as JSON, without the copies that `dataclasses.asdict` makes of all that they hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any

__all__ = ["json_of"]


def json_of(value: object) -> str:
    """Return a value as JSON: a dataclass as an object of its fields, a set as a sorted array.

    >>> from modelwatch.collector.windows import TimeWindow
    >>> json_of({"window": TimeWindow(1, 2), "names": frozenset({"b", "a"})})
    '{"window":{"start_ns":1,"end_ns":2},"names":["a","b"]}'
    """
    return json.dumps(value, default=_plain, separators=(",", ":"))


def _plain(value: object) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return vars(value)
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")
