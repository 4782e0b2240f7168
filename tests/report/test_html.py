from __future__ import annotations

import dataclasses
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

import modelwatch as mw
from modelwatch.errors import ConfigurationError


class Page(HTMLParser):
    """The tags and texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a tag."""
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        self.text += data


@pytest.fixture(scope="module")
def page(report: mw.DriftReport) -> Page:
    """The report as a page."""
    return Page(report.to_html())


def test_tells_the_findings(page: Page, report: mw.DriftReport) -> None:
    """The page has the verdict, every feature with its severity, and what the baseline lacks."""
    drifted = sum(feature.severity == "drift" for feature in report.features.values())
    assert f"Drift in {drifted} of 7 features" in page.text
    for name in (*report.features, "m<odel>", "extra <column>", report.baseline_id):
        assert name in page.text
    together = sum(found.severity == "drift" for found in report.multivariate.values())
    assert page.text.count("\u25b2 drift") == 2 * drifted + together


def test_has_a_chart_a_feature(page: Page, report: mw.DriftReport) -> None:
    """Every feature has its chart inside, described for those who cannot see it."""
    assert [tag for tag, _ in page.tags].count("svg") == len(report.features)
    described = [a["aria-label"] for tag, a in page.tags if a.get("role") == "img"]
    assert len(described) == len(report.features)


def test_has_the_numbers_of_each_feature(page: Page, report: mw.DriftReport) -> None:
    """Every feature has its numbers to unfold: plain statistics, distances, tests."""
    assert [tag for tag, _ in page.tags].count("details") == len(report.features)
    for text in ("95% quantile", "Wasserstein", "Normal scores", "95% interval of now"):
        assert text in page.text


def test_tells_all_that_a_report_has(full: mw.DriftReport) -> None:
    """Verdict, remarks, all inputs together, performance with its strips, and segments."""
    page = Page(full.to_html())
    headings = ("Features", "All inputs together", "Performance", "Segments", "Distributions")
    places = [page.text.index(f"\n{heading}\n") for heading in headings]
    assert places == sorted(places)
    for text in (
        "effect ",
        "probable cause: scale change",
        "mostly in carrier=<UA>",
        "correlation of distance and <i>hour went",
        "worse, beyond chance",
        "Estimated without labels",
        "Too few rows to judge any feature",
    ):
        assert text in page.text, text
    strips = [tags for tag, tags in page.tags if tag == "svg" and tags.get("class") == "strip"]
    assert len(strips) == 3
    assert "ROC AUC: baseline 0.741" in strips[0]["aria-label"]
    assert not {tag for tag, _ in page.tags} & {"i", "ua"}


def test_leaves_out_what_is_not_there(calm: mw.DriftReport) -> None:
    """Without the rest no heading stands alone; why there is no performance is one line."""
    page = Page(dataclasses.replace(calm, multivariate={}).to_html())
    for text in ("together", "Segments", "estimated at"):
        assert text not in page.text
    assert page.text.count("Performance is not estimated") == 1
    read = Page(mw.DriftReport.from_dict(calm.to_dict()).to_html())
    assert "Performance" not in read.text


def test_needs_nothing_else(page: Page) -> None:
    """The page loads no other file and runs no script; user data is not markup."""
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "link", "img", "iframe", "b", "i", "odel", "column"}
    assert not [a for _, a in page.tags if "src" in a]


def test_is_written_to_a_file(report: mw.DriftReport, tmp_path: Path) -> None:
    """A file gets what is returned, in UTF-8."""
    path = tmp_path / "r.html"
    assert report.to_html(path) == path.read_text(encoding="utf-8")


def test_report_from_a_document_has_no_charts(report: mw.DriftReport) -> None:
    """A report that was read from JSON has the table, and no picture."""
    page = Page(mw.DriftReport.from_dict(report.to_dict()).to_html())
    assert "svg" not in {tag for tag, _ in page.tags}
    assert "distance" in page.text


def test_without_the_packages_that_draw_the_remedy_is_named(
    report: mw.DriftReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a base install the error says what to install; a notebook shows the plain form."""
    monkeypatch.delitem(sys.modules, "modelwatch.report.html", raising=False)
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ConfigurationError, match=r"pip install .modelwatch\[collector\]"):
        report.to_html()
    assert report._repr_html_() is None


def test_a_report_is_written_into_a_folder_that_is_there(tmp_path: Path) -> None:
    """Any other is named before a chart is drawn."""
    report = mw.DriftReport(
        model="m", version="1", baseline_id="b", start_ns=0, end_ns=0, rows=9, features={}
    )
    with pytest.raises(ConfigurationError, match="there is no folder"):
        report.to_html(tmp_path / "absent" / "report.html")
