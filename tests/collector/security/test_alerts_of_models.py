from __future__ import annotations

from pathlib import Path

import pytest

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
    frame,
)
from tests.collector.security.conftest import StoreTokens, bearer

OTHER = "fraud-elsewhere"
LAST_NS = NOW_NS - NOW_NS % (60 * SECOND)
RULES = '[[rules]]\nname = "drift"\non = "drift"\nk = 1\nm = 1\n'


def alerts_of(collector: Running, token: str, **parameters: str | int) -> dict[str, str]:
    """Return the models of the alerts on one page that a token may read, by id."""
    address = f"{collector.api}/api/v1/alerts"
    answer = plain_http.get(address, headers=bearer(token), params=parameters)
    return {alert["id"]: alert["model"] for alert in answer.json().get("alerts", ())}


@pytest.fixture
def drifting(
    start: Start, baseline: mw.Baseline, tokens: StoreTokens, tmp_path: Path
) -> tuple[Running, str]:
    """A collector with an alert of each of two models, and a token of an admin."""
    path = tmp_path / "modelwatch.toml"
    path.write_text(RULES)
    collector = start(alerting=AlertingOptions(config_path=path, environment={}))
    other = mw.Baseline.fit(frame(0, 5_000), model=OTHER, version=VERSION, score="score")
    for known in (baseline, other):
        address = collector.version("/baseline", model=known.model)
        assert plain_http.put(address, content=known.to_json()).status_code == 201
        profile = Traffic(known).profile(end_ns=LAST_NS, shift=30)
        profile.model = known.model
        assert collector.post(Traffic(known).body(profile)).status_code == 200
    admin = tokens.make("boss", "admin")
    assert eventually(lambda: plain_http.get(collector.api).status_code == 401)
    assert eventually(lambda: len(alerts_of(collector, admin)) == 2)
    return collector, admin


def test_a_limited_token_learns_of_the_alerts_of_its_models(
    drifting: tuple[Running, str], tokens: StoreTokens
) -> None:
    """Lists and pages leave the alerts of other models out, and their ids are unknown."""
    collector, admin = drifting
    limited = tokens.make("limited", "read", models=("churn*",))
    assert eventually(lambda: bool(alerts_of(collector, limited)))
    ids = {model: alert_id for alert_id, model in alerts_of(collector, admin).items()}
    assert alerts_of(collector, limited) == {ids[MODEL]: MODEL}
    assert alerts_of(collector, limited, limit=1) == {ids[MODEL]: MODEL}
    assert alerts_of(collector, limited, model=OTHER) == {}
    statuses = {
        model: plain_http.get(f"{collector.api}/api/v1/alerts/{known}", headers=bearer(limited))
        for model, known in {**ids, "nobody": "none"}.items()
    }
    assert statuses[MODEL].json()["model"] == MODEL
    assert statuses[OTHER].status_code == 404
    assert statuses[OTHER].text == statuses["nobody"].text.replace("none", ids[OTHER])
    assert OTHER in plain_http.get(collector.api, headers=bearer(admin)).text
    page = plain_http.get(collector.api, headers=bearer(limited)).text
    assert "rule drift" in page
    assert OTHER not in page


def test_what_tells_of_all_alerts_needs_a_token_that_is_not_limited(
    drifting: tuple[Running, str], tokens: StoreTokens
) -> None:
    """Silences and rules name models by patterns: they are told to those who may read of all."""
    collector, _ = drifting
    limited = tokens.make("limited", "read", models=("churn*",))
    assert eventually(lambda: bool(alerts_of(collector, limited)))
    for path in ("silences", "alerting"):
        answer = plain_http.get(f"{collector.api}/api/v1/{path}", headers=bearer(limited))
        assert answer.json()["type"] == "urn:modelwatch:problem:limited-token"


def test_who_acts_on_alerts_is_the_name_of_the_token(
    drifting: tuple[Running, str], tokens: StoreTokens
) -> None:
    """Taking note and silencing need admin; both are noted by the token, whatever was said."""
    collector, admin = drifting
    reader = tokens.make("reader", "read")
    assert eventually(lambda: bool(alerts_of(collector, reader)))
    noting = f"{collector.api}/api/v1/alerts/{next(iter(alerts_of(collector, admin)))}/acknowledge"
    silencing = f"{collector.api}/api/v1/silences"
    silence = {"matchers": {"model": "*"}, "duration": "1h", "by": "somebody"}
    for address, body in ((noting, {"by": "somebody"}), (silencing, silence)):
        assert plain_http.post(address, json=body, headers=bearer(reader)).status_code == 403
    noted = plain_http.post(noting, json={"by": "somebody"}, headers=bearer(admin)).json()
    assert noted["acknowledged"]["by"] == "boss"
    assert plain_http.post(silencing, json=silence, headers=bearer(admin)).json()["by"] == "boss"
    entries = plain_http.get(f"{collector.api}/api/v1/audit", headers=bearer(admin)).json()[
        "entries"
    ]
    assert [(entry["who"], entry["act"], entry["outcome"]) for entry in entries[:2]] == [
        ("boss", "POST", "done"),
        ("boss", "POST", "done"),
    ]
    assert entries[0]["target"] == "/api/v1/silences"
