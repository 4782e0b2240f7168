from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
import polars as pl
import pytest

from modelwatch.errors import ConfigurationError
from modelwatch.skew import Tolerance
from modelwatch.testing import assert_same_features

ROWS = [{"amount": float(n), "city": f"City {n % 7}", "note": None} for n in range(1, 501)]

FORMS: dict[str, Callable[[], Any]] = {
    "pandas": lambda: pd.DataFrame(ROWS, index=range(1_000, 1_500)),
    "polars": lambda: pl.DataFrame(ROWS),
    "pyarrow": lambda: pl.DataFrame(ROWS).to_arrow(),
    "list": lambda: ROWS,
}


@dataclass
class Features:
    """What the service computes."""

    log_amount: float
    city: str


def training(rows: Any) -> Any:
    """Return features of rows of any form, as a frame."""
    frame = pl.DataFrame(rows) if isinstance(rows, list) else rows
    if isinstance(frame, pd.DataFrame):
        return pd.DataFrame(
            {"log_amount": frame["amount"].map(math.log), "city": frame["city"].str.lower()}
        )
    frame = pl.DataFrame(frame)
    return frame.select(
        pl.col("amount").log().alias("log_amount"), pl.col("city").str.to_lowercase()
    )


def serving(row: dict[str, Any]) -> Features:
    """Return the features of one row."""
    return Features(math.log(row["amount"]), row["city"].lower())


async def serving_later(row: dict[str, Any]) -> dict[str, Any]:
    """Return the features of one row, asynchronously."""
    return vars(serving(row))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("serve", [serving, serving_later])
def test_same_features_pass(form: str, serve: Callable[[dict[str, Any]], Any]) -> None:
    """Two paths that make the same features pass, whatever holds the rows; 200 are asked about."""
    report = assert_same_features(training, serve, FORMS[form]())
    assert report.rows == 200
    assert set(report.features) == {"log_amount", "city"}


async def test_it_runs_inside_a_loop() -> None:
    """In an asynchronous test, an asynchronous serving function is awaited all the same."""
    assert assert_same_features(training, serving_later, ROWS, sample=5).rows == 5


def test_the_message_names_feature_kind_and_examples() -> None:
    """Where a feature differs, the message has its name, the kind of difference and examples."""

    def serve(row: dict[str, Any]) -> dict[str, Any]:
        return {"log_amount": math.log(row["amount"]), "city": row["city"]}

    with pytest.raises(AssertionError) as failed:
        assert_same_features(training, serve, ROWS, sample=500)
    message = str(failed.value)
    assert "Skew in 1 of 2 features (500 rows compared)" in message
    assert "city: 500 rows unequal" in message
    assert "category spelling: texts differ in case" in message
    assert "0: served 'City 1', recomputed 'city 1'" in message


def test_a_feature_of_one_side_fails() -> None:
    """A feature that serving does not make is named, unless it is ignored."""

    def serve(row: dict[str, Any]) -> dict[str, Any]:
        return {"city": row["city"].lower()}

    with pytest.raises(AssertionError, match="Only in recomputed: log_amount"):
        assert_same_features(training, serve, ROWS)
    assert_same_features(training, serve, ROWS, ignore="log_*")
    assert_same_features(training, serve, ROWS, features="city")


def test_the_sample_is_that_of_the_seed() -> None:
    """One seed asks about the same rows again, another about others."""

    def asked(seed: int) -> list[float]:
        seen: list[float] = []

        def serve(row: dict[str, Any]) -> Features:
            seen.append(row["amount"])
            return serving(row)

        assert_same_features(training, serve, ROWS, sample=9, seed=seed)
        return seen

    assert asked(1) == asked(1) != asked(2)


def test_tolerance_lets_differences_pass() -> None:
    """Differences within the tolerance pass."""

    def serve(row: dict[str, Any]) -> dict[str, Any]:
        return vars(Features(math.log(row["amount"]) * 1.001, row["city"].lower()))

    with pytest.raises(AssertionError, match=r"factor: served is 1\.001 times recomputed"):
        assert_same_features(training, serve, ROWS)
    assert_same_features(training, serve, ROWS, tolerance=Tolerance(relative=0.01))


@pytest.mark.parametrize(
    ("make", "rows", "message"),
    [
        (training, [], "rows is empty"),
        (training, {"amount": [1.0]}, "give a frame or a list of mappings"),
        (lambda rows: {"city": ["x"]}, ROWS, "training returned features of 1 rows for 200 rows"),
    ],
)
def test_misuse_is_refused(make: Callable[[Any], Any], rows: Any, message: str) -> None:
    """What cannot be compared is refused, with the remedy, and is no failed assertion."""
    with pytest.raises(ConfigurationError, match=message):
        assert_same_features(make, serving, rows)
