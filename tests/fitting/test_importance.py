"""Importances computed from the model itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LinearRegression, LogisticRegression

import modelwatch as mw
from modelwatch.errors import ConfigurationError, DataError
from modelwatch.fitting.importance import MAX_ROWS, sampled_rows

ROWS = 4_000
NAMES = ["a", "b", "c"]
Table = dict[str, npt.NDArray[Any]]


def inputs(rows: int = ROWS) -> pd.DataFrame:
    """Return three independent inputs, with row labels of their own."""
    rng = np.random.default_rng(0)
    columns = {name: rng.normal(size=rows) for name in NAMES}
    return pd.DataFrame(columns, index=np.arange(rows)[::-1] * 3)


def fitted(data: object, model: object, **options: Any) -> dict[str, float | None]:
    """Return the importances that a baseline holds."""
    baseline = mw.Baseline.fit(data, model="m", version="1", model_object=model, **options)
    return {name: baseline.features[name].importance for name in NAMES}


class Weighted:
    """Predicts 3 a + b: knows nothing of c."""

    def predict(self, table: Any) -> npt.NDArray[np.float64]:
        """Return one number a row."""
        return np.asarray(3 * np.asarray(table["a"]) + np.asarray(table["b"]))


def oracle(model: Any, data: pd.DataFrame, truth: Any, scoring: str) -> npt.NDArray[np.float64]:
    """Return scikit-learn's importances of the same rows, of many permutations."""
    found = permutation_importance(
        model, data, truth, scoring=scoring, n_repeats=20, random_state=0
    )
    return np.asarray(found.importances_mean)


@pytest.mark.parametrize(
    ("scoring", "asked"),
    [("neg_log_loss", lambda model: model), ("accuracy", lambda model: model.predict)],
)
def test_importances_of_classes_are_those_of_scikit_learn(
    scoring: str, asked: Callable[[Any], object]
) -> None:
    """Log loss where the model gives probabilities, else the share of right classes."""
    data = inputs()
    rng = np.random.default_rng(1)
    truth = np.where(2 * data["a"] + data["b"] + rng.logistic(size=ROWS) > 0, "yes", "no")
    model = LogisticRegression().fit(data, truth)
    found = fitted(data.assign(churned=truth), asked(model), label="churned")
    expected = np.maximum(oracle(model, data, truth, scoring), 0)
    assert list(found.values()) == pytest.approx(expected, rel=0.06, abs=0.01)
    assert (found["a"] or 0) > 3 * (found["b"] or 0) > 0


def test_importances_of_numbers_are_those_of_scikit_learn() -> None:
    """The increase of the mean squared error."""
    data = inputs()
    truth = 3 * data["a"] + data["b"] + np.random.default_rng(1).normal(size=ROWS)
    model = LinearRegression().fit(data, truth)
    found = fitted(data.assign(price=truth), model, label="price")
    expected = oracle(model, data, truth, "neg_mean_squared_error")
    assert list(found.values()) == pytest.approx(expected, rel=0.05, abs=0.01)


def test_without_a_label_it_counts_how_far_predictions_move() -> None:
    """Of 3 a + b: E|3 (a' - a)| over sqrt(10) deviations, and 0 for what is not read."""
    found = fitted(inputs(), Weighted())
    root = 2 / np.sqrt(np.pi)  # E|x' - x| of two independent normal values
    assert found["a"] == pytest.approx(3 * root / np.sqrt(10), rel=0.03)
    assert found["b"] == pytest.approx(root / np.sqrt(10), rel=0.03)
    assert found["c"] == 0.0


def test_without_a_label_classes_count_that_changed() -> None:
    """A class of the sign of a changes in half of the rows."""
    found = fitted(inputs(), lambda table: np.where(table["a"] > 0, "up", "down"))
    assert found["a"] == pytest.approx(0.5, abs=0.02)
    assert (found["b"], found["c"]) == (0.0, 0.0)


def test_without_a_label_probabilities_of_all_classes_count() -> None:
    """The mean absolute change over the standard deviation, both summed over classes."""
    model = LogisticRegression().fit(inputs(), inputs()["a"] > 0)
    found = fitted(inputs(), model)
    assert (found["a"] or 0) > 0.5
    assert max(found["b"] or 0, found["c"] or 0) < 0.1


