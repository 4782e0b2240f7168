"""What is proven, what matters, and what it is called."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import modelwatch as mw

Table = dict[str, np.ndarray]


def table(seed: int, rows: int, shift: float = 0.0) -> Table:
    """Return two normal features, of which the second moves."""
    rng = np.random.default_rng(seed)
    return {"read": rng.normal(size=rows), "ignored": rng.normal(shift, size=rows)}


def fitted(**options: Any) -> mw.Baseline:
    """Return a baseline of both."""
    return mw.Baseline.fit(table(0, 20_000), model="m", version="1", **options)


def test_drift_of_a_feature_that_the_model_ignores_is_harmless() -> None:
    """It is found, called harmless, and stops no deployment."""
    baseline = fitted(importances={"read": 1.0, "ignored": 0.001})
    report = mw.compare(baseline, table(1, 2_000, shift=2.0))
    found = report.features["ignored"]
    assert (found.severity, found.harmless) == ("warning", True)
    assert found.diagnosis is not None
    assert not report.drifted
    assert report.verdict == "drifted, harmless"


def test_drift_of_a_feature_that_matters_is_not() -> None:
    """With its share of the importance, or where importances are unknown, it is drift."""
    for options in ({}, {"importances": {"read": 1.0, "ignored": 0.5}}):
        report = mw.compare(fitted(**options), table(1, 2_000, shift=2.0))
        assert report.features["ignored"].severity == "drift"
        assert not report.features["ignored"].harmless
        assert report.verdict == "drift"


def test_no_drift_is_never_called_harmless_drift() -> None:
    """Nothing moved: nothing is said."""
    baseline = fitted(importances={"read": 1.0, "ignored": 0.0})
    assert mw.compare(baseline, table(2, 2_000)).verdict == "none"


def test_what_counts_as_harmless_can_be_set() -> None:
    """The share of importance below which drift is harmless is a threshold."""
    baseline = fitted(importances={"read": 1.0, "ignored": 0.1})
    current = table(3, 2_000, shift=2.0)
    assert mw.compare(baseline, current).drifted
    lenient = mw.Thresholds(harmless_importance=0.2)
    assert mw.compare(baseline, current, thresholds=lenient).verdict == "drifted, harmless"


@pytest.mark.parametrize(
    "options",
    [
        {"psi_warning": 0.3},
        {"correlation_warning": -0.1},
        {"mean_drift": 0.1},
        {"harmless_importance": 1.5},
        {"false_discovery_rate": 0.0},
        {"minimum_rows": 0},
    ],
)
def test_thresholds_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    """The message names the threshold and what it takes."""
    with pytest.raises(mw.ModelwatchError, match=next(iter(options))):
        mw.Thresholds(**options)


def test_a_large_effect_on_few_rows_is_a_warning_first() -> None:
    """Drift needs to be surer than a warning: sixty rows of a moderate shift are not."""
    reports = [mw.compare(fitted(), table(seed, 60, shift=0.8)) for seed in range(10, 20)]
    found = [report.features["ignored"].severity for report in reports]
    assert "warning" in found
    assert found.count("drift") < len(found)
    surely = mw.compare(fitted(), table(30, 2_000, shift=0.8))
    assert surely.features["ignored"].severity == "drift"


def test_every_effect_has_its_interval() -> None:
    """Of what moved, the interval leaves out no change; of what did not, it holds it."""
    report = mw.compare(fitted(), table(4, 2_000, shift=0.5))
    moved, still = report.features["ignored"].intervals, report.features["read"].intervals
    names = {"psi", "ks", "mean_shift", "std_ratio", "missing_rate", "outlier_rate"}
    assert set(moved) == set(still) == names
    assert moved["mean_shift"][0] < 0.5 < moved["mean_shift"][1]
    assert still["mean_shift"][0] < 0.0 < still["mean_shift"][1]
    assert still["std_ratio"][0] < 1.0 < still["std_ratio"][1]
    assert moved["psi"][0] > 0.0
    assert still["psi"][0] == 0.0


def test_the_tests_behind_a_p_value_are_named() -> None:
    """Numbers have three tests of their values, categories one."""
    rng = np.random.default_rng(5)
    data = {"x": rng.normal(size=5_000), "c": rng.choice(list("abc"), 5_000)}
    baseline = mw.Baseline.fit(data, model="m", version="1")
    report = mw.compare(baseline, {name: values[:1_000] for name, values in data.items()})
    assert {"chi_square", "ks", "location"} <= set(report.features["x"].tests)
    assert set(report.features["c"].tests) == {"chi_square"}


def test_the_probable_cause_has_a_name() -> None:
    """A unit change is named for machines and said for people; columns that were swapped, too."""
    rng = np.random.default_rng(6)
    data = {
        "distance": rng.gamma(3.0, 200.0, 20_000),
        "height": rng.normal(170.0, 8.0, 20_000),
        "weight": rng.normal(70.0, 9.0, 20_000),
    }
    baseline = mw.Baseline.fit(data, model="m", version="1")
    now = {name: values[:3_000] for name, values in data.items()}
    scaled = mw.compare(baseline, now | {"distance": now["distance"] * 1.609344})
    assert scaled.features["distance"].cause == "scale_change"
    assert scaled.features["height"].cause is None
    swapped = mw.compare(baseline, now | {"height": now["weight"], "weight": now["height"]})
    assert swapped.features["height"].cause == "swapped_columns"
    assert "weight" in (swapped.features["height"].diagnosis or "")


def test_values_of_any_size_have_a_report() -> None:
    """Tiny and huge numbers overflow nothing, in the baseline's document neither."""
    rng = np.random.default_rng(7)
    data = {"tiny": rng.normal(size=500) * 1e-158, "huge": rng.normal(size=500) * 1e138}
    baseline = mw.Baseline.from_json(mw.Baseline.fit(data, model="m", version="1").to_json())
    report = mw.compare(baseline, data)
    assert {feature.severity for feature in report.features.values()} == {"none"}


def test_an_output_that_follows_its_inputs_has_no_fault() -> None:
    """A score that came out scaled was not converted: the inputs moved, or the model changed."""
    rng = np.random.default_rng(8)
    data = {"x": rng.normal(size=10_000), "score": rng.gamma(3.0, 1.0, 10_000)}
    baseline = mw.Baseline.fit(data, model="m", version="1", score="score")
    scaled = mw.compare(baseline, data | {"score": data["score"] * 2.54})
    assert scaled.features["score"].severity == "drift"
    assert scaled.features["score"].cause is None
    frozen = mw.compare(baseline, data | {"score": np.full(10_000, 1.0)})
    assert frozen.features["score"].cause == "frozen"


def test_what_is_missing_is_said_once() -> None:
    """An input that no longer comes is missing, and not an outlier besides."""
    rng = np.random.default_rng(9)
    data = {"x": rng.normal(size=2_000), "y": rng.normal(size=2_000)}
    baseline = mw.Baseline.fit(data, model="m", version="1")
    said = mw.compare(baseline, {"x": data["x"]}).features["y"].diagnosis
    assert said == "missing (absent) in 100.0% of rows (baseline 0.0%)"
