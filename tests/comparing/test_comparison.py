"""Verdicts: evidence and effect, both needed."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from modelwatch.baseline import Baseline
from modelwatch.comparing import Thresholds, compare
from modelwatch.errors import ConfigurationError, FormatError, ProfileMismatch
from modelwatch.profile import Profile
from modelwatch.report.drift_report import DriftReport

Table = dict[str, Any]
Tables = Callable[..., Table]


def test_the_same_distribution_does_not_drift(baseline: Baseline, table: Tables) -> None:
    """Fresh rows of the training distribution raise nothing, at several window sizes."""
    for rows in (60, 500, 5_000):
        report = compare(baseline, table(rows, rows))
        assert not report.drifted
        assert report.severity == "none"
        assert report.rows == rows


def test_what_was_moved_drifts_and_nothing_else(baseline: Baseline, table: Tables) -> None:
    """A shift of one standard deviation in one feature is found there alone."""
    data = table(1, 2_000)
    data["age"] = data["age"] + 12
    report = compare(baseline, data)
    assert report.drifted
    assert [name for name, found in report.features.items() if found.severity != "none"] == ["age"]
    age = report.features["age"]
    assert age.mean_shift == pytest.approx(1.0, abs=0.06)
    assert age.std_ratio == pytest.approx(1.0, abs=0.05)
    assert age.psi is not None
    assert age.psi > 0.25
    assert report.ranked()[0] is age


def test_psi_equals_the_formula_on_the_raw_rows(baseline: Baseline, table: Tables) -> None:
    """On the same cells, the index from profiles is the one from raw rows, to 1e-9."""
    before, now = table(0, 20_000), table(1, 2_000)
    now["income"] = now["income"] * 1.2
    found = compare(baseline, now).features["income"]
    edges = baseline.features["income"].bin_edges
    assert edges is not None
    heights = (before["income"][:, None] <= edges).mean(axis=0)
    deciles = edges[[int(np.abs(heights - k / 10).argmin()) for k in range(1, 10)]]
    p, q = (
        (np.bincount(np.searchsorted(deciles, data["income"]), minlength=10) + 0.5)
        / (len(data["income"]) + 5)
        for data in (before, now)
    )
    assert found.psi == pytest.approx(float(((q - p) * np.log(q / p)).sum()), abs=1e-9)


def test_a_proven_difference_without_effect_is_no_drift(baseline: Baseline, table: Tables) -> None:
    """200,000 rows prove a shift of a thirtieth of a deviation, which matters to no one."""
    data = table(1, 200_000)
    data["age"] = data["age"] + 0.4
    age = compare(baseline, data).features["age"]
    assert age.p_value is not None
    assert age.p_value < 0.01
    assert age.severity == "none"


def test_too_few_rows_are_a_state_of_their_own(baseline: Baseline, table: Tables) -> None:
    """Whatever 49 rows look like, they are not judged."""
    data = table(1, 49)
    data["age"] = data["age"] + 1_000
    report = compare(baseline, data)
    assert {feature.severity for feature in report.features.values()} == {"insufficient_data"}
    assert not report.drifted
    assert report.features["age"].p_value is None


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("age", [None] * 400, "missing"),
        ("age", [math.nan] * 400, "missing"),
        ("age", [math.inf] * 400, "infinite"),
        ("age", ["40"] * 400, "another type"),
        ("country", [7] * 400, "another type"),
        ("country", ["xx"] * 400, "never seen in training"),
        ("age", [40.0] * 400, "standard deviation"),
    ],
)
def test_a_broken_feature_drifts(
    baseline: Baseline, table: Tables, name: str, values: list[Any], words: str
) -> None:
    """All missing, infinite, mistyped, constant or unknown: drift, with the cause, and finite."""
    report = compare(baseline, table(1, 400) | {name: values})
    found = report.features[name]
    assert found.severity == "drift"
    assert words in (found.diagnosis or "")
    numbers = [
        value for value in report.to_dict()["features"][name].values() if type(value) is float
    ]
    assert all(math.isfinite(number) for number in numbers)


def test_an_input_dropped_upstream_drifts(baseline: Baseline, table: Tables) -> None:
    """A column that is gone is missing in every row."""
    data = table(1, 400)
    del data["income"]
    found = compare(baseline, data).features["income"]
    assert (found.severity, found.missing_rate) == ("drift", 1.0)
    assert "absent" in (found.diagnosis or "")


def test_outputs_not_given_are_not_judged(baseline: Baseline, table: Tables) -> None:
    """A table of inputs alone says nothing of the predictions."""
    data = {name: table(1, 400)[name] for name in baseline.inputs}
    report = compare(baseline, data)
    assert report.features["score"].severity == "insufficient_data"
    assert not report.drifted


def test_extra_columns_are_named(baseline: Baseline, table: Tables) -> None:
    """A feature that the baseline lacks is no drift, and is not passed over in silence."""
    report = compare(baseline, table(1, 400) | {"extra": [1.0] * 400})
    assert report.unexpected == ("extra",)


def test_an_outlier_flood_drifts(baseline: Baseline, table: Tables) -> None:
    """A tenth of impossible values is found, though the deciles hardly move."""
    data = table(1, 1_000)
    data["income"][::10] = -1e9
    found = compare(baseline, data).features["income"]
    assert found.severity == "drift"
    assert found.outlier_rate == pytest.approx(0.1, abs=0.01)
    assert "values outside" in (found.diagnosis or "")


def test_values_for_a_feature_that_was_always_missing() -> None:
    """What training never saw is told by its missing share."""
    baseline = Baseline.fit({"x": [None] * 500, "y": np.arange(500.0)}, model="m", version="1")
    found = compare(baseline, {"x": np.arange(500.0), "y": np.arange(500.0)}).features["x"]
    assert found.severity == "drift"
    assert found.psi is None


def test_what_was_always_missing_is_not_judged() -> None:
    """A feature without a value on either side is not called undrifted."""
    baseline = Baseline.fit({"x": [None] * 500, "y": np.arange(500.0)}, model="m", version="1")
    found = compare(baseline, {"x": [None] * 500, "y": np.arange(500.0)}).features["x"]
    assert found.severity == "insufficient_data"


def test_a_large_index_that_the_baseline_explains_is_said_to_be() -> None:
    """Where blocks of the baseline differ as much, the reader is told why it is no drift."""
    rng = np.random.default_rng(0)
    level = np.repeat(rng.normal(size=60), 200) + 0.1 * rng.normal(size=12_000)
    baseline = Baseline.fit({"x": level}, model="m", version="1")
    found = compare(baseline, {"x": rng.normal() + 0.1 * rng.normal(size=200)}).features["x"]
    assert found.psi is not None
    assert (found.severity, found.psi > 0.25) == ("none", True)
    assert "baseline's own rows" in (found.diagnosis or "")


def test_a_constant_that_changed_drifts() -> None:
    """A constant feature with another constant is drift."""
    baseline = Baseline.fit({"x": [5.0] * 500}, model="m", version="1")
    assert compare(baseline, {"x": [5.0] * 500}).severity == "none"
    assert compare(baseline, {"x": [6.0] * 500}).severity == "drift"


def test_a_disjoint_shift_has_a_ks_of_one(baseline: Baseline, table: Tables) -> None:
    """Values beyond everything that training had are told wholly."""
    data = table(1, 500)
    data["visits"] = data["visits"] + 1_000
    assert compare(baseline, data).features["visits"].ks == pytest.approx(1.0)


def test_profiles_without_a_baseline_are_compared_too(baseline: Baseline, table: Tables) -> None:
    """Rows counted before the service knew its baseline are brought onto its bins."""
    data = table(1, 4_000)
    blind = Profile.empty("churn", "3", outputs=frozenset({"score", "predicted"}))
    blind.update(data)
    report = compare(baseline, blind)
    assert report.severity == "none"
    exact = compare(baseline, data).features["income"]
    assert report.features["income"].ks == pytest.approx(exact.ks, abs=0.02)


@pytest.mark.parametrize("field", ["model", "version"])
def test_another_model_is_refused(baseline: Baseline, field: str) -> None:
    """Comparing one model with another's baseline says nothing."""
    profile = Profile("churn", "3")
    setattr(profile, field, "other")
    with pytest.raises(ProfileMismatch, match=f"{field} .*'other'"):
        compare(baseline, profile)


