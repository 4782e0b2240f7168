"""Where errors rose."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from modelwatch.baseline import Baseline
from modelwatch.concept.error_axes import feature_axes, score_axes
from modelwatch.concept.where import ErrorRegion, where_changed, where_words
from modelwatch.errors import ConfigurationError
from modelwatch.outcomes.outcome_summary import OutcomeSummary
from tests.labelled_tables import fitted, regression_table, several_table
from tests.outcomes.joined_tables import joined

Table = dict[str, Any]


def payments(seed: int, rows: int, *, mimicry: float = 0.0) -> Table:
    """Payments of which those of large amounts may be fraud, and a model that knows that.

    Fraudsters who mimic normal payments take amounts of 10 to 50, at new shops.
    """
    rng = np.random.default_rng(seed)
    amount = rng.lognormal(3.5, 1.2, rows)
    shop = rng.choice(["known", "new", "abroad"], rows, p=[0.7, 0.2, 0.1])
    risk = np.clip(0.02 + 0.9 / (1 + np.exp(-(np.log(amount) - 5.5) * 4)), 0, 1)
    truth = rng.random(rows) < risk
    truth |= (amount > 10) & (amount < 50) & (shop == "new") & (rng.random(rows) < mimicry)
    hour = np.where(rng.random(rows) < 0.05, np.nan, rng.uniform(0, 24, rows))
    return {
        "amount": amount,
        "shop": shop.tolist(),
        "hour": hour,
        "score": risk,
        "predicted": np.where(risk > 0.5, "fraud", "fine").tolist(),
        "label": np.where(truth, "fraud", "fine").tolist(),
    }


BASELINE = fitted(payments(0, 20_000), score={"fraud": "score"})


def summed(table: Table, baseline: Baseline, *, features: bool = True) -> OutcomeSummary:
    """Sum up the rows of a table."""
    outcomes = OutcomeSummary.empty(baseline)
    outcomes.update(joined(table, baseline, features=features))
    return outcomes


def test_fraud_that_mimics_normal_payments_is_found_there() -> None:
    """The amounts, the shops and the scores of the new fraud are named first."""
    regions = where_changed(summed(payments(1, 4_000, mimicry=0.8), BASELINE))
    by_name = {region.name: region for region in reversed(regions)}
    assert set(by_name) == {"amount", "shop", "score"}
    assert by_name["shop"].where == "is 'new'"
    assert by_name["score"].where == "is up to 0.1"
    assert by_name["score"].kind == "score"
    amount = by_name["amount"]
    low, high = (float(word) for word in amount.where.removeprefix("is ").split(" to "))
    assert 8 < low < 14
    assert 38 < high < 60
    assert all(region.is_worse for region in regions)
    assert amount.p_value < 1e-6
    assert 0 < amount.difference_lower < amount.after - amount.before < amount.difference_upper
    assert "amount is" in where_words(regions)


@pytest.mark.parametrize("side", ["before", "baseline"])
def test_the_rates_are_those_of_the_raw_rows(side: str) -> None:
    """Before and after, in the region, and its contribution is the share of the rise there."""
    old, new = payments(2, 6_000), payments(3, 6_000, mimicry=0.8)
    before = summed(old, BASELINE) if side == "before" else None
    old = old if side == "before" else payments(0, 20_000)
    regions = where_changed(summed(new, BASELINE), before)
    [region] = [region for region in regions if region.name == "shop"]
    rates = []
    for table in (old, new):
        wrong = np.array(table["predicted"]) != np.array(table["label"])
        rates.append(wrong[np.array(table["shop"]) == "new"].mean())
    share = np.mean(np.array(new["shop"]) == "new")
    assert (region.before, region.after) == pytest.approx(rates)
    assert region.contribution == pytest.approx(share * (rates[1] - rates[0]))


def test_the_test_is_that_of_two_proportions() -> None:
    """A bin's p-value is that of scipy's chi-square test with Yates' correction."""
    from modelwatch.comparisons.design_effect import DesignEffect
    from modelwatch.concept import where

    before, after = summed(payments(4, 6_000), BASELINE), summed(payments(5, 3_000), BASELINE)
    [axis] = [axis for axis in feature_axes(after, before) if axis.name == "amount"]
    bins = where._judged(axis, DesignEffect())
    for place in range(10):
        n0, n1 = axis.rows_before[place], axis.rows_after[place]
        e0, e1 = n0 * axis.before[place], n1 * axis.after[place]
        exact = stats.chi2_contingency([[e0, n0 - e0], [e1, n1 - e1]])
        assert bins.p_values[place] == pytest.approx(float(exact.pvalue), rel=1e-6)


def test_rows_without_a_change_have_no_region() -> None:
    """Of 60 windows of 2,000 rows, two at most have one, drifted inputs or not."""
    found = [where_changed(summed(payments(seed + 10, 2_000), BASELINE)) for seed in range(60)]
    assert sum(bool(regions) for regions in found) <= 2


def test_errors_that_rose_alike_everywhere_are_nowhere_in_particular() -> None:
    """A column along which all bins changed alike tells nothing of where."""
    rng = np.random.default_rng(0)
    table = payments(7, 8_000)
    wrong = rng.random(8_000) < 0.2
    table["label"] = np.where(wrong, "fraud", "fine").tolist()
    table["predicted"] = ["fine"] * 8_000
    calm = payments(8, 8_000) | {"predicted": ["fine"] * 8_000}
    calm["label"] = np.where(rng.random(8_000) < 0.05, "fraud", "fine").tolist()
    assert where_changed(summed(table, BASELINE), summed(calm, BASELINE)) == []


