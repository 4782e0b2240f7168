from __future__ import annotations

import json
import re

import httpx
import pytest
from google.rpc.code_pb2 import PERMISSION_DENIED, UNAUTHENTICATED
from google.rpc.status_pb2 import Status

import modelwatch as mw
from modelwatch.collector.security.options import SecurityOptions
from modelwatch.collector.serving.encoded_paths import path_of
from modelwatch.errors import ConfigurationError
from tests import plain_http
from tests.collector.conftest import (
    MODEL,
    NOW_NS,
    PROTOBUF,
    VERSION,
    Running,
    Start,
    Traffic,
    eventually,
    frame,
)
from tests.collector.security.conftest import HOUR_NS, StoreTokens, bearer

OTHER = "fraud"


def refused(answer: httpx.Response, status: int, kind: str) -> None:
    """Check that an answer of the API is this problem."""
    assert (answer.status_code, answer.headers["content-type"]) == (
        status,
        "application/problem+json",
    )
    assert answer.json()["type"] == f"urn:modelwatch:problem:{kind}"


def test_without_tokens_loopback_is_open(start: Start, baseline: mw.Baseline) -> None:
    """Where no token was made, a collector on loopback asks nobody for one."""
    collector = start()
    assert collector.push(baseline).status_code == 201
    assert plain_http.get(collector.page()).status_code == 200


def test_each_scope_opens_its_part(
    start: Start, tokens: StoreTokens, baseline: mw.Baseline, traffic: Traffic
) -> None:
    """Ingest sends and polls, read reads, admin changes: each does just that."""
    collector = start()
    sender, reader, admin = (tokens.make(name, name) for name in ("ingest", "read", "admin"))

    def statuses(token: str) -> list[int]:
        known = bearer(token)
        return [
            collector.post(traffic.body(), **known).status_code,
            plain_http.get(f"{collector.api}/api/v1/models", headers=known).status_code,
            plain_http.get(collector.version("/baseline"), headers=known).status_code,
            plain_http.put(
                collector.version("/baseline"), content=baseline.to_json(), headers=known
            ).status_code,
            plain_http.get(collector.page(), headers=known).status_code,
        ]

    assert eventually(lambda: plain_http.get(f"{collector.api}/api/v1/models").status_code == 401)
    assert statuses(admin) == [403, 200, 404, 201, 200]
    assert statuses(sender) == [200, 403, 200, 403, 403]
    assert statuses(reader) == [403, 200, 200, 403, 200]
    for open_to_all in ("/healthz", "/readyz"):
        assert plain_http.get(collector.api + open_to_all).status_code == 200


def test_refusals_say_what_is_missing(start: Start, tokens: StoreTokens, traffic: Traffic) -> None:
    """401 and 403 are told as each server tells errors, with the header that RFC 6750 asks for."""
    reader = tokens.make("reader", "read")
    collector = start()
    nobody = plain_http.get(f"{collector.api}/api/v1/models")
    refused(nobody, 401, "no-token")
    assert nobody.headers["www-authenticate"] == 'Bearer realm="modelwatch"'
    for wrong in ("x", "mwt_0123456789ab_" + "x" * 43):
        answer = plain_http.get(f"{collector.api}/api/v1/models", headers=bearer(wrong))
        refused(answer, 401, "invalid-token")
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    basic = plain_http.get(f"{collector.api}/api/v1/models", auth=("user", reader))
    refused(basic, 401, "invalid-token")
    forbidden = plain_http.put(collector.version("/baseline"), headers=bearer(reader))
    refused(forbidden, 403, "insufficient-scope")
    assert 'scope="admin"' in forbidden.headers["www-authenticate"]
    unknown = collector.post(traffic.body())
    assert (unknown.status_code, unknown.headers["content-type"]) == (401, PROTOBUF["Content-Type"])
    assert Status.FromString(unknown.content).code == UNAUTHENTICATED
    as_json = {"Content-Type": "application/json", **bearer(reader)}
    denied = plain_http.post(f"{collector.otlp}/v1/metrics", content=b"{}", headers=as_json)
    assert json.loads(denied.content)["code"] == PERMISSION_DENIED


