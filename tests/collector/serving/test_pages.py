from __future__ import annotations

import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from urllib.parse import quote

import httpx
import pytest

import modelwatch as mw
from modelwatch.collector.serving.pages import COMPARED_UNASKED
from tests import plain_http
from tests.collector.conftest import (
    FEATURE,
    MODEL,
    NOW_NS,
    SECOND,
    VERSION,
    Running,
    Start,
    Traffic,
    eventually,
)


class Page(HTMLParser):
    """The tags, texts and links of a page."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(answer.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a tag."""
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        """Return the attributes of every such tag."""
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def drifting(start: Start, baseline: mw.Baseline, traffic: Traffic) -> Running:
    """A collector with a model that drifts now and has an evaluated window."""
    collector = start()
    collector.push(baseline)
    for end_ns in (NOW_NS, NOW_NS - 90 * SECOND, NOW_NS - 300 * SECOND):
        profile = traffic.profile(end_ns=end_ns, shift=30)
        assert collector.post(traffic.body(profile)).status_code == 200
    address = collector.version("/windows")
    assert eventually(lambda: len(plain_http.get(address).json()["windows"]) == 2)
    return collector


def test_empty_list_tells_how_to_begin(start: Start) -> None:
    """Where nothing was received, the page says how the first data is sent."""
    page = Page(plain_http.get(start().api))
    assert "Nothing was received yet" in page.text
    assert "mw.Watch(" in page.text


def test_what_came_without_a_model_is_told(start: Start) -> None:
    """Where requests came in but no model, the page says what they held: a miss is not silent."""
    collector = start()
    assert collector.post(b"").status_code == 200
    assert collector.post(b"\xff").status_code == 400
    page = Page(plain_http.get(collector.api))
    assert "No model yet" in page.text
    assert "2 requests came in, of which 1 were refused" in page.text


def test_list_links_every_version(drifting: Running) -> None:
    """Every model version is listed with its verdict in words, and its link works."""
    page = Page(plain_http.get(drifting.api))
    assert MODEL in page.text
    assert "Drift in 1 of 3 features" in page.text
    links = [a["href"] for a in page.all("a") if a["href"].startswith("/models/")]
    assert len(links) >= 2
    assert {plain_http.get(drifting.api + link).status_code for link in links} == {200}


def test_the_verdict_in_the_list_links_the_window_it_speaks_of(drifting: Running) -> None:
    """What the list says of the last evaluated window is what its link shows."""
    page = Page(plain_http.get(drifting.api))
    (link,) = [a["href"] for a in page.all("a") if "end=" in a["href"]]
    assert "Drift in 1 of 3 features" in Page(plain_http.get(drifting.api + link)).text


def test_an_empty_window_leads_to_the_last_with_data(drifting: Running) -> None:
    """Where nothing came in the window, no feature is listed as if it had been looked at."""
    page = Page(plain_http.get(drifting.page(), params={"window": "1h", "end": "3600"}))
    assert "No data in this window" in page.text
    assert "Missing" not in page.text
    assert "Timeline" in page.text
    link = next(a["href"] for a in page.all("a") if "end=" in a["href"])
    assert "Drift in 1 of 3 features" in Page(plain_http.get(drifting.api + link)).text


def test_version_page_tells_the_finding(drifting: Running) -> None:
    """The page has the verdict, every feature, the timeline and a picture of each feature."""
    page = Page(plain_http.get(drifting.page(), params={"window": "15m"}))
    assert "Drift in 1 of 3 features" in page.text
    assert "\u25b2 drift" in page.text
    for text in (MODEL, VERSION, FEATURE, "country", "score", "Timeline", "\u2013 no drift"):
        assert text in page.text
    pictures = page.all("img")
    assert len(pictures) == 3
    for picture in pictures:
        assert picture["loading"] == "lazy"
        assert picture["alt"]
        assert int(picture["width"]) > int(picture["height"]) > 0


def test_user_data_is_escaped(drifting: Running) -> None:
    """Names that look like markup are text: the page has no script and no foreign tag."""
    answer = plain_http.get(drifting.page())
    page = Page(answer)
    assert not page.all("script")
    assert not page.all("b")
    assert "<script" not in answer.text.lower()
    assert FEATURE in page.text


def test_policy_forbids_everything_else(drifting: Running) -> None:
    """Pages allow no script, no inline style and no other host; they need none."""
    answer = plain_http.get(drifting.page())
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    page = Page(answer)
    assert not [tag for tag, attributes in page.tags if "style" in attributes or tag == "style"]
    for tag, attributes in page.tags:
        for name in ("src", "href", "action"):
            assert attributes.get(name, "/").startswith(("/", "#")), (tag, attributes)


