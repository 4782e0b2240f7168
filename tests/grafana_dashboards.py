"""The dashboards of the example, as far as tests look into them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["DASHBOARDS", "FOLDER", "Asked", "asked_by", "metrics_in", "panels_of"]

FOLDER = Path(__file__).parents[1] / "examples/grafana"
DASHBOARDS: Mapping[str, Mapping[str, Any]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted(FOLDER.glob("*.json"))
}

_VARIABLE_QUERY = re.compile(r"label_values\((?P<series>.+), (?P<label>\w+)\)")
_METRIC = re.compile(r"\b(?:modelwatch|process|scrape|up)\w*\b")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One question that a dashboard asks Prometheus.

    Attributes:
        place: where in the dashboard it stands.
        expression: what is asked, with variables; of a template variable, the series.
        label: of a template variable, the label whose values are asked for; else empty.
        is_instant: whether it is asked of one moment; else of a range.
    """

    place: str
    expression: str
    label: str = ""
    is_instant: bool = False


def panels_of(dashboard: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the panels, rows and what they hold too."""
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


def asked_by(dashboard: Mapping[str, Any]) -> Iterator[Asked]:
    """Yield all that is asked: by panels, annotations and template variables."""
    uid = dashboard["uid"]
    for panel in panels_of(dashboard):
        for target in panel.get("targets", []):
            yield Asked(
                place=f"{uid}: {panel['title']}: {target['refId']}",
                expression=target["expr"],
                is_instant=target["instant"],
            )
    for annotation in dashboard["annotations"]["list"]:
        if "expr" in annotation:
            yield Asked(place=f"{uid}: {annotation['name']}", expression=annotation["expr"])
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            found = _VARIABLE_QUERY.fullmatch(variable["query"]["query"])
            assert found is not None, variable["query"]
            place = f"{uid}: ${variable['name']}"
            yield Asked(place=place, expression=found["series"], label=found["label"])


def metrics_in(expression: str) -> set[str]:
    """Return the names of the metrics that an expression reads.

    >>> sorted(metrics_in('rate(modelwatch_rows_total{model="up x"}[5m]) / up'))
    ['modelwatch_rows_total', 'up']
    """
    without_texts = re.sub(r'"[^"]*"', "", expression)
    return set(_METRIC.findall(without_texts))
