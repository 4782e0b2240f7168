"""Outlying values by rule."""

from __future__ import annotations

import math

import numpy as np
import pytest

from modelwatch.outliers import OutlierLimits, numeric_fences, outlier_counts
from modelwatch.tables.columns import ABSENT, categorical_column, numeric_column
from tests.distributions import DISTRIBUTIONS, with_sentinels

NUMBERS = OutlierLimits(kind="numeric", lower=0.0, upper=10.0, allows_missing=False)
TEXTS = OutlierLimits(kind="categorical", categories=frozenset("ab"), allows_missing=False)


def test_each_value_breaks_one_rule_at_most() -> None:
    """Range, type and missing are told apart, the limits themselves are inside."""
    column = numeric_column([0.0, 10.0, 10.1, -1, math.inf, None, math.nan, ABSENT, "5"])
    assert outlier_counts(column, NUMBERS) == {"range": 3, "missing": 3, "type": 1}


def test_categories_break_their_own_rules() -> None:
    """A category that training never had, a number, and nothing at all."""
    column = categorical_column(["a", "z", 3, None], text=True)
    assert outlier_counts(column, TEXTS) == {"unseen_category": 1, "type": 1, "missing": 1}


def test_missing_values_are_allowed_where_training_had_some() -> None:
    """Then they are counted missing, and are no outliers."""
    limits = OutlierLimits(kind="numeric", lower=0.0, upper=1.0, allows_missing=True)
    assert outlier_counts(numeric_column([None, 0.5]), limits) == {}


def test_nothing_is_unseen_where_not_all_was_kept() -> None:
    """With more categories than can be remembered no value is called new."""
    limits = OutlierLimits(kind="categorical", categories=None)
    assert outlier_counts(categorical_column(["anything"]), limits) == {}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_training_data_hardly_has_outliers(name: str) -> None:
    """At most half a percent of the baseline's own rows lie outside its fences."""
    values = DISTRIBUTIONS[name](np.random.default_rng(0), 20_000)
    low, high = numeric_fences(values)
    assert np.mean((values < low) | (values > high)) <= 0.005


@pytest.mark.parametrize("name", ["normal", "exponential", "poisson", "kelvin"])
def test_error_codes_do_not_move_the_fences(name: str) -> None:
    """A baseline with 0.1% of error codes still calls them outliers."""
    values = with_sentinels(DISTRIBUTIONS[name](np.random.default_rng(0), 20_000))
    assert numeric_fences(values)[1] < 1e6
