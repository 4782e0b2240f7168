from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import modelwatch as mw
from modelwatch.baseline import Baseline
from modelwatch.comparing.hashed_names import with_plain_names
from modelwatch.profile import Profile
from modelwatch.sketches import Categories
from modelwatch.telemetry import names
from modelwatch.telemetry.privacy import Privacy

Table = dict[str, Any]


@pytest.fixture
def profile(baseline: Baseline, table: Callable[..., Table]) -> Profile:
    """Rows whose countries have moved, one to a country that is new."""
    data = table(3, 2_000)
    data["country"][:600] = ["xx"] * 600
    return Profile.from_data(data, baseline=baseline)


def test_nothing_is_held_back_by_default(profile: Profile) -> None:
    """The profile itself is sent."""
    assert Privacy().applied(profile) is profile


def test_what_is_held_back_stays_in_the_process(profile: Profile) -> None:
    """The profile that the window goes on with is not changed."""
    before = profile.to_json()
    Privacy(redact=["age", re.compile("^d")], hash_categories=True).applied(profile)
    assert profile.to_json() == before


@pytest.mark.parametrize(("redact", "keeps_joint"), [("age", False), ("country", True)])
def test_sums_over_a_redacted_feature_are_held_back(
    profile: Profile, redact: str, keeps_joint: bool
) -> None:
    """Co-moments with other features tell of it too."""
    assert profile.joint is not None
    sent = Privacy(redact=[redact]).applied(profile)
    assert (sent.joint is not None) == keeps_joint
    assert sent.features.keys() == profile.features.keys() - {redact}
    assert sent.rows == profile.rows


def test_scores_of_a_redacted_output_are_held_back(table: Callable[..., Table]) -> None:
    """The scores by bin, from which performance is estimated, are its values too."""
    data = table(0, 4_000)
    data["label"] = data["predicted"]
    baseline = Baseline.fit(
        data, model="m", version="1", prediction="predicted", score="score", label="label"
    )
    profile = Profile.from_data(table(1, 500), baseline=baseline)
    assert profile.scores is not None
    assert Privacy(redact=["age"]).applied(profile).scores is not None
    assert Privacy(redact=["scor?"]).applied(profile).scores is None
    hashed = Privacy(hash_categories=True).applied(profile)
    assert hashed.scores is not None
    assert set(hashed.scores.classes).isdisjoint(profile.scores.classes)
    told, known = mw.compare(baseline, hashed), mw.compare(baseline, profile)
    assert told.performance["roc_auc"].estimated == known.performance["roc_auc"].estimated


def test_a_comparison_is_the_same_with_hashed_categories(
    profile: Profile, baseline: Baseline
) -> None:
    """The baseline's own names are known by their hashes, and a new one stays a hash."""
    hashed = Privacy(hash_categories=True).applied(profile)
    told, known = (mw.compare(baseline, one).to_dict() for one in (hashed, profile))
    for one in (told, known):
        for feature in one["features"].values():
            feature.pop("diagnosis")  # names the new category
    assert told == known
    named = with_plain_names(hashed, baseline).features["country"].values
    assert isinstance(named, Categories)
    assert dict(named.counts).keys() == {"de", "fr", "us", "sha256:5dde896887f6754c"}
    assert with_plain_names(profile, baseline) is profile


def test_features_are_left_out_of_events() -> None:
    """An outlier's event names neither a redacted feature nor the rule that it broke."""
    privacy = Privacy(redact=["ssn", re.compile("secret")], hash_categories=True)
    attributes = {
        names.OUTLIER_FEATURES: ["age", "ssn"],
        names.OUTLIER_RULES: ["range", "type"],
        names.PREDICTION_ID: "p-1",
    }
    assert privacy.applied_to_event(attributes) == {
        names.OUTLIER_FEATURES: ["age"],
        names.OUTLIER_RULES: ["range"],
        names.PREDICTION_ID: "p-1",
    }
    assert privacy.applied_to_event({names.FEATURE_NAME: "ssn"}) is None
    category = {names.FEATURE_NAME: "city", names.FEATURE_CATEGORY: "a secret"}
    assert privacy.applied_to_event(category) == {
        names.FEATURE_NAME: "city",
        names.FEATURE_CATEGORY: "__redacted__",
    }


def test_redactions_are_added_up() -> None:
    """The same one twice counts once."""
    privacy = Privacy(redact=["a"])
    assert privacy.also(["a"]) is privacy
    assert privacy.also(["a", "b*"]).redact == ("a", "b*")
    assert not privacy.hides("A")
    assert np.all([privacy.also(["b*"]).hides(name) for name in ("a", "b", "bc")])
