"""Baselines: what is fitted, and what is refused."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from modelwatch.baseline import Baseline
from modelwatch.comparing import compare
from modelwatch.errors import ConfigurationError, DataError, FormatError, SchemaError

Table = dict[str, Any]


def fit(data: object, **options: Any) -> Baseline:
    """Fit a baseline of model churn, version 3."""
    return Baseline.fit(data, model="churn", version="3", **options)


def test_roles_and_kinds_are_found(baseline: Baseline) -> None:
    """Columns without another role are inputs; scores are probabilities, booleans categories."""
    assert baseline.inputs == ("age", "income", "visits", "country", "mobile")
    assert baseline.outputs == ("predicted", "score")
    kinds = {name: feature.kind for name, feature in baseline.features.items()}
    assert kinds["score"] == "probability"
    assert kinds["mobile"] == kinds["predicted"] == kinds["country"] == "categorical"
    assert kinds["age"] == kinds["income"] == "numeric"


def test_every_container_gives_the_same_baseline(table: Callable[..., Table]) -> None:
    """pandas, polars, arrow, a mapping and rows of the same values have one content hash."""
    data = table(1, 300)
    plain = {name: list(np.asarray(values).tolist()) for name, values in data.items()}
    rows = [dict(zip(plain, row, strict=True)) for row in zip(*plain.values(), strict=True)]
    tables = [data, plain, rows, pd.DataFrame(plain), pl.DataFrame(plain), pa.table(plain)]
    assert len({fit(one, prediction="predicted", score="score").id for one in tables}) == 1


def test_a_saved_baseline_loads_as_it_was(baseline: Baseline, tmp_path: Path) -> None:
    """The file holds all of it: the content hash is the same."""
    baseline.save(tmp_path / "b.json")
    loaded = Baseline.load(tmp_path / "b.json")
    assert loaded.id == baseline.id
    assert loaded.to_json() == baseline.to_json()
    assert [path.name for path in tmp_path.iterdir()] == ["b.json"]


def test_any_change_changes_the_id(table: Callable[..., Table]) -> None:
    """One other value gives another id."""
    data = table(1, 300)
    before = fit(data).id
    data["age"][0] += 1
    assert fit(data).id != before


def test_rows_are_put_in_order_of_time() -> None:
    """With a timestamp column, shuffled rows give the same variability as ordered ones."""
    rng = np.random.default_rng(0)
    level = np.repeat(rng.normal(size=40), 100) + rng.normal(size=4_000)
    order = rng.permutation(4_000)
    at = np.datetime64("2024-01-01") + np.arange(4_000).astype("timedelta64[m]")
    ordered = fit({"x": level, "at": at}, timestamp="at")
    shuffled = fit({"x": level[order], "at": at[order]}, timestamp="at")
    texts = fit({"x": level[order], "at": [str(t) for t in at[order]]}, timestamp="at")
    effects = [one.features["x"].values_effect for one in (ordered, shuffled, texts)]
    zoned = fit({"x": level[order], "at": [f"{t}Z" for t in at[order]]}, timestamp="at")
    effects.append(zoned.features["x"].values_effect)
    assert effects[0] == effects[1] == effects[2] == effects[3]
    assert effects[0].phi_at(100) > 5
    assert fit({"x": level[order]}).features["x"].values_effect.phi_at(100) < 2


@pytest.mark.parametrize("values", [[b"a"] * 60, [[1.0, 2.0]] * 60, [{"a": 1}] * 60])
def test_a_column_that_cannot_be_watched_is_refused(values: list[Any]) -> None:
    """It would be missing for ever; the error names the column, the type and the remedy."""
    with pytest.raises(SchemaError, match=r"'odd' holds mostly values of type .+features="):
        fit({"odd": values, "x": np.arange(60.0)})
    assert fit({"odd": values, "x": np.arange(60.0)}, features=["x"]).inputs == ("x",)


def test_dates_and_durations_are_numbers() -> None:
    """A column of dates ten years later drifts."""
    day = dt.date(2020, 1, 1)
    days = [day + dt.timedelta(days=index % 90) for index in range(600)]
    lengths = [dt.timedelta(hours=index % 9) for index in range(600)]
    baseline = fit({"day": days, "length": lengths})
    later = {"day": [day.replace(year=2030)] * 99, "length": [one * 100 for one in lengths[:99]]}
    report = compare(baseline, later)
    assert {feature.severity for feature in report.features.values()} == {"drift"}


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(np.zeros((9, 2))),
        pd.DataFrame(np.zeros((9, 2)), columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2)])),
        pa.table([pa.array([1.0]), pa.array([2.0])], names=["a", "a"]),
        {"a": np.zeros((9, 2))},
    ],
)
def test_a_table_without_proper_columns_is_refused(frame: object) -> None:
    """Names that are no texts, doubled names and columns of more dimensions are told as such."""
    with pytest.raises(SchemaError):
        fit(frame)


def test_a_far_value_spoils_no_baseline(table: Callable[..., Table]) -> None:
    """The largest double as an error code is an infinite value, and all else is as it was."""
    data = table(1, 300)
    data["income"][0] = np.finfo(float).max
    baseline = fit(data)
    assert baseline.profile.features["income"].missing == {"inf": 1}
    assert Baseline.from_json(baseline.to_json()).id == baseline.id


def test_a_sorted_column_is_not_taken_for_a_slow_one(caplog: pytest.LogCaptureFixture) -> None:
    """Rows sorted by a feature say nothing of time: it is judged as independent, and that said."""
    rng = np.random.default_rng(0)
    data = {"x": np.sort(rng.normal(size=4_000)), "c": ["a"] * 2_000 + ["b"] * 2_000}
    baseline = fit(data | {"y": rng.normal(size=4_000)})
    assert {baseline.features[name].values_effect.phi_at(500) for name in "xcy"} == {1.0}
    assert "sorted by 'x'" in caplog.text
    assert "sorted by 'y'" not in caplog.text
    report = compare(baseline, {"x": rng.normal(1.0, size=500), "c": ["a"] * 500, "y": [0.0] * 500})
    assert {feature.severity for feature in report.features.values()} == {"drift"}


def test_rows_sorted_by_label_are_taken_as_independent(caplog: pytest.LogCaptureFixture) -> None:
    """Sample data often comes class by class; features that differ by class are no slow stream."""
    rng = np.random.default_rng(0)
    label = np.repeat([0, 1], 2_000)
    baseline = fit({"x": rng.normal(label), "churned": label}, label="churned")
    assert baseline.features["x"].values_effect.phi_at(500) == 1.0
    assert "sorted by 'churned'" in caplog.text


def test_a_continuous_label_in_no_order_keeps_the_order_of_time() -> None:
    """That all its values differ does not make the rows sorted by it."""
    rng = np.random.default_rng(0)
    level = np.repeat(rng.normal(size=40), 100) + rng.normal(size=4_000)
    baseline = fit({"x": level, "price": rng.normal(size=4_000)}, label="price")
    assert baseline.features["x"].values_effect.phi_at(100) > 5


@pytest.mark.parametrize("version", [2, 99])
def test_a_newer_format_is_refused(baseline: Baseline, version: int) -> None:
    """A file of a later release says so, and what to do."""
    document = json.loads(baseline.to_json()) | {"format_version": version}
    with pytest.raises(FormatError, match=f"format version {version}"):
        Baseline.from_json(json.dumps(document))


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[]",
        lambda text: text.replace('"modelwatch.baseline"', '"other"'),
        lambda text: text.replace('"format_version":1', '"format_version":"1"'),
        lambda text: text.replace('"features":', '"feature":'),
        lambda text: text.replace('"bin_edges":[', '"bin_edges":["x",'),
        lambda text: text.replace('"phi":[', '"phi":[1.0,'),
        lambda text: text.replace('"role":"input"', '"role":"entry"'),
    ],
)
def test_a_damaged_file_is_refused(
    baseline: Baseline, tmp_path: Path, damage: Callable[[str], str]
) -> None:
    """Whatever is wrong with it, the error is ours and names the file."""
    path = tmp_path / "b.json"
    path.write_text(damage(baseline.to_json()))
    with pytest.raises(FormatError, match=r"b\.json"):
        Baseline.load(path)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    """A binary file is damaged too."""
    path = tmp_path / "b.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FormatError, match="damaged"):
        Baseline.load(path)


def test_an_absent_file_says_how_to_make_one(tmp_path: Path) -> None:
    """The error names the file and the remedy."""
    with pytest.raises(FormatError, match=r"nowhere\.json.*Baseline\.fit"):
        Baseline.load(tmp_path / "nowhere.json")


@pytest.mark.parametrize("empty", [{}, {"a": []}, [], pd.DataFrame({"a": []})])
def test_no_rows_are_refused(empty: object) -> None:
    """A baseline of nothing would call everything drift."""
    with pytest.raises(DataError, match="no rows"):
        fit(empty)


def test_an_unknown_column_is_named_with_the_nearest() -> None:
    """A typing error is answered by the likely name."""
    with pytest.raises(SchemaError, match=r"'scores'.*Did you mean 'score'"):
        fit({"score": [0.5], "x": [1.0]}, score="scores")


def test_a_row_without_a_time_is_named() -> None:
    """Where the order is not known for all rows, the first of them is told."""
    with pytest.raises(SchemaError, match=r"no time in row 1 \(1 in all\)"):
        fit({"x": [1.0, 2.0], "at": ["2024-01-01", None]}, timestamp="at")


def test_a_column_has_one_role() -> None:
    """Prediction and label cannot be one column."""
    with pytest.raises(SchemaError, match="prediction and as label"):
        fit({"y": [1], "x": [1.0]}, prediction="y", label="y")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"bins": 5}, "bins"),
        ({"bins": 10.5}, "bins"),
        ({"features": "x"}, "features"),
        ({"importances": {"x": "high"}}, "importance of 'x'"),
        ({"importances": {"x": -1.0}}, "importance of 'x'"),
        ({"importances": {"z": 1.0}}, "'z'"),
        ({"timestamp": "word"}, "timestamp column 'word'"),
    ],
)
def test_bad_options_are_named(options: dict[str, Any], named: str) -> None:
    """The message names the option."""
    with pytest.raises((ConfigurationError, SchemaError), match=named):
        fit({"x": [1.0], "word": ["soon"]}, **options)


@pytest.mark.parametrize("values", [[None] * 60, [np.nan] * 60, [np.inf] * 60])
def test_a_feature_without_values_is_kept(values: list[Any]) -> None:
    """A column that training never filled is a feature that is always missing."""
    baseline = fit({"x": values, "y": np.arange(60.0)})
    assert baseline.profile.features["x"].missing_rate == 1.0
    assert Baseline.from_json(baseline.to_json()).id == baseline.id


def test_a_constant_feature_is_kept() -> None:
    """Any other value than the constant is an outlier."""
    feature = fit({"x": [5.0] * 60}).features["x"]
    assert feature.limits.lower < 5.0 < feature.limits.upper
    assert feature.limits.upper - feature.limits.lower < 1e-4


def test_label_and_timestamp_are_no_features(table: Callable[..., Table]) -> None:
    """They are remembered, and left out of the comparison."""
    data = table(1, 100) | {"churned": [1, 0] * 50, "at": np.arange(100.0)}
    baseline = fit(data, label="churned", timestamp="at", prediction="predicted", score="score")
    assert baseline.other_columns == ("churned", "at")
    assert not {"churned", "at"} & baseline.features.keys()


def test_classes_given_as_numbers_are_categories() -> None:
    """A prediction column of 0 and 1 holds classes, not quantities."""
    baseline = fit({"x": np.arange(100.0), "y": [0, 1] * 50}, prediction="y")
    assert baseline.features["y"].kind == "categorical"


def test_a_score_outside_zero_and_one_is_a_number() -> None:
    """Log-odds have quantile bins."""
    baseline = fit({"x": np.arange(100.0), "s": np.linspace(-3, 3, 100)}, score="s")
    assert baseline.features["s"].kind == "numeric"


COLUMNS = {"a": [1.0, 2.0, 3.0, 4.0] * 20, "y": ["no", "yes"] * 40, "p": [0.25, 0.75] * 40}


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"features": 3}, "features is 3"),
        ({"features": [1]}, r"features\[0\] is 1"),
        ({"features": ["a", None]}, r"features\[1\] is None"),
        *(({role: 3}, f"{role} is 3") for role in ("prediction", "label", "timestamp", "segment")),
        *(({role: ""}, f"{role} is ''") for role in ("prediction", "label", "timestamp", "score")),
        ({"prediction": ["y"]}, r"prediction is \['y'\]"),
        ({"score": 3}, "score is 3"),
        ({"score": ["p"]}, r"score is \['p'\]"),
        ({"score": {"yes": 1}}, r"score\['yes'\] is 1"),
        ({"score": {1: "p"}}, "a class of score is 1"),
        ({"score": {}}, r"score is \{\}"),
        ({"importances": [1]}, r"importances is \[1\]"),
        ({"importances": 3}, "importances is 3"),
        ({"importances": {"a": 10**400}}, "the importance of 'a' is a whole number"),
        ({"importances": {"a": "1"}}, "the importance of 'a' is '1'"),
        ({"progress": 3}, "progress is 3"),
        ({"bins": 20.0}, r"bins is 20\.0"),
        ({"seasons": 3}, "seasons is 3"),
    ],
    ids=repr,
)
def test_options_of_a_wrong_type_are_refused(options: dict[str, Any], named: str) -> None:
    """The message names the option, what it is, and what to give."""
    with pytest.raises(ConfigurationError, match=rf"^{named}.*: give "):
        fit(COLUMNS, **options)


@pytest.mark.parametrize("made", [None, 3, "a", {"a": [1]}, pd.DataFrame({"a": [1]})], ids=repr)
def test_a_function_that_returns_no_iterator_is_refused(made: object) -> None:
    """One table is none either: it could not be told from its columns."""
    with pytest.raises(DataError, match="the function given as data returned"):
        fit(lambda: made)


def test_a_function_that_needs_arguments_is_refused() -> None:
    """Before it is called; one that may have some is called without."""
    with pytest.raises(DataError, match="the function given as data needs arguments"):
        fit(lambda month: [{"a": [month]}])
    assert fit(lambda month=1.0: iter([{"a": [month]}])).rows == 1


def test_a_scored_class_without_rows_is_named(caplog: pytest.LogCaptureFixture) -> None:
    """Its name may be wrong, or the class be rare: the baseline is made all the same."""
    made = fit(COLUMNS, label="y", score={"zzz": "p"})
    assert made.label == "y"
    assert "score names ['zzz'], which no row of the label column 'y' is of" in caplog.text
    caplog.clear()
    fit(COLUMNS, label="y", score={"yes": "p"})
    assert "which no row" not in caplog.text


@pytest.mark.parametrize("library", [dict, pd.DataFrame])
def test_half_a_surrogate_pair_is_a_category_like_any_other(
    library: Callable[[object], object], tmp_path: Path
) -> None:
    """It is stored, compared and found again; what it is next to keeps its name."""
    texts = np.array(["\ud800", "a", "ä", "\U0001f600"] * 50, dtype=object)
    for column in (texts, texts.tolist(), np.array([*texts[1:], None], dtype=object)):
        values = pd.Series(column, dtype=object) if library is pd.DataFrame else column
        data = library({"c": values, "a": np.arange(200.0)})
        made = fit(data)
        assert set(made.features["c"].categories or ()) == {"\\ud800", "a", "ä", "\U0001f600"}
        made.save(tmp_path / "b.json")
        assert Baseline.load(tmp_path / "b.json").id == made.id
        found = compare(made, data).features["c"]
        assert found.severity == "none"
        assert found.psi == pytest.approx(0.0)


def test_a_column_whose_name_no_file_can_hold_is_refused() -> None:
    """So is a model of such a name."""
    with pytest.raises(ConfigurationError, match="the name of a column is"):
        fit({"\ud800": [1.0, 2.0]})
    with pytest.raises(ConfigurationError, match="model is"):
        Baseline.fit({"a": [1.0]}, model="\ud800", version="3")


def test_what_is_no_file_or_document_is_refused(baseline: Baseline, tmp_path: Path) -> None:
    """Neither read nor written; a folder that is not there is named."""
    wrong: Any
    for wrong in (3, None, b"b.json", "", "a\0b"):
        with pytest.raises(ConfigurationError, match="path is "):
            Baseline.load(wrong)
        with pytest.raises(ConfigurationError, match="path is "):
            baseline.save(wrong)
    with pytest.raises(ConfigurationError, match="there is no folder"):
        baseline.save(tmp_path / "absent" / "b.json")
    with pytest.raises(ConfigurationError, match="a folder: give the name of a file"):
        baseline.save(tmp_path)
    for wrong in (None, 3, {}):
        with pytest.raises(ConfigurationError, match="give its JSON as a text"):
            Baseline.from_json(wrong)
    assert list(tmp_path.iterdir()) == []
