from __future__ import annotations

import json
from datetime import UTC, datetime
from io import StringIO
from xml.etree import ElementTree

import pytest
from rich.console import Console

from modelwatch.skew import SkewReport, audit
from modelwatch.skew.junit import junit_xml

IDS = [*range(1, 41), 7_001, 7_001]
NAMES = ["Ada\x07", "Grace", "Edsger", "Barbara"] * 10


@pytest.fixture
def report() -> SkewReport:
    """An audit of texts, times and numbers, with rows and columns of one side only."""
    served = {
        "id": IDS,
        "name": [*(name.upper() for name in NAMES), "x", "y"],
        "at": [datetime(2026, 1, 1, hour % 24, tzinfo=UTC) for hour in range(42)],
        "size": [float("inf"), *[1.0] * 41],
        "extra": [1] * 42,
    }
    recomputed = {
        "id": [*range(1, 41), 9_001],
        "name": [*NAMES, "z"],
        "at": [datetime(2026, 1, 1, hour % 24, tzinfo=UTC) for hour in range(41)],
        "size": [1.0] * 41,
    }
    return audit(served, recomputed)


def test_json_holds_all_of_it(report: SkewReport) -> None:
    """The report is plain JSON: times as ISO 8601, infinity as a text."""
    read = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert (read["format"], read["rows"], read["only_served"]) == ("modelwatch.skew", 40, ["extra"])
    assert read["served"]["repeated_examples"] == [7_001]
    assert read["recomputed"]["alone_examples"] == [9_001]
    assert read["features"]["name"]["share"] == 1.0
    assert read["features"]["name"]["kinds"][0]["name"] == "category_spelling"
    assert read["features"]["size"]["examples"] == [{"key": 1, "served": "inf", "recomputed": 1.0}]


def test_the_worst_feature_comes_first(report: SkewReport) -> None:
    """Features are listed by the share of unequal rows."""
    assert list(report.features) == ["name", "size", "at"]


def test_a_share_is_let_pass(report: SkewReport) -> None:
    """Features that differ in no more rows than allowed pass; a column of one side never does."""
    assert report.failing() == ("extra", "name", "size")
    assert report.failing(0.025) == ("extra", "name")
    assert report.failing(1.0) == ("extra",)


@pytest.mark.parametrize("width", [60, 80, 200])
def test_no_values_are_left_for_privacy(report: SkewReport, width: int) -> None:
    """Without values, no key and no text of a row is in any form of the report."""
    kept = report.without_values()
    console = Console(width=width, record=True, file=StringIO())
    console.print(kept)
    forms = [console.export_text(), str(kept), junit_xml(kept), json.dumps(kept.to_dict())]
    for form in forms:
        assert "name" in form
        assert not any(word in form for word in ("ADA", "Ada", "Grace", "7001", "9001"))


def test_the_table_fits_narrow_terminals(report: SkewReport) -> None:
    """On 80 columns, no line is longer and nothing is cut off."""
    console = Console(width=80)
    with console.capture() as captured:
        console.print(report)
    lines = captured.get().splitlines()
    assert max(map(len, lines)) <= 80
    told = " ".join(captured.get().split())
    assert "1 key more than once in served, not compared, as 7001" in told
    assert "1 key (id) only in recomputed, as 9001" in told
    assert "Only in served: extra" in told
    assert "category spelling: texts differ in case" in told


def test_junit_has_a_test_for_each_feature(report: SkewReport) -> None:
    """What fails is a failure with examples; what is let pass is told; columns are tests too."""
    suite = ElementTree.fromstring(junit_xml(report, fail_above=0.5).encode()).find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("4", "2")
    failed = {case.get("name"): case.find("failure") for case in suite.iter("testcase")}
    assert failed["at"] is None
    assert failed["size"] is None
    assert failed["extra"] is not None
    assert failed["name"] is not None
    assert "texts differ in case" in (failed["name"].get("message") or "")
    assert "served 'GRACE', recomputed 'Grace'" in (failed["name"].text or "")


def test_clean_reports_say_so() -> None:
    """Where nothing differs, that is said, with the rows and the tolerance."""
    table = {"id": [1, 2], "x": [1.0, 2.0]}
    assert str(audit(table, table)) == "No skew in 1 feature (2 rows compared)"