def test_revoked_and_ended_tokens_are_refused_within_seconds(
    start: Start, tokens: StoreTokens
) -> None:
    """A running collector sees what was revoked beside it; what is past its end opens nothing."""
    token = tokens.make("a", "read")
    ended = tokens.make("b", "read", created_ns=NOW_NS - HOUR_NS, lifetime_ns=HOUR_NS)
    collector = start()
    models = f"{collector.api}/api/v1/models"
    assert plain_http.get(models, headers=bearer(token)).status_code == 200
    assert plain_http.get(models, headers=bearer(ended)).status_code == 401
    tokens.revoke("a")
    assert eventually(lambda: plain_http.get(models, headers=bearer(token)).status_code == 401)
    assert plain_http.get(models).status_code == 401


@pytest.fixture
def two_models(start: Start, tokens: StoreTokens, baseline: mw.Baseline) -> tuple[Running, str]:
    """A collector of two models, and a token that may read one of them."""
    other = mw.Baseline.fit(frame(1, 500), model=OTHER, version=VERSION)
    collector = start()
    for found in (baseline, other):
        address = collector.version("/baseline", model=found.model)
        assert plain_http.put(address, content=found.to_json()).status_code == 201
    token = tokens.make("limited", "read", models=("churn*",))
    assert eventually(lambda: plain_http.get(f"{collector.api}/api/v1/models").status_code == 401)
    return collector, token


def test_a_limited_token_learns_nothing_of_other_models(two_models: tuple[Running, str]) -> None:
    """Lists leave out, and paths do not know, the models that a token may not read."""
    collector, token = two_models
    known = bearer(token)
    models = plain_http.get(f"{collector.api}/api/v1/models", headers=known)
    assert [found["name"] for found in models.json()["models"]] == [MODEL]
    assert OTHER not in plain_http.get(collector.api, headers=known).text
    paths = plain_http.get(f"{collector.api}/openapi.json", headers=known).json()["paths"]
    asked = [path for path, methods in paths.items() if "{model}" in path and "get" in methods]
    assert len(asked) >= 5
    for path in asked:
        real, missing = (
            plain_http.get(
                collector.api
                + path.format(
                    model=path_of(model)[1:], version=path_of(VERSION)[1:], baseline_id="a"
                ),
                headers=known,
            )
            for model in (OTHER, "nobody")
        )
        refused(real, 404, "unknown-model")
        assert real.text == missing.text.replace("nobody", OTHER)
    chart = {"model": OTHER, "version": VERSION, "feature": "country"}
    for address, query in (
        (f"{collector.api}/models/{OTHER}/versions/{path_of(VERSION)[1:]}", {}),
        (f"{collector.api}/charts/distribution.svg", chart),
        (f"{collector.api}/charts/performance.svg", {**chart, "metric": "f1"}),
    ):
        page = plain_http.get(address, params=query, headers=known)
        assert page.status_code == 404
        assert f"There is no model &#39;{OTHER}&#39;. Known models: {MODEL}." in page.text


def test_a_limited_token_does_not_do_for_the_whole(two_models: tuple[Running, str]) -> None:
    """What tells of all models at once needs a token that is not limited."""
    collector, token = two_models
    answer = plain_http.get(f"{collector.api}/api/v1/received", headers=bearer(token))
    refused(answer, 403, "limited-token")


def test_a_page_without_models_tells_a_limited_token_nothing(
    start: Start, tokens: StoreTokens, traffic: Traffic
) -> None:
    """Who may read no model yet is not told what came in of others."""
    collector = start()
    assert collector.post(traffic.body()).status_code == 200
    token = tokens.make("limited", "read", models=("none*",))
    page = f"{collector.api}/"
    assert eventually(lambda: plain_http.get(page, headers=bearer("x")).status_code == 401)
    text = plain_http.get(page, headers=bearer(token)).text
    assert "No model that this token may read" in text
    assert "requests came in" not in text


