"""Reads the texts that Prometheus reads, with its own client library's strict parsers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client.core import Metric
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from modelwatch.collector.showing.exposition import Format

__all__ = ["families_in"]

_READERS: Final[dict[Format, Callable[[str], Iterable[Metric]]]] = {
    "text": text_string_to_metric_families,
    "openmetrics": openmetrics.text_string_to_metric_families,
}


def families_in(text: str, form: Format) -> list[Metric]:
    """Return the metrics of a text, or raise where it is not as the format wants it."""
    return list(_READERS[form](text))