def test_a_feature_of_another_type_is_named(baseline: Baseline) -> None:
    """A client that sends a histogram for a category is told which feature it is."""
    profile = Profile("churn", "3")
    blind = Profile.empty("churn", "3")
    blind.update({"country": [1.0] * 100})
    profile.features = blind.features
    with pytest.raises(ProfileMismatch, match="'country'"):
        compare(baseline, profile)


@pytest.mark.parametrize(
    "options",
    [
        {"psi_warning": 0.5},
        {"psi_warning": -1.0},
        {"false_discovery_rate": 0.0},
        {"minimum_rows": 0},
    ],
)
def test_impossible_thresholds_are_refused(options: dict[str, Any]) -> None:
    """They are checked when they are made."""
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        Thresholds(**options)


def test_a_report_survives_its_document(baseline: Baseline, table: Tables) -> None:
    """Writing and reading changes nothing."""
    report = compare(baseline, table(1, 400) | {"age": [None] * 400})
    assert DriftReport.from_dict(report.to_dict()) == report
    with pytest.raises(FormatError, match="damaged"):
        DriftReport.from_dict({"model": "m"})


def test_importance_ranks_features_of_one_severity(table: Tables) -> None:
    """Of two that drifted, the one that the model leans on comes first."""
    data = table(0, 4_000)
    weights = {"age": 0.1, "income": 5.0}
    baseline = Baseline.fit(data, model="m", version="1", importances=weights)
    moved = table(1, 1_000)
    moved["age"], moved["income"] = moved["age"] + 24, moved["income"] * 2
    ranked = compare(baseline, moved).ranked()
    assert [feature.name for feature in ranked[:2]] == ["income", "age"]


