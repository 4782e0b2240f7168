"""Each question of each dashboard, asked of a Prometheus that has scraped a collector."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable
from typing import Any

import pytest
import yaml

from tests import plain_http
from tests.collector.showing.prometheus.stage import EXAMPLE, Stage
from tests.collector.showing.reading import families_in
from tests.grafana_dashboards import DASHBOARDS, Asked, asked_by, metrics_in

VARIABLES = {
    "model": "churn",
    "version": "3",
    "feature": ".*",
    "method": "psi",
    "instance": ".*",
    "span": "1m",
    "__rate_interval": "1m",
}
RANGE_SECONDS = 60
ASKED = [one for dashboard in DASHBOARDS.values() for one in asked_by(dashboard)]

RIGHTLY_EMPTY: dict[str, str] = {}
"""Places whose questions have no answer on this stage, and why."""


def filled_in(expression: str) -> str:
    """Return an expression as Grafana sends it, with its variables replaced."""
    found = re.sub(r"\$(\w+)", lambda name: VARIABLES[name[1]], expression)
    assert "$" not in found
    return found


def numbers(result: Iterable[dict[str, Any]]) -> list[float]:
    """Return all values of an answer that are numbers."""
    points = [point for one in result for point in one.get("values", [one.get("value")])]
    return [float(text) for _, text in points if not math.isnan(float(text))]


def answer(stage: Stage, asked: Asked) -> list[Any]:
    """Return what Prometheus says to a question: values, those that are no number left out."""
    expression = filled_in(asked.expression)
    if asked.label:
        found: list[str] = stage.ask(f"label/{asked.label}/values", **{"match[]": expression})
        return found
    if asked.is_instant:
        return numbers(stage.ask("query", query=expression)["result"])
    now = time.time()
    span = {"start": now - RANGE_SECONDS, "end": now, "step": 1}
    return numbers(stage.ask("query_range", query=expression, **span)["result"])


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked.place)
def test_every_question_is_answered(stage: Stage, asked: Asked) -> None:
    """No panel is an error, and none is empty while there is something to be seen."""
    assert bool(answer(stage, asked)) == (asked.place not in RIGHTLY_EMPTY)


def test_the_overview_counts_right(stage: Stage) -> None:
    """Its first row says how many versions there are, and what is wrong with them."""
    told = {one.place: one for one in asked_by(DASHBOARDS["modelwatch-overview"])}
    counts = {
        title: answer(stage, told[f"modelwatch-overview: {title}: A"])
        for title in ("Versions", "Drifting", "Without a baseline", "Silent for 15 minutes")
    }
    assert counts == {
        "Versions": [4],
        "Drifting": [1],
        "Without a baseline": [2],
        "Silent for 15 minutes": [1],
    }


def test_shares_and_rates_are_right(stage: Stage) -> None:
    """Failing calls are as many as were sent; half of the calls took as long as most did."""
    told = {one.place: one for one in asked_by(DASHBOARDS["modelwatch-model"])}
    failing = answer(stage, told["modelwatch-model: Failing calls: A"])
    assert failing[-1] == pytest.approx(0.02, rel=0.01)
    half = answer(stage, told["modelwatch-model: Duration of calls: A"])
    assert 0.001 < half[-1] < 0.01


def test_variables_offer_what_there_is(stage: Stage) -> None:
    """A model, its version and its features can be chosen."""
    told = {one.place: one for one in asked_by(DASHBOARDS["modelwatch-model"])}
    offered = {
        name: answer(stage, told[f"modelwatch-model: ${name}"])
        for name in ("model", "version", "feature")
    }
    assert offered == {
        "model": ["churn", "fraud", "pricing"],
        "version": ["2", "3"],
        "feature": ["idle", "predicted", "score", "x"],
    }


def test_every_metric_that_is_read_is_exposed(stage: Stage) -> None:
    """Dashboards and rules name no metric that the collector does not have."""
    text = plain_http.get(f"{stage.api}/metrics").text
    exposed = {s.name for family in families_in(text, "text") for s in family.samples}
    rules = yaml.safe_load((EXAMPLE / "modelwatch.rules.yml").read_text())
    expressions = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    expressions += [one.expression for one in ASKED]
    read = set().union(*map(metrics_in, expressions))
    assert len(read) > 30
    assert read - exposed == set()
