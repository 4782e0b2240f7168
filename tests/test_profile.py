"""Profiles: the same statistics however the rows came."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from modelwatch.baseline import Baseline
from modelwatch.comparing import compare
from modelwatch.errors import ConfigurationError, DataError, FormatError, ProfileMismatch
from modelwatch.profile import Profile
from modelwatch.sketches import Categories, ExponentialHistogram
from tests.conftest import make_table
from tests.distributions import DISTRIBUTIONS, with_sentinels

Table = dict[str, Any]


def part(data: Table, rows: slice) -> Table:
    """Return some rows of a table."""
    return {name: values[rows] for name, values in data.items()}


def exact(profile: Profile) -> dict[str, Any]:
    """Return a profile's document without what floating point sums can round differently."""
    body: dict[str, Any] = json.loads(profile.to_json())
    for feature in body["features"]:
        if feature["moments"]:
            feature["moments"] = {key: feature["moments"][key] for key in ("n", "minimum")}
    body["joint"] = body["joint"]["n"] if body["joint"] else None
    body["features"].sort(key=lambda feature: feature["name"])
    return body


@settings(max_examples=25)
@given(cuts=st.lists(st.integers(0, 400), max_size=4))
def test_merging_parts_gives_the_whole(baseline: Baseline, cuts: list[int]) -> None:
    """However the rows are cut, merging gives the counts of all at once and the same moments."""
    data = make_table(5, 400)
    whole = Profile.from_data(data, baseline=baseline)
    merged = Profile.empty("churn", "3", baseline=baseline)
    bounds = [0, *sorted(cuts), 400]
    for low, high in pairwise(bounds):
        piece = Profile.empty("churn", "3", baseline=baseline)
        piece.update(part(data, slice(low, high)))
        merged = merged.merge(piece)
    assert exact(merged) == exact(whole)
    for name, feature in whole.features.items():
        if feature.moments is not None:
            other = merged.features[name].moments
            assert other is not None
            assert other.mean == pytest.approx(feature.moments.mean, rel=1e-12)
            assert other.variance == pytest.approx(feature.moments.variance, rel=1e-10)
    assert whole.joint is not None
    assert merged.joint is not None
    assert merged.joint.m2 == pytest.approx(whole.joint.m2, rel=1e-9)


def test_rows_and_columns_count_alike(baseline: Baseline, table: Callable[..., Table]) -> None:
    """A row at a time gives what a frame gives."""
    data = table(6, 60)
    plain = {name: np.asarray(values).tolist() for name, values in data.items()}
    profile = Profile.empty("churn", "3", baseline=baseline)
    for row in zip(*plain.values(), strict=True):
        profile.update({name: [value] for name, value in zip(plain, row, strict=True)})
    assert exact(profile) == exact(Profile.from_data(data, baseline=baseline))


@pytest.mark.parametrize("spoil", [lambda x: x, with_sentinels], ids=["plain", "sentinels"])
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_binned_ks_equals_the_raw_one(name: str, spoil: Callable[[np.ndarray], np.ndarray]) -> None:
    """The KS statistic from profiles is within .002 of scipy's on the raw values.

    Without a shift, shifted by a tenth of the spread either way, by half of it and away altogether,
    and scaled; discrete values leave their grid by it.
    """
    rng = np.random.default_rng(11)
    reference = DISTRIBUTIONS[name](rng, 100_000)
    current = DISTRIBUTIONS[name](rng, 20_000)
    spread = float(np.subtract(*np.quantile(reference, [0.84, 0.16]))) / 2
    baseline = Baseline.fit({"x": spoil(reference)}, model="m", version="1")
    for shift, scale in ((0.0, 1.0), (0.1, 1.0), (-0.1, 1.0), (0.5, 1.0), (0.0, 1.2), (99.0, 1.0)):
        moved = current * scale + shift * spread
        if name == "rounded":  # 0.3 - 0.1 is no value of its own beside 0.2
            moved = np.round(moved, 9)
        moved = spoil(moved)
        expected = stats.ks_2samp(spoil(reference), moved, method="asymp").statistic
        found = compare(baseline, {"x": moved}).features["x"].ks
        assert found == pytest.approx(expected, abs=0.002), (shift, scale)


def test_what_is_missing_is_counted_by_reason(baseline: Baseline) -> None:
    """An absent, null, infinite or mistyped value is counted, and no row is lost."""
    profile = Profile.empty("churn", "3", baseline=baseline)
    profile.update(
        {"age": [40.0, None, np.inf, "forty", np.nan], "country": ["de", 3, None, "de", "xx"]}
    )
    age, country = profile.features["age"], profile.features["country"]
    assert age.missing == {"null": 1, "inf": 1, "wrong_type": 1, "nan": 1}
    assert age.outliers == {"missing": 2, "range": 1, "type": 1}
    assert country.missing == {"wrong_type": 1, "null": 1}
    assert country.outliers == {"missing": 1, "type": 1, "unseen_category": 1}
    assert age.total == country.total == profile.rows == 5


