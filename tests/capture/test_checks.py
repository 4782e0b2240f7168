from __future__ import annotations

import datetime
import decimal
import math
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import modelwatch as mw
from modelwatch.capture.checks import compile_check
from modelwatch.outliers import OutlierLimits
from modelwatch.tables.columns import ABSENT

LIMITS = {
    "number": OutlierLimits(kind="numeric", lower=-5.0, upper=5.0, allows_missing=False),
    "optional": OutlierLimits(kind="numeric", lower=0.0, upper=1.0, allows_missing=True),
    "unbounded": OutlierLimits(kind="numeric", allows_missing=False),
    "text": OutlierLimits(
        kind="categorical", categories=frozenset({"a", "b", "3"}), allows_missing=False
    ),
    "code": OutlierLimits(
        kind="categorical", categories=frozenset({"1", "3", "-7"}), text=False, allows_missing=True
    ),
    "flag": OutlierLimits(
        kind="categorical", categories=frozenset({"true"}), text=False, allows_missing=False
    ),
    "many": OutlierLimits(kind="categorical", categories=None, allows_missing=False),
}

VALUES: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(
        [
            *(None, ABSENT, math.nan, math.inf, -math.inf, "a", "b", "3", "z", "", True, False),
            *(0, 1, 3, -7, 3.0, 2.5, 10**400, b"a", [1], {}, {1}, (), 1j, pd.NA, pd.NaT),
            *(np.float32(0.5), np.int64(3), np.bool_(True), decimal.Decimal("0.5")),
            datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC),
        ]
    ),
    st.floats(-10, 10),
    st.integers(-10, 10),
)


def counted(row: dict[str, Any], limits: dict[str, OutlierLimits]) -> dict[str, str]:
    """Return the outliers of a row as the vectorised counting has them."""
    from modelwatch.outliers import outlier_counts
    from modelwatch.tables.columns import categorical_column, numeric_column

    found = {}
    for name, limit in limits.items():
        column = (
            categorical_column([row[name]], text=limit.text, aliases=limit.aliases)
            if limit.kind == "categorical"
            else numeric_column([row[name]])
        )
        for rule in outlier_counts(column, limit):
            found[name] = str(rule)
    return found


@settings(max_examples=500)
@given(st.tuples(*[VALUES] * len(LIMITS)))
def test_the_inline_check_agrees_with_the_counting(values: tuple[Any, ...]) -> None:
    """A row's inline outliers are those that the profile counts, for values of all types."""
    check = compile_check(LIMITS)
    expected = counted(dict(zip(LIMITS, values, strict=True)), LIMITS)
    assert (check(values) or {}) == expected


def test_random_rows_agree_with_the_profile(baseline: mw.Baseline) -> None:
    """Over many random rows, inline outliers add up to the profile's counts."""
    random = np.random.default_rng(5)
    check = compile_check({name: baseline.features[name].limits for name in baseline.inputs})
    rows = [
        {
            "amount": random.choice(np.array([90.0, 1e6, math.nan, math.inf, None, "x"], object)),
            "count": random.choice(np.array([3, -900, True, None], object)),
            "city": random.choice(np.array(["Bergen", "Rome", 4, None], object)),
        }
        for _ in range(500)
    ]
    inline: Counter[tuple[str, str]] = Counter()
    for row in rows:
        inline.update((check([row[name] for name in baseline.inputs]) or {}).items())
    profile = mw.Profile.from_data(rows, baseline=baseline)
    folded = Counter(
        {
            (name, rule): count
            for name, feature in profile.features.items()
            for rule, count in feature.outliers.items()
        }
    )
    assert inline == folded
    assert len(inline) >= 7


@pytest.mark.parametrize("value", [5.0, -5.0, 5])
def test_limits_are_inclusive(value: float) -> None:
    """A value on the fence is no outlier."""
    check = compile_check({"number": LIMITS["number"]})
    assert check((value,)) is None


def test_no_features_need_no_check() -> None:
    """Without a baseline nothing is an outlier."""
    assert compile_check({})((1, 2)) is None


def test_arrays_do_not_fail_the_check() -> None:
    """A value whose comparison is ambiguous is of a wrong type, not a fault."""
    check = compile_check({"number": LIMITS["number"]})
    assert check((np.array([1.0, 2.0]),)) == {"number": "type"}


def test_a_number_of_thousands_of_digits_may_be_a_category() -> None:
    """A watch starts on whatever text of digits training had."""
    known = frozenset({"1", "9" * 5_000})
    check = compile_check({"id": OutlierLimits(kind="categorical", categories=known, text=False)})
    assert check((1,)) is None
    assert check((2,)) == {"id": "unseen_category"}


@pytest.mark.parametrize("value", [True, 1, 1.0, np.True_, np.int64(1)])
@pytest.mark.parametrize("known", [frozenset({"0", "1"}), frozenset({"false", "true"})])
def test_booleans_and_zeros_and_ones_are_no_outliers_of_each_other(
    known: frozenset[str], value: object
) -> None:
    """Inline, as in the counting, a class may be served as another type of the same value."""
    check = compile_check({"y": OutlierLimits(kind="categorical", categories=known, text=False)})
    assert check((value,)) is None
