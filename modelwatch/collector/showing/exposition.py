"""Metrics as text, in the two formats that Prometheus reads."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Literal

from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder

__all__ = ["CONTENT_TYPES", "Format", "chosen_format", "joined", "render"]

Format = Literal["text", "openmetrics"]

CONTENT_TYPES: Final[dict[Format, str]] = {
    "text": "text/plain; version=0.0.4; charset=utf-8",
    "openmetrics": "application/openmetrics-text; version=1.0.0; charset=utf-8",
}

_END = b"# EOF\n"
_NOT_WANTED = re.compile(r";\s*q=0(?:\.0*)?\s*(?:;|$)")


class _Families:
    """What the library asks for metrics."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def chosen_format(accept: str) -> Format:
    """Return the format for the value of an Accept header: OpenMetrics where it is named.

    >>> chosen_format("application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    'openmetrics'
    >>> chosen_format("*/*")
    'text'
    """
    for wanted in accept.lower().split(","):
        media_type, _, parameters = wanted.partition(";")
        if media_type.strip() == "application/openmetrics-text":
            return "text" if _NOT_WANTED.search(f";{parameters}") else "openmetrics"
    return "text"


def render(families: Iterable[Metric], form: Format) -> bytes:
    """Return metrics as text. Takes some 5 microseconds a series."""
    encode, _ = choose_encoder(CONTENT_TYPES[form])
    return encode(_Families(families))


def joined(parts: Iterable[bytes], form: Format) -> bytes:
    """Return several texts as one. No two parts may hold the same metric."""
    if form == "text":
        return b"".join(parts)
    return b"".join(part.removesuffix(_END) for part in parts) + _END