@pytest.mark.parametrize("rows", [500, 5_000, 50_000])
def test_a_long_tail_of_categories_does_not_drift(rows: int) -> None:
    """Rare names come all the time; as often as the baseline's own rows foretell, it is none."""
    rng = np.random.default_rng(rows)

    def names(count: int) -> list[str]:
        return [f"z{key}" for key in np.minimum(rng.zipf(1.5, count), 5_000)]

    baseline = Baseline.fit({"z": names(rows)}, model="m", version="1")
    found = [compare(baseline, {"z": names(1_000)}).severity for _ in range(20)]
    assert found.count("none") >= 19
    assert compare(baseline, {"z": [f"new{key}" for key in names(1_000)]}).drifted


@pytest.mark.parametrize("trained", [int, bool])
@pytest.mark.parametrize("served", [int, bool, float])
def test_booleans_and_zeros_and_ones_are_the_same_classes(trained: type, served: type) -> None:
    """A model trained on 0 and 1 may answer False and True, and the other way round."""
    rng = np.random.default_rng(0)
    classes = rng.random(4_000) < 0.3
    before = {"y": [trained(value) for value in classes[:3_000]]}
    baseline = Baseline.fit(before, model="m", version="1", prediction="y")
    report = compare(baseline, {"y": [served(value) for value in classes[3_000:]]})
    assert report.severity == "none"
    assert report.features["y"].outlier_rate == 0.0


def test_rows_that_were_trained_on_are_no_drift() -> None:
    """Names that hardly repeat are as new to the model as its own rows were to each other."""
    rng = np.random.default_rng(12)
    data = {
        "names": rng.integers(0, 10_000, 20_000).astype(str),
        "ids": np.arange(20_000).astype(str),
        "zipf": np.minimum(rng.zipf(1.5, 20_000), 5_000).astype(str),
        "x": rng.normal(size=20_000),
        "y": rng.normal(size=20_000),
    }
    baseline = Baseline.fit(data, model="m", version="1")
    for rows in (20_000, 2_000):
        report = compare(baseline, {name: values[:rows] for name, values in data.items()})
        assert {name: f.severity for name, f in report.features.items()} == dict.fromkeys(
            data, "none"
        )


def test_a_report_names_itself_in_short() -> None:
    """In a terminal or a debugger: the model, the rows and the verdict."""
    data = {"x": np.random.default_rng(0).normal(size=500)}
    report = compare(Baseline.fit(data, model="m", version="1"), data)
    assert repr(report) == "<DriftReport m 1: 500 rows of 1 features: none>"