def test_dependent_errors_have_no_region() -> None:
    """Errors that come in clusters, as on the baseline, are no change."""
    rng = np.random.default_rng(0)

    def clustered(rows: int) -> Table:
        rate = np.repeat(rng.beta(2, 8, rows // 100), 100)
        wrong = rng.random(rows) < rate
        guess = rng.random(rows) < 0.5
        return {
            "x": rng.normal(size=rows),
            "predicted": np.where(guess, "yes", "no").tolist(),
            "label": np.where(guess ^ wrong, "yes", "no").tolist(),
        }

    baseline = fitted(clustered(20_000))
    found = [where_changed(summed(clustered(2_000), baseline)) for _ in range(60)]
    assert sum(bool(regions) for regions in found) <= 2


def test_large_errors_of_a_regression_are_found() -> None:
    """By the feature, and by the predicted numbers, in standard deviations of the labels."""
    table = regression_table(1, 4_000)
    x = table["x"]
    table["label"] = table["label"] + np.where(x > 1.0, 4.0, 0.0)
    baseline = fitted(regression_table(0, 20_000))
    regions = where_changed(summed(table, baseline))
    assert {region.name for region in regions} == {"x", "predicted"}
    [region] = [region for region in regions if region.name == "x"]
    assert region.where.startswith("is above 0.8")
    assert region.kind == "feature"
    assert {region.kind for region in regions} == {"feature", "prediction"}


def test_an_improvement_is_told_last() -> None:
    """What fell adds less than nothing, and is in no words."""
    regions = where_changed(
        summed(payments(1, 6_000), BASELINE), summed(payments(2, 6_000, mimicry=0.8), BASELINE)
    )
    assert regions
    assert not any(region.is_worse for region in regions)
    assert where_words(regions) == ""
    excess = [region.excess for region in regions]
    assert excess == sorted(excess, reverse=True)


def test_without_captured_features_scores_alone_tell() -> None:
    """The features' values are only known where they were asked for."""
    regions = where_changed(summed(payments(1, 4_000, mimicry=0.8), BASELINE, features=False))
    assert {region.name for region in regions} == {"score"}


def test_each_class_of_several_has_its_scores() -> None:
    """By tenths of every class's score."""
    scores = {name: f"p_{name}" for name in ("ant", "bee", "cat")}
    baseline = fitted(several_table(0), score=scores)
    outcomes = summed(several_table(1, 1_000), baseline)
    axes = score_axes(outcomes, None)
    assert [axis.name for axis in axes] == list(scores.values())
    table = several_table(1, 1_000)
    wrong = (np.array(table["predicted"]) == "ant") != (np.array(table["label"]) == "ant")
    ant = axes[0]
    assert (ant.rows_after * ant.after).sum() == pytest.approx(wrong.sum())


def test_scores_without_predictions_are_judged_by_a_half() -> None:
    """As errors are."""
    table = payments(6, 3_000, mimicry=0.5)
    del table["predicted"]
    base = payments(0, 20_000)
    del base["predicted"]
    baseline = fitted(base, score={"fraud": "score"})
    [axis] = score_axes(summed(table, baseline), None)
    wrong = (np.array(table["score"]) >= 0.5) != (np.array(table["label"]) == "fraud")
    assert (axis.rows_after * axis.after).sum() == pytest.approx(wrong.sum())


def test_outcomes_of_two_baselines_are_refused() -> None:
    """Their bins are not the same."""
    other = fitted(payments(1, 2_000), score={"fraud": "score"})
    with pytest.raises(ConfigurationError, match="compare those of one"):
        where_changed(OutcomeSummary.empty(BASELINE), OutcomeSummary.empty(other))
    assert where_changed(OutcomeSummary.empty(BASELINE)) == []


def test_cells_are_said_in_words() -> None:
    """Open and closed ranges, categories, all others, and missing."""
    axes = {axis.name: axis for axis in feature_axes(summed(payments(1, 500), BASELINE), None)}
    hour, shop = axes["hour"], axes["shop"]
    assert hour.words(0, 1).startswith("is up to ")
    assert hour.words(9, 10).startswith("is above ")
    assert hour.words(0, 10) == "is any number"
    assert hour.words(10, 11) == "is missing"
    assert not hour.joins(10)
    assert [shop.words(place, place + 1) for place in (3, 4)] == ["is any other", "is missing"]


def region(before: float, after: float) -> ErrorRegion:
    """Return a region of these rates."""
    return ErrorRegion(
        kind="feature",
        name="x",
        where="is missing",
        before=before,
        after=after,
        rows_before=100,
        rows_after=100,
        difference_lower=0.0,
        difference_upper=1.0,
        p_value=0.001,
        contribution=after - before,
        excess=after - before,
    )


def test_words_name_the_first_few() -> None:
    """Shares below a tenth have a decimal where they need one."""
    assert where_words([region(0.015, 0.2)] * 5, most=2) == (
        "errors rose most where x is missing (1.5% to 20%), x is missing (1.5% to 20%)"
    )