def test_an_input_that_a_table_lacks_is_absent(
    baseline: Baseline, table: Callable[..., Table]
) -> None:
    """A column dropped upstream is missing in every row; an output not given is not."""
    data = {name: values for name, values in table(1, 90).items() if name in ("income", "visits")}
    profile = Profile.from_data(data, baseline=baseline)
    assert profile.features["age"].missing == {"absent": 90}
    assert "score" not in profile.features


def test_unexpected_features_are_bounded(baseline: Baseline) -> None:
    """A client that sends ever new names cannot fill the memory."""
    profile = Profile.empty("churn", "3", baseline=baseline)
    profile.update({f"extra{index}": [1.0] for index in range(500)})
    assert len(profile.features) == 50


def test_without_a_baseline_kinds_are_discovered() -> None:
    """Numbers go to exponential bins, texts to a capped vocabulary."""
    profile = Profile.empty("m", "1", outputs=frozenset({"y"}))
    profile.update({"x": [1.0, 2.0], "c": ["a", "b"], "y": [0.5, 0.6]})
    assert isinstance(profile.features["x"].values, ExponentialHistogram)
    assert isinstance(profile.features["c"].values, Categories)
    assert profile.features["y"].role == "output"


def test_a_kind_is_not_decided_by_missing_values() -> None:
    """A first row without a value does not make a feature of texts one of numbers."""
    profile = Profile.empty("m", "1")
    profile.update({"c": [None, None]})
    profile.update({"c": ["x"] * 10})
    assert profile.features["c"].kind == "categorical"
    assert (profile.features["c"].observed, profile.features["c"].missing) == (10, {"null": 2})


def test_calls_are_counted_by_outcome() -> None:
    """Failed calls are told from the others by their exception's type."""
    profile = Profile.empty("m", "1")
    profile.record_calls([0.001, 0.002, 20.0], {"ValueError": 1})
    assert profile.predictions == {"": 2, "ValueError": 1}
    assert profile.duration.total == 3
    assert profile.duration_sum_seconds == pytest.approx(20.003)


@pytest.mark.parametrize("field", ["model", "version", "segment", "baseline_id"])
def test_profiles_of_different_things_do_not_merge(field: str) -> None:
    """The message names what differs."""
    a, b = Profile("m", "1"), Profile("m", "1")
    setattr(b, field, "other")
    with pytest.raises(ProfileMismatch, match=field):
        a.merge(b)


def test_other_bins_do_not_merge() -> None:
    """The message names the feature."""
    a, b = Profile.empty("m", "1"), Profile.empty("m", "1")
    a.update({"x": [1.0]})
    b.update({"x": ["a"]})
    with pytest.raises(ProfileMismatch, match="'x'"):
        a.merge(b)


def test_a_profile_survives_its_document(baseline: Baseline, table: Callable[..., Table]) -> None:
    """Writing and reading changes nothing."""
    profile = Profile.from_data(table(2, 500), baseline=baseline)
    profile.update({"new": [1.0, -2.0, 0.0]})
    profile.record_calls([0.1], {"KeyError": 1})
    profile.dropped["buffer_full"] = 4
    assert Profile.from_json(profile.to_json()).to_json() == profile.to_json()


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:50],
        lambda text: text.replace('"format_version":1', '"format_version":2'),
        lambda text: text.replace('"rows":', '"row":'),
        lambda text: text.replace('"counts":[', '"counts":[-1,'),
        lambda text: text.replace('"kind":"numeric"', '"kind":"odd"'),
    ],
)
def test_a_damaged_document_is_refused(
    baseline: Baseline, table: Callable[..., Table], damage: Callable[[str], str]
) -> None:
    """Whatever is wrong with it, the error is ours."""
    text = Profile.from_data(table(2, 100), baseline=baseline).to_json()
    with pytest.raises(FormatError, match="profile"):
        Profile.from_json(damage(text))


@pytest.mark.parametrize("data", [{}, {"age": []}, []])
def test_no_rows_are_refused(baseline: Baseline, data: object) -> None:
    """There is nothing to compare."""
    with pytest.raises(DataError, match="no rows"):
        Profile.from_data(data, baseline=baseline)


def test_a_table_of_another_model_is_refused(baseline: Baseline) -> None:
    """Where no column is known, the likely cause is the wrong table."""
    with pytest.raises(DataError, match="none of the columns"):
        Profile.from_data({"petal": [1.0]}, baseline=baseline)


@pytest.mark.parametrize("wrong", [None, 3, "b.json", {}], ids=repr)
def test_what_is_no_baseline_profile_or_document_is_refused(baseline: Baseline, wrong: Any) -> None:
    """Each time the argument is named."""
    profile = Profile.empty("churn", "3", baseline=baseline)
    with pytest.raises(ConfigurationError, match=r"baseline is .*: give a Baseline"):
        Profile.from_data({"age": [1.0]}, baseline=wrong)
    with pytest.raises(ConfigurationError, match=r"other is .*: give a Profile"):
        profile.merge(wrong)
    if not isinstance(wrong, str):
        with pytest.raises(ConfigurationError, match="the document of the profile is"):
            Profile.from_json(wrong)