def test_wrong_tokens_are_bounded_and_right_ones_let_in(start: Start, tokens: StoreTokens) -> None:
    """After ten wrong tokens an address is told to wait; a right one from there still opens."""
    right = tokens.make("a", "read")
    models = f"{start().api}/api/v1/models"
    with httpx.Client() as client:
        answers = [client.get(models, headers=bearer("wrong")) for _ in range(12)]
        assert [answer.status_code for answer in answers[:10]] == [401] * 10
        refused(answers[-1], 429, "too-many-failures")
        assert int(answers[-1].headers["retry-after"]) >= 1
        assert client.get(models, headers=bearer(right)).status_code == 200
        assert client.get(models).status_code == 401


def test_other_names_are_refused(start: Start, traffic: Traffic) -> None:
    """On loopback both servers answer to their own names and those allowed: no DNS rebinding."""
    collector = start(security=SecurityOptions(allowed_hosts=("watch.example.org",)))
    models = f"{collector.api}/api/v1/models"
    refused(plain_http.get(models, headers={"Host": "evil.example"}), 421, "unknown-host")
    assert collector.post(traffic.body(), Host="evil.example").status_code == 421
    probe = plain_http.get(f"{collector.api}/readyz", headers={"Host": "10.0.0.7:4319"})
    assert probe.status_code == 200
    assert plain_http.get(models, headers={"Host": "watch.example.org"}).status_code == 200


def test_other_sites_change_nothing(start: Start, tokens: StoreTokens, traffic: Traffic) -> None:
    """What a browser sends for another site is refused where a cookie, or nothing, would do."""
    collector = start()
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        refused(
            plain_http.delete(collector.version("/capture"), headers=headers),
            403,
            "cross-site-request",
        )
        assert collector.post(traffic.body(), **headers).status_code == 403
    preflight = {"Origin": "https://evil.example", "Access-Control-Request-Method": "PUT"}
    for base in (collector.api, collector.otlp):
        answer = httpx.options(base + "/", headers=preflight)
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_every_answer_has_the_safe_headers(start: Start, traffic: Traffic) -> None:
    """Pages, answers, errors and exports all say nosniff, forbid frames, and name no server."""
    collector = start()
    answers = [
        plain_http.get(collector.api + path) for path in ("/", "/api/v1/models", "/no", "/healthz")
    ]
    answers += [collector.post(traffic.body()), collector.post(b"\xff")]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"]
        assert "server" not in answer.headers


def test_a_reachable_address_needs_a_token_or_consent(start: Start, tokens: StoreTokens) -> None:
    """On an address that others reach, a collector starts with a usable token or --insecure."""
    refusal = re.compile("'0.0.0.0'.*modelwatch token create.*--insecure")
    with pytest.raises(ConfigurationError, match=refusal):
        start(host="0.0.0.0")
    tokens.make("old", "read", created_ns=NOW_NS - HOUR_NS, lifetime_ns=1)
    with pytest.raises(ConfigurationError, match=refusal):
        start(host="0.0.0.0")
    token = tokens.make("a", "read")
    collector = start(host="0.0.0.0")
    models = f"{collector.api}/api/v1/models".replace("0.0.0.0", "127.0.0.1")
    assert plain_http.get(models).status_code == 401
    assert plain_http.get(models, headers=bearer(token)).status_code == 200


def test_insecure_is_open_only_without_tokens(start: Start, tokens: StoreTokens) -> None:
    """--insecure lets a collector start without tokens, and ignores none that there are."""
    open_to_all = start(host="0.0.0.0", insecure=True)
    models = f"{open_to_all.api}/api/v1/models".replace("0.0.0.0", "127.0.0.1")
    assert plain_http.get(models).status_code == 200
    tokens.make("a", "read")
    assert eventually(lambda: plain_http.get(models).status_code == 401)
