from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests import plain_http
from tests.collector.conftest import MODEL, Running, Start, Traffic, eventually
from tests.collector.security.conftest import StoreTokens

PAGE = {"Accept": "text/html"}


@pytest.fixture
def collector(start: Start, traffic: Traffic) -> Running:
    """A collector that knows one model."""
    running = start()
    assert running.post(traffic.body()).status_code == 200
    return running


@pytest.fixture
def browser(collector: Running) -> Iterator[httpx.Client]:
    """A client with cookies that goes where it is led."""
    with httpx.Client(base_url=collector.api, headers=PAGE, follow_redirects=True) as client:
        yield client


def test_a_browser_signs_in_and_out(
    collector: Running, browser: httpx.Client, tokens: StoreTokens
) -> None:
    """A page leads to the form, the form back to the page, and after the sign-out it is closed."""
    token = tokens.make("web", "read")
    assert eventually(lambda: browser.get("/").url.path == "/sign-in")
    form = browser.get("/?x=1")
    assert 'name="next" value="/?x=1"' in form.text
    assert 'type="password"' in form.text
    page = browser.post("/sign-in", data={"token": f" {token}\n", "next": "/?x=1"})
    assert (page.status_code, page.url.path, page.url.query) == (200, "/", b"x=1")
    assert MODEL in page.text
    assert "Sign out" in page.text
    assert token not in str(browser.cookies)
    assert browser.get("/api/v1/models").status_code == 200
    kept = dict(browser.cookies)
    assert browser.post("/sign-out").url.path == "/sign-in"
    assert browser.get("/").url.path == "/sign-in"
    assert plain_http.get(f"{collector.api}/api/v1/models", cookies=kept).status_code == 401


def test_a_revoked_token_ends_its_sessions(browser: httpx.Client, tokens: StoreTokens) -> None:
    """A session is worth no more than the token that it was begun with."""
    token = tokens.make("web", "read")
    assert eventually(lambda: browser.post("/sign-in", data={"token": token}).url.path == "/")
    tokens.revoke("web")
    assert eventually(lambda: browser.get("/").url.path == "/sign-in")


def test_wrong_tokens_are_told_and_not_shown(browser: httpx.Client, tokens: StoreTokens) -> None:
    """The form says what is wrong; what was typed is not in the page."""
    sender = tokens.make("sender", "ingest")
    assert eventually(lambda: browser.get("/").url.path == "/sign-in")
    wrong = browser.post("/sign-in", data={"token": "<i>secret</i>"})
    assert (wrong.status_code, "secret" in wrong.text) == (401, False)
    assert 'role="alert"' in wrong.text
    no_reader = browser.post("/sign-in", data={"token": sender})
    assert (no_reader.status_code, "may not read" in no_reader.text) == (403, True)
    assert browser.post("/sign-in", content=b"\xff" * 10_000).status_code == 400
    assert not browser.cookies


def test_leads_to_no_other_site(browser: httpx.Client, tokens: StoreTokens) -> None:
    """Where the form goes on to is a page of this collector, whatever the link said."""
    token = tokens.make("web", "read")
    assert eventually(lambda: browser.get("/").url.path == "/sign-in")
    for following in ("https://evil.example", "//evil.example", "/\\evil.example", "/\r\nX: y"):
        answer = browser.post(
            "/sign-in", data={"token": token, "next": following}, follow_redirects=False
        )
        assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_other_sites_sign_nobody_in_or_out(browser: httpx.Client, tokens: StoreTokens) -> None:
    """A form of another site begins no session, and what has only a cookie changes nothing."""
    admin = tokens.make("boss", "admin")
    assert eventually(lambda: browser.get("/").url.path == "/sign-in")
    elsewhere = {"Origin": "https://evil.example"}
    refused = browser.post("/sign-in", data={"token": admin}, headers=elsewhere)
    assert (refused.status_code, dict(browser.cookies)) == (403, {})
    browser.post("/sign-in", data={"token": admin})
    path = "/api/v1/models/churn%2Feu/versions/1/capture"
    assert browser.delete(path, headers=elsewhere).status_code == 403
    assert browser.post("/sign-out", headers=elsewhere).status_code == 403
    own = {"Origin": str(browser.base_url).rstrip("/"), "Sec-Fetch-Site": "same-origin"}
    assert browser.delete(path, headers=own).status_code == 404


def test_the_form_allows_no_more_than_itself(browser: httpx.Client) -> None:
    """The page may load our style and send its form here; it is never stored or framed."""
    answer = browser.get("/sign-in")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self'" in policy
    assert "script" not in policy + answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert browser.put("/sign-in").headers["allow"] == "GET, POST"


def test_a_browser_that_is_refused_gets_a_page(
    collector: Running, browser: httpx.Client, tokens: StoreTokens
) -> None:
    """It says what is wrong and leads to the form, and back; programs get the same as a problem."""
    token = tokens.make("some", "read", models=("churn*",))
    assert eventually(lambda: browser.post("/sign-in", data={"token": token}).url.path == "/")
    page = browser.get("/metrics?x=<b>")
    assert (page.status_code, page.headers["content-type"]) == (403, "text/html; charset=utf-8")
    assert "some models only" in page.text
    assert 'href="/sign-in?next=%2Fmetrics%3Fx%3D%253Cb%253E"' in page.text
    assert "script" not in page.text
    assert page.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert (
        'value="/metrics?x=%3Cb%3E"'
        in browser.get("/sign-in?next=%2Fmetrics%3Fx%3D%253Cb%253E").text
    )
    told = browser.get("/api/v1/audit")
    assert told.headers["content-type"] == "application/problem+json"
    program = browser.get("/metrics", headers={"Accept": "*/*"})
    assert program.headers["content-type"] == "application/problem+json"


def test_other_refusals_are_pages_too(
    collector: Running, browser: httpx.Client, tokens: StoreTokens
) -> None:
    """A form that another site sent, and a name that is not this collector's, are told readably."""
    token = tokens.make("web", "read")
    assert eventually(lambda: browser.get("/").url.path == "/sign-in")
    cross = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    answer = browser.post("/sign-in", data={"token": token}, headers=cross)
    assert (answer.status_code, "Cross site request" in answer.text) == (403, True)
    assert 'href="/sign-in?next=%2F"' in answer.text
    other = browser.get("/", headers={"Host": "<i>.example"})
    assert (other.status_code, "&lt;i&gt;.example" in other.text) == (421, True)