def test_every_link_and_picture_works(drifting: Running) -> None:
    """What the page points at is there, whatever the names hold."""
    page = Page(plain_http.get(drifting.page()))
    addresses = {a["href"] for a in page.all("a") + page.all("link") if a["href"][0] == "/"}
    addresses |= {picture["src"] for picture in page.all("img")}
    assert len(addresses) > 10
    for address in addresses:
        assert plain_http.get(drifting.api + address).status_code == 200, address


def test_charts_are_pictures_with_a_policy(drifting: Running) -> None:
    """A chart is well-formed SVG without script, and is not sent again where it is known."""
    source = Page(plain_http.get(drifting.page())).all("img")[0]["src"]
    answer = plain_http.get(drifting.api + source)
    assert answer.headers["content-type"] == "image/svg+xml"
    assert "sandbox" in answer.headers["content-security-policy"]
    root = ET.fromstring(answer.text)
    assert root.tag.endswith("svg")
    assert not [element for element in root.iter() if element.tag.endswith("script")]
    known = {"If-None-Match": answer.headers["etag"]}
    assert plain_http.get(drifting.api + source, headers=known).status_code == 304


def test_page_is_not_sent_again_unchanged(drifting: Running) -> None:
    """A page that did not change is a 304 to who has it."""
    first = plain_http.get(drifting.page())
    again = plain_http.get(drifting.page(), headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304


def test_page_follows_the_clock_unless_told_otherwise(drifting: Running) -> None:
    """The latest window refreshes by itself; a fixed or paused one does not."""
    assert "refresh" in plain_http.get(drifting.page()).text.split("<title>")[0]
    for parameters in ({"refresh": "off"}, {"end": "1700000000"}):
        answer = plain_http.get(drifting.page(), params=parameters)
        assert "http-equiv" not in answer.text


def test_unknown_model_is_a_page(drifting: Running) -> None:
    """An unknown model is a 404 page that names the known ones, escaped and with the policy."""
    answer = plain_http.get(f"{drifting.api}/models/{quote('<script>', safe='')}/versions/1")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert MODEL in Page(answer).text
    assert not Page(answer).all("script")


def test_unknown_feature_has_no_chart(drifting: Running) -> None:
    """A chart of an unknown feature is a 404."""
    parameters = {"model": MODEL, "version": VERSION, "feature": "other"}
    answer = plain_http.get(f"{drifting.api}/charts/distribution.svg", params=parameters)
    assert answer.status_code == 404


def test_states_without_a_verdict_say_what_to_do(
    start: Start, baseline: mw.Baseline, traffic: Traffic
) -> None:
    """No baseline, and no data, are said with the remedy: never as no drift."""
    collector = start()
    collector.post(traffic.body(traffic.profile(end_ns=NOW_NS - 7_200 * SECOND)))
    page = Page(plain_http.get(collector.page()))
    assert "No baseline to compare with" in page.text
    assert "modelwatch baseline push" in page.text
    collector.push(baseline)
    page = Page(plain_http.get(collector.page()))
    assert "No data in this window" in page.text
    assert "2 h ago" in page.text
    assert "no drift" not in page.text.lower()


def test_another_model_than_the_baselines_is_told(
    start: Start, baseline: mw.Baseline, traffic: Traffic
) -> None:
    """The page and the API say that the service runs another binary, or on other libraries."""
    collector = start()
    collector.push(baseline)
    profile = traffic.profile()
    profile.mismatches.update({"model.hash=0123456789ab": 1, "sklearn": 1})
    collector.post(traffic.body(profile))
    page = plain_http.get(collector.page()).text
    assert "<h2>Training-serving skew</h2>" in page
    assert "another model binary is served than the baseline was made for" in page
    assert "<strong>sklearn</strong> another version is served with" in page
    told = plain_http.get(collector.version("/drift")).json()
    assert told["fingerprint_mismatches"] == ["model.hash", "sklearn"]
    assert told["fingerprint"] == [
        {"part": "model.hash", "expected": "", "actual": "0123456789ab"},
        {"part": "sklearn", "expected": "", "actual": ""},
    ]


def test_many_instances_are_compared_when_asked(
    start: Start, baseline: mw.Baseline, traffic: Traffic
) -> None:
    """A page of many replicas is not held up by comparing them: it links to the comparison."""
    collector = start()
    collector.push(baseline)
    for number in range(COMPARED_UNASKED + 1):
        shift = 30.0 if number == 7 else 0.0
        profile = traffic.profile(end_ns=NOW_NS, instance=f"i{number}", shift=shift)
        collector.post(traffic.body(profile))
    page = Page(plain_http.get(f"{collector.page()}?window=60s"))
    assert "strays from its siblings" not in page.text
    (link,) = [a["href"] for a in page.all("a") if "siblings=compared" in a["href"]]
    assert "window=60s" in link
    compared = Page(plain_http.get(f"{collector.page()}{link}"))
    assert "drifts from its siblings" in compared.text
    assert "i7" in compared.text
    assert not [m for m in compared.all("meta") if m.get("http-equiv") == "refresh"]