def test_an_input_that_the_model_ignores_has_none() -> None:
    """With labels too: what never helped cannot be missed."""
    data = inputs()
    found = fitted(data.assign(y=3 * data["a"]), Weighted(), label="y")
    assert found["c"] == 0.0


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        (lambda data: data, pd.DataFrame),
        (pl.from_pandas, pl.DataFrame),
        (lambda data: pa.table(dict(data)), pa.Table),
        (lambda data: {name: data[name].to_numpy() for name in data}, dict),
        (lambda data: data.to_dict("records"), list),
    ],
)
def test_the_model_is_given_the_same_kind_of_table(table: Any, kind: type) -> None:
    """With the inputs in their order and nothing else; all kinds give the same importances."""
    seen: list[Any] = []

    def model(given: Any) -> npt.NDArray[np.float64]:
        seen.append(given)
        if isinstance(given, list):
            return np.array([3 * row["a"] + row["b"] for row in given])
        return Weighted().predict(given)

    data = inputs(300)
    found = fitted(table(data.assign(y=3 * data["a"])), model, label="y")
    assert {type(one) for one in seen} == {kind}
    for one in seen:
        names = one.column_names if isinstance(one, pa.Table) else one[0] if kind is list else one
        assert list(getattr(names, "columns", names)) == NAMES
    assert found == fitted(data.assign(y=3 * data["a"]), Weighted(), label="y")


def test_row_labels_of_a_frame_stay() -> None:
    """A shuffled column is shuffled, not put back by its labels."""
    seen: list[pd.DataFrame] = []

    def model(given: pd.DataFrame) -> Any:
        seen.append(given)
        return Weighted().predict(given)

    fitted(inputs(200), model)
    first, second = seen[:2]
    assert first.index.tolist() == second.index.tolist()
    assert first["a"].tolist() != second["a"].tolist()
    assert sorted(first["a"]) == sorted(second["a"])
    assert first["b"].tolist() == second["b"].tolist()


def test_files_and_streams_are_sampled_as_pandas_frames(tmp_path: Path) -> None:
    """The same rows as of a frame in memory, in the same order."""
    data = inputs(12_000).reset_index(drop=True)
    data["y"] = 3 * data["a"] + np.random.default_rng(1).normal(size=12_000)
    whole = fitted(data, Weighted(), label="y")
    data.to_parquet(tmp_path / "train.parquet")

    def frames() -> Iterator[pl.DataFrame]:
        return pl.from_pandas(data).iter_slices(700)

    seen: list[Any] = []

    def model(given: Any) -> Any:
        seen.append(type(given))
        return Weighted().predict(given)

    for source in (tmp_path / "train.parquet", frames):
        assert fitted(source, model, label="y") == pytest.approx(whole, rel=1e-12)
    assert set(seen) == {pd.DataFrame}


def test_columns_of_a_stream_are_as_pandas_reads_them() -> None:
    """Texts, booleans, times and numbers with gaps."""
    frame = pl.DataFrame(
        {
            "word": ["x", None] * 30,
            "flag": [True, False] * 30,
            "gap": [1, None] * 30,
            "at": [dt.date(2024, 1, 1)] * 60,
        }
    )
    seen: list[pd.DataFrame] = []

    def model(given: pd.DataFrame) -> Any:
        seen.append(given)
        return given["flag"].to_numpy()

    mw.Baseline.fit(lambda: iter([frame]), model="m", version="1", model_object=model)
    assert seen[0]["gap"].isna().sum() == seen[0]["word"].isna().sum() == 30
    assert seen[0]["flag"].dtype == bool
    assert seen[0]["at"].dtype.kind == "M"


def test_rows_are_taken_in_the_order_of_time() -> None:
    """A table in any order gives the model the rows of all times, each with its own label."""
    data = inputs(9_000)
    data["at"] = np.random.default_rng(1).permutation(9_000)
    data["y"] = 3 * data["a"] + data["b"]
    seen: list[pd.DataFrame] = []

    def model(given: pd.DataFrame) -> Any:
        seen.append(given)
        return Weighted().predict(given)

    found = fitted(data, model, label="y", timestamp="at")
    times = data.loc[seen[0].index, "at"].to_numpy()
    assert len(times) == MAX_ROWS
    assert np.all(np.diff(times) > 0)
    assert found["c"] == 0.0
    assert found["a"] == pytest.approx(18.0, rel=0.1)  # the loss was 0: every label was right


