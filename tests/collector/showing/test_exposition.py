from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch.collector.showing.exposition import Format, chosen_format, joined, render
from modelwatch.collector.showing.label_values import MOST_CHARACTERS, label_value
from modelwatch.collector.showing.model_metrics import (
    features_left_out,
    standing_metrics,
    traffic_metrics,
)
from modelwatch.collector.showing.traffic import Traffic
from modelwatch.report.drift_report import Severity
from tests.collector.showing.reading import families_in
from tests.collector.showing.reports import profile, standing

FORMATS: tuple[Format, ...] = ("text", "openmetrics")


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", "text"),
        ("*/*", "text"),
        ("text/plain;version=0.0.4;q=0.5,*/*;q=0.1", "text"),
        ("application/openmetrics-text;version=1.0.0;q=0.8,text/plain;q=0.3", "openmetrics"),
        ("Application/OpenMetrics-Text; version=none", "openmetrics"),
        ("application/openmetrics-text; q=0, text/plain", "text"),
        (";;;,,,=", "text"),
    ],
)
def test_format_follows_the_accept_header(accept: str, form: Format) -> None:
    """OpenMetrics is answered to who names it, plain text to all others."""
    assert chosen_format(accept) == form


@pytest.mark.parametrize("form", FORMATS)
@given(name=st.text(max_size=300))
def test_any_name_is_read_back(form: Format, name: str) -> None:
    """Whatever a feature is called, the text can be read, and holds the name as its label."""
    text = render(standing_metrics([standing({name: "drift"})], most_features=5), form).decode()
    families = {family.name: family for family in families_in(text, form)}
    severity = families["modelwatch_drift_severity"].samples
    assert [(s.labels["feature"], s.value) for s in severity] == [(label_value(name), 2.0)]


@given(names=st.sets(st.text(max_size=400), max_size=20))
def test_label_values_are_bounded_and_distinct(names: set[str]) -> None:
    """Names stay apart where they are cut, and none is longer than allowed."""
    sendable = {name.encode("utf-8", "replace") for name in names}
    values = {label_value(name) for name in names}
    assert len(values) == len(sendable)
    assert all(len(value) <= MOST_CHARACTERS for value in values)


@pytest.mark.parametrize("form", FORMATS)
def test_parts_read_as_one_text(form: Format) -> None:
    """Texts that were made apart are joined into one that a strict parser reads."""
    parts = [
        render(standing_metrics([standing({"a": "warning"})], most_features=5), form),
        render(traffic_metrics({("m", "1"): Traffic.of(profile({"": 2}, (0.02, 99.0)))}), form),
    ]
    families = {family.name: family for family in families_in(joined(parts, form).decode(), form)}
    values = {(s.labels["method"]): s.value for s in families["modelwatch_drift_score"].samples}
    assert values == {"psi": 0.1, "js": 0.2, "ks": 0.3, "wasserstein": 0.4, "hellinger": 0.5}
    buckets = {
        s.labels["le"]: s.value
        for s in families["modelwatch_prediction_duration_seconds"].samples
        if s.name.endswith("_bucket")
    }
    assert (buckets["0.01"], buckets["0.025"], buckets["30.0"], buckets["+Inf"]) == (0, 1, 1, 2)


@pytest.mark.parametrize("form", FORMATS)
def test_an_unknown_sum_of_durations_is_left_out(form: Format) -> None:
    """Where a sender told no sum the buckets are shown, and no sum that leaves calls out."""
    known, unknown = profile({"": 1}, (0.02,)), profile({"": 1}, (0.02,))
    unknown.duration_sum_seconds = math.nan
    found = Traffic.of(unknown).plus(Traffic.of(known))
    later = found.beyond(Traffic.of(known)).plus(Traffic.of(known))
    for traffic in (found, later):
        text = render(traffic_metrics({("m", "1"): traffic}), form)
        families = {family.name: family for family in families_in(text.decode(), form)}
        samples = families["modelwatch_prediction_duration_seconds"].samples
        assert not any(sample.name.endswith("_sum") for sample in samples)
        assert max(sample.value for sample in samples) == 2


def test_features_beyond_the_limit_are_counted() -> None:
    """The worst features are shown, and how many are not is told."""
    severities: dict[str, Severity] = {f"f{n}": "none" for n in range(8)}
    found = [standing({**severities, "worst": "drift"})]
    text = render(standing_metrics(found, most_features=3), "text").decode()
    families = {family.name: family for family in families_in(text, "text")}
    shown = [s.labels["feature"] for s in families["modelwatch_drift_severity"].samples]
    assert len(shown) == 3
    assert "worst" in shown
    assert features_left_out(found, most_features=3) == 6


def test_insufficient_data_is_below_zero() -> None:
    """What could not be judged is neither calm nor a warning."""
    text = render(
        standing_metrics([standing({"a": "insufficient_data"})], most_features=3), "text"
    ).decode()
    families = {family.name: family for family in families_in(text, "text")}
    assert [s.value for s in families["modelwatch_drift_severity"].samples] == [-1.0]
