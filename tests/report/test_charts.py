from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor

import pytest

import modelwatch as mw
from modelwatch.report import charts
from modelwatch.report.category_shares import category_shares, value_shares
from tests.report.conftest import table

NAMES = list(table(0, 1))


def spec_of(report: mw.DriftReport, name: str) -> str:
    """Return the chart of a feature."""
    assert report.baseline is not None
    assert report.current is not None
    before, now = report.baseline.profile.features[name], report.current.features[name]
    found = charts.distribution_spec(before, now)
    assert found is not None
    return found


@pytest.mark.parametrize("name", NAMES)
def test_every_kind_is_drawn(report: mw.DriftReport, name: str) -> None:
    """Every feature gives well-formed SVG of the size that pages reserve, in our colours."""
    svg = charts.draw(spec_of(report, name))
    root = ET.fromstring(svg)
    assert (root.get("width"), root.get("height")) == (str(charts.WIDTH), str(charts.HEIGHT))
    assert "var(--mw-reference)" in svg
    assert "var(--mw-current)" in svg
    assert "<style>" in charts.standalone(svg)
    ET.fromstring(charts.standalone(svg))


def test_equal_statistics_give_equal_text(report: mw.DriftReport) -> None:
    """The description of a chart is a key: it differs where the picture does."""
    assert spec_of(report, "hour") == spec_of(report, "hour")
    assert spec_of(report, "hour") != spec_of(report, "rain")


def test_drawing_is_safe_in_threads(report: mw.DriftReport) -> None:
    """Charts drawn at the same time in several threads come out as one after another."""
    specs = [spec_of(report, name) for name in NAMES]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(charts.draw, specs)) == [charts.draw(spec) for spec in specs]


def test_categories_are_escaped_data(baseline: mw.Baseline) -> None:
    """Markup, control characters and expressions in a category are shown as text."""
    wild = ["</text><script>x</script>", "\x00\x1b[1m", "a'];alert(1);['", "long " * 40, ""]
    now = mw.Profile.empty("m", "1", baseline=baseline)
    now.update({'[bold]<b>&"é': wild})
    found = charts.distribution_spec(
        baseline.profile.features['[bold]<b>&"é'], now.features['[bold]<b>&"é']
    )
    assert found is not None
    root = ET.fromstring(charts.draw(found))
    assert not [element for element in root.iter() if element.tag.endswith("script")]
    texts = " ".join(root.itertext())
    assert "<script>" in texts
    assert "\x1b" not in texts


def test_nothing_to_draw(baseline: mw.Baseline) -> None:
    """A feature that the baseline lacks has no chart; one without data has the baseline's."""
    assert charts.distribution_spec(None, None) is None
    found = charts.distribution_spec(baseline.profile.features["hour"], None)
    assert found is not None
    assert len(json.loads(found)["layer"]) == 1


def test_category_shares(report: mw.DriftReport) -> None:
    """Shares are of the values on either side; new categories say so; the rest is one bar."""
    features = {f"c{n:02}": [f"v{i % (n + 1)}" for i in range(1_200)] for n in (2, 30)}
    baseline = mw.Baseline.fit(features, model="m", version="1")
    now = mw.Profile.from_data({**features, "c02": ["new"] * 1_200}, baseline=baseline)
    few = category_shares(baseline.profile.features["c02"], now.features["c02"])
    assert few[0].label == "new (new)"
    assert (few[0].reference, few[0].current) == (0.0, 1.0)
    assert sum(bar.reference for bar in few) == pytest.approx(1.0)
    many = category_shares(baseline.profile.features["c30"], now.features["c30"])
    assert many[-1].label == "(others)"
    assert len(many) == 9
    assert sum(bar.current or 0.0 for bar in many) == pytest.approx(1.0)


def test_value_shares(baseline: mw.Baseline) -> None:
    """A number of a few values has a bar for each, by its exact ends, and one for what is new."""
    now = mw.Profile.empty("m", "1", baseline=baseline)
    now.update({"flag": [0.0, 1.0, 1.0, 5.0]})
    bars = value_shares(baseline.profile.features["flag"], now.features["flag"])
    assert [bar.label for bar in bars] == ["0", "1", "others (new)"]
    assert [bar.current for bar in bars] == [0.25, 0.5, 0.25]
    assert value_shares(baseline.profile.features["distance"], None) == []