def test_sampled_rows_are_spread_evenly() -> None:
    """One of each stretch of equal length, the same ones each time."""
    rows = sampled_rows(123_456)
    assert rows.size == MAX_ROWS
    assert np.array_equal(rows, sampled_rows(123_456))
    stretches = np.searchsorted(
        np.linspace(0, 123_456, MAX_ROWS + 1).astype(int), rows, side="right"
    )
    assert stretches.tolist() == list(range(1, MAX_ROWS + 1))
    assert sampled_rows(7).tolist() == list(range(7))


def test_rows_without_a_label_do_not_count() -> None:
    """And where no row has one, it is as without a label."""
    data = inputs(500)
    truth = 3 * data["a"] + data["b"]
    half = np.where(np.arange(500) % 2, truth, np.nan)
    assert fitted(data.assign(y=half), Weighted(), label="y")["c"] == 0.0
    none = data.assign(y=np.full(500, None))
    assert fitted(none, Weighted(), label="y") == fitted(data, Weighted())


def test_outputs_have_no_importance() -> None:
    """Only what the model reads has one."""
    data = inputs(300)
    data["said"] = data["a"]
    baseline = mw.Baseline.fit(
        data, model="m", version="1", prediction="said", model_object=Weighted()
    )
    assert baseline.features["said"].importance is None
    assert mw.Baseline.from_json(baseline.to_json()).id == baseline.id


def test_drift_of_an_input_that_the_model_ignores_is_harmless() -> None:
    """From the model to the verdict: found, called harmless, and no deployment is stopped."""
    data = inputs()
    baseline = mw.Baseline.fit(data, model="m", version="1", model_object=Weighted())
    for name, verdict, severity in (("c", "drifted, harmless", "warning"), ("a", "drift", "drift")):
        now = inputs(1_000).assign(**{name: lambda rows, name=name: rows[name] + 2})
        report = mw.compare(baseline, now)
        assert report.verdict == verdict
        assert report.features[name].severity == severity
        assert report.features[name].harmless == (name == "c")


def _fails(table: Any) -> Any:
    raise ValueError("needs 7 features")


@pytest.mark.parametrize(
    ("model", "error", "words"),
    [
        (3, ConfigurationError, "neither predict_proba nor predict"),
        (LogisticRegression, ConfigurationError, "give the trained model"),
        (_fails, DataError, r"ValueError: needs 7 features.+features=\[\.\.\.\]"),
        (LogisticRegression(), DataError, "NotFittedError"),
        (lambda table: [1.0], DataError, r"shape \(1,\) for 300 rows"),
        (lambda table: 1.0, DataError, r"shape \(\)"),
        (lambda table: np.full(300, np.nan), DataError, "NaN or infinite"),
    ],
)
def test_what_is_no_model_or_fails_is_told(model: object, error: type, words: str) -> None:
    """With the cause, and what to do."""
    with pytest.raises(error, match=words):
        fitted(inputs(300), model)


def test_probabilities_of_other_classes_than_the_labels_are_refused() -> None:
    """Without names of classes, there is a column for each class of the label."""
    data = inputs(300).assign(y=["u", "v", "w"] * 100)
    with pytest.raises(DataError, match=r"2 probabilities a row.+\['u', 'v', 'w'\]"):
        fitted(data, lambda table: np.full((300, 2), 0.5), label="y")


def test_importances_are_given_or_computed_not_both() -> None:
    """The error says to leave one out, before any data is read."""
    with pytest.raises(ConfigurationError, match="leave out one"):
        mw.Baseline.fit(
            "absent.csv", model="m", version="1", importances={"a": 1.0}, model_object=Weighted()
        )


def test_without_pandas_a_stream_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows of a table in memory need none."""
    monkeypatch.setattr("modelwatch.fitting.importance_tables.find_spec", lambda name: None)
    data = pl.from_pandas(inputs(300))
    with pytest.raises(ConfigurationError, match=r"pip install pandas.+in memory"):
        fitted(lambda: iter([data]), Weighted())
    assert fitted(data, Weighted())["c"] == 0.0
