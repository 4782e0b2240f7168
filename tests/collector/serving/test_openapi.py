from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import load_all_checks
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation

import modelwatch as mw
from modelwatch.collector.alerting.options import AlertingOptions
from tests import plain_http
from tests.collector.conftest import (
    MODEL,
    NOW_NS,
    SECOND,
    VERSION,
    Running,
    Start,
    Traffic,
    eventually,
)
from tests.collector.security.conftest import StoreTokens, bearer

LAST_NS = NOW_NS - NOW_NS % (60 * SECOND)
"""End of the last finished window."""

EXAMPLES = 25
"""Requests for each operation: a share that a test run has time for."""

load_all_checks()

CHECKS = [
    getattr(schemathesis.checks, name)
    for name in (
        "content_type_conformance",
        "response_schema_conformance",
        "status_code_conformance",
    )
]


@pytest.fixture
def opened(
    start: Start, baseline: mw.Baseline, traffic: Traffic, tmp_path: Path
) -> tuple[Running, str]:
    """A collector with data, and a token that opens all of its API."""
    collector = start(alerting=drift_alerts(tmp_path / "modelwatch.toml"))
    assert collector.push(baseline).status_code == 201
    assert collector.post(traffic.body(traffic.profile(end_ns=LAST_NS, shift=30))).is_success
    other = copy.copy(traffic.profile(end_ns=LAST_NS))
    other.version = "4"
    assert collector.post(traffic.body(other)).is_success
    token = StoreTokens(tmp_path / "store.sqlite").make("boss", "admin")
    assert eventually(lambda: bool(alerts_of(collector, token)))
    return collector, token


def drift_alerts(path: Path) -> AlertingOptions:
    """Return a configuration by which one window of drift is an alert."""
    path.write_text('[[rules]]\nname = "drift"\non = "drift"\nk = 1\nm = 1\n')
    return AlertingOptions(config_path=path, environment={})


def alerts_of(collector: Running, token: str) -> list[str]:
    """Return the ids of the alerts that a token may read."""
    answer = plain_http.get(f"{collector.api}/api/v1/alerts", headers=bearer(token))
    return [alert["id"] for alert in answer.json().get("alerts", ())]


def statuses_of(
    operation: APIOperation[Any, Any, Any, Any], token: str, known: Mapping[str, str]
) -> set[int]:
    """Ask an operation whatever it may be asked; return how it answered."""
    statuses = set()

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), of_known=st.booleans())
    def ask(case: schemathesis.Case[Any], of_known: bool) -> None:
        if of_known:
            case.path_parameters.update(
                {name: known[name] for name in case.path_parameters.keys() & known.keys()}
            )
        answer = case.call(headers=bearer(token), timeout=60)
        statuses.add(answer.status_code)
        assert answer.status_code < 500, answer.text
        case.validate_response(answer, checks=CHECKS)

    ask()
    return statuses


def test_whatever_is_asked_is_answered_as_described(
    opened: tuple[Running, str], baseline: mw.Baseline
) -> None:
    """No request makes the API fail, and each answer is one that its description has."""
    collector, token = opened
    schema = schemathesis.openapi.from_url(f"{collector.api}/openapi.json", headers=bearer(token))
    answered = {}
    (alert_id,) = alerts_of(collector, token)
    known = {"model": quote(MODEL, safe=""), "version": quote(VERSION, safe="")}
    known["alert_id"] = alert_id
    known["baseline_id"] = baseline.id
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        answered[found.ok().label] = statuses_of(found.ok(), token, known)
    reads = {name: statuses for name, statuses in answered.items() if name.startswith("GET")}
    assert len(reads) >= 15
    assert 200 in answered["POST /api/v1/alerts/{alert_id}/acknowledge"]
    assert 201 in answered["POST /api/v1/silences"]
    assert 200 in answered["POST /api/v1/labels"]
    version = "/api/v1/models/{model}/versions/{version}"
    assert 200 in answered[f"POST {version}/evaluate"]
    assert 200 in answered[f"POST {version}/baselines/{{baseline_id}}/promote"]
    assert [name for name, statuses in reads.items() if 200 not in statuses] == []
    assert 401 not in set().union(*answered.values())


def test_every_operation_says_who_may_ask_and_how_it_errs(start: Start) -> None:
    """The document has a security scheme and the errors of each path that is not open to all."""
    document = plain_http.get(f"{start().api}/openapi.json").json()
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    operations = {
        f"{method} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    open_to_all = {name for name, operation in operations.items() if not operation["security"]}
    assert open_to_all == {"get /healthz", "get /readyz"}
    for name in operations.keys() - open_to_all:
        assert {"401", "403", "429", "503"} <= operations[name]["responses"].keys(), name
    put = operations["put /api/v1/models/{model}/versions/{version}/baseline"]
    assert put["x-scopes"] == ["admin"]
    assert {"400", "408", "413", "422"} <= put["responses"].keys()
    problem = document["components"]["responses"]["404"]["content"]["application/problem+json"]
    assert problem["schema"] == {"$ref": "#/components/schemas/Problem"}
