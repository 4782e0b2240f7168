from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from modelwatch.errors import ConfigurationError, DataError, SchemaError
from modelwatch.skew import SkewReport, audit

ROWS = 400


def table() -> pd.DataFrame:
    """Return rows with a number, a whole number, a text, a flag and a time."""
    rng = np.random.default_rng(8)
    return pd.DataFrame(
        {
            "id": np.arange(ROWS),
            "amount": rng.lognormal(3, 1, ROWS),
            "count": rng.poisson(9, ROWS),
            "city": rng.choice(["Oslo", "Bergen", "Tromsø"], ROWS),
            "flag": rng.random(ROWS) < 0.5,
            "at": pd.Timestamp("2026-03-01") + pd.to_timedelta(rng.integers(0, 9**6, ROWS), "s"),
        }
    )


def skewed() -> pd.DataFrame:
    """Return the same rows as served: amounts in cents, a fifth of the cities missing."""
    frame = table()
    return frame.assign(amount=frame["amount"] * 100, city=frame["city"].mask(frame["id"] % 5 == 0))


def written(path: Path, frame: pd.DataFrame) -> Path:
    """Write a frame as the kind of file that the name says."""
    polars = pl.from_pandas(frame)
    polars.write_csv(path) if path.suffix == ".csv" else polars.write_parquet(path)
    return path


FORMS: dict[str, Callable[[Path, pd.DataFrame], Any]] = {
    "pandas": lambda folder, frame: frame,
    "polars": lambda folder, frame: pl.from_pandas(frame),
    "pyarrow": lambda folder, frame: pl.from_pandas(frame).to_arrow(),
    "dict": lambda folder, frame: pl.from_pandas(frame).to_dict(as_series=False),
    "rows": lambda folder, frame: pl.from_pandas(frame).to_dicts(),
    "csv": lambda folder, frame: written(folder / f"{len(frame.columns)}.csv", frame),
    "parquet": lambda folder, frame: written(folder / f"{len(frame.columns)}.parquet", frame),
}


def findings(report: SkewReport) -> dict[str, tuple[int, list[str]]]:
    """Return what was found of each feature."""
    return {
        name: (one.unequal, [kind.name for kind in one.kinds])
        for name, one in report.features.items()
        if one.unequal
    }


@pytest.mark.parametrize("served", FORMS)
@pytest.mark.parametrize("recomputed", ["pandas", "csv", "parquet"])
def test_tables_of_all_kinds_say_the_same(tmp_path: Path, served: str, recomputed: str) -> None:
    """Whatever holds the two tables, the findings are the same."""
    for side in ("served", "recomputed"):
        (tmp_path / side).mkdir()
    ours = FORMS[served](tmp_path / "served", skewed())
    theirs = FORMS[recomputed](tmp_path / "recomputed", table())
    assert findings(audit(ours, theirs)) == {
        "amount": (ROWS, ["factor"]),
        "city": (ROWS // 5, ["missing_in_serving"]),
    }


@pytest.mark.parametrize("hidden", [("pyarrow",), ("pyarrow", "polars")], ids=str)
def test_each_library_reads_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hidden: tuple[str, ...]
) -> None:
    """Without pyarrow, polars or pandas reads the files, and the findings are the same."""
    ours = written(tmp_path / "served.csv", skewed())
    theirs = written(tmp_path / "recomputed.csv", table())
    find = importlib.util.find_spec

    def find_rest(name: str, package: str | None = None) -> object:
        return None if name in hidden else find(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find_rest)
    assert findings(audit(ours, theirs)).keys() == {"amount", "city"}


def test_a_file_without_a_reader_names_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing that reads a file is installed, the packages that do are named."""
    path = written(tmp_path / "served.parquet", table())
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, package=None: None)
    with pytest.raises(DataError, match=r"pyarrow, polars or pandas.*pip install polars"):
        audit(path, path)


def test_columns_of_one_side_are_findings() -> None:
    """A feature that only one table has fails, and is named with its side."""
    report = audit({"id": [1], "a": [1], "b": [2]}, {"id": [1], "a": [1], "c": [3]})
    assert (report.only_served, report.only_recomputed) == (("b",), ("c",))
    assert report.failing(0.5) == ("b", "c")
    assert not report.is_clean


def test_features_and_ignore_take_wildcards() -> None:
    """Only what is asked for is compared, and of that not what is to be ignored."""
    one = {"id": [1], "a_1": [1], "a_2": [2], "b": [3]}
    report = audit(one, one | {"a_9": [1]}, features=["a_*"], ignore="*_2")
    assert list(report.features) == ["a_1"]
    assert report.failing() == ("a_9",)
    with pytest.raises(SchemaError, match="did you mean 'a_1'"):
        audit(one, one, features="a1")


def test_the_index_of_pandas_is_no_feature(tmp_path: Path) -> None:
    """What pandas writes of a frame's index into a file is left out."""
    path = tmp_path / "served.parquet"
    table().sample(frac=1.0, random_state=1).to_parquet(path)
    assert audit(path, table()).is_clean


def test_examples_show_each_kind() -> None:
    """Examples have the key, and what both sides have, of each kind in turn."""
    report = audit(skewed().assign(amount=table()["amount"]), table(), examples=2)
    city = report.features["city"]
    assert [one.key for one in city.examples] == [0, 5]
    assert city.examples[0].served is None
    assert city.examples[0].recomputed == table()["city"][0]
    assert audit(skewed(), table(), examples=0).features["city"].examples == ()


def test_composite_keys_are_shown_whole() -> None:
    """The key of an example has all of its parts."""
    ours = {"user": ["a", "a"], "day": [1, 2], "x": [1.0, 2.0]}
    report = audit(ours, ours | {"x": [1.0, 3.0]}, ["user", "day"])
    assert report.features["x"].examples[0].key == ("a", 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"key": ()}, "key is empty"),
        ({"key": 3}, "key is 3"),
        ({"entity": "id"}, "entity is given without time"),
        ({"examples": -1}, "examples is -1"),
        ({"tolerance": 0.1}, "give a Tolerance"),
    ],
)
def test_wrong_arguments_are_refused(options: dict[str, Any], message: str) -> None:
    """An argument that cannot work is named, with its value."""
    with pytest.raises(ConfigurationError, match=message):
        audit(table(), table(), **options)


def test_wrong_history_columns_are_refused() -> None:
    """Entity and time must be columns, and the times such."""
    with pytest.raises(SchemaError, match="no entity column 'usr'"):
        audit(table(), table(), entity="usr", time="at")
    with pytest.raises(SchemaError, match="'city' holds no times"):
        audit(table(), table(), entity="flag", time="city")


def test_progress_is_told() -> None:
    """The share of the work that is done rises to 1."""
    told: list[float] = []
    audit(table(), table(), progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
