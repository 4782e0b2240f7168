from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest

from tests.cli.conftest import Run

ROWS = 500


def features() -> pl.DataFrame:
    """Return rows of two features, with the user and the day of each."""
    rng = np.random.default_rng(4)
    day = np.datetime64("2026-01-01", "ms") + np.tile(np.arange(50), 10).astype("m8[D]")
    return pl.DataFrame(
        {
            "id": [f"p{number}" for number in range(ROWS)],
            "user": np.repeat(np.arange(10), 50),
            "day": day,
            "amount": rng.lognormal(3, 1, ROWS),
            "city": rng.choice(["Oslo", "Bergen"], ROWS),
        }
    )


@pytest.fixture
def recomputed(tmp_path: Path) -> Path:
    """A Parquet file of what training makes of the rows."""
    path = tmp_path / "recomputed.parquet"
    features().write_parquet(path)
    return path


@pytest.fixture
def served(tmp_path: Path) -> Path:
    """A CSV file as served, in another order: a tenth of the cities in upper case."""
    path = tmp_path / "served.csv"
    shouted = pl.when(pl.int_range(pl.len()) % 10 == 0).then(pl.col("city").str.to_uppercase())
    frame = features().with_columns(city=shouted.otherwise(pl.col("city")))
    frame.sample(fraction=1.0, shuffle=True, seed=1).write_csv(path)
    return path


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    """A CSV file as served that has no skew."""
    path = tmp_path / "clean.csv"
    features().reverse().write_csv(path)
    return path


def test_clean_rows_pass(run: Run, clean: Path, recomputed: Path) -> None:
    """Where nothing differs, the status is 0, and what was compared is said."""
    outcome = run("skew", clean, recomputed, "--key", "id")
    assert outcome.status == 0
    assert "No skew in 4 features" in outcome.out
    assert "500 rows compared" in outcome.out


def test_skew_fails(run: Run, served: Path, recomputed: Path) -> None:
    """Where a feature differs, the status is 1, and it is shown how, with examples."""
    outcome = run("skew", served, recomputed, "--key", "id")
    assert outcome.status == 1
    assert "Skew in 1 of 4 features" in outcome.out
    assert "category spelling: texts differ in case" in outcome.out
    assert "10.0%" in outcome.out
    assert "'p" in outcome.out


@pytest.mark.parametrize(("share", "status"), [("0.09", 1), ("0.1", 0)])
def test_a_share_may_pass(
    run: Run, served: Path, recomputed: Path, share: str, status: int
) -> None:
    """--fail-above lets features pass that differ in no more rows; they are shown all the same."""
    outcome = run("skew", served, recomputed, "--key", "id", "--fail-above", share)
    assert outcome.status == status
    assert "Skew in 1 of 4 features" in outcome.out


def test_json_and_junit_are_written(
    run: Run, served: Path, recomputed: Path, tmp_path: Path
) -> None:
    """--json and --junit write files beside the table; --json - prints JSON alone."""
    files = tmp_path / "skew.json", tmp_path / "skew.xml"
    words = ("skew", served, recomputed, "--key", "id")
    assert run(*words, "--json", files[0], "--junit", files[1]).status == 1
    printed = run(*words, "--json", "-")
    assert json.loads(printed.out) == json.loads(files[0].read_text())
    assert json.loads(printed.out)["features"]["city"]["unequal"] == ROWS // 10
    failed = [
        case.get("name") for case in ElementTree.parse(files[1]).iter("testcase") if len(case)
    ]
    assert failed == ["city"]


def test_unwritable_files_are_errors(
    run: Run, served: Path, recomputed: Path, tmp_path: Path
) -> None:
    """A file that cannot be written ends with status 2, by name."""
    away = tmp_path / "no" / "skew.json"
    outcome = run("skew", served, recomputed, "--key", "id", "--json", away)
    assert outcome.status == 2
    assert f"cannot write {away}" in outcome.err


def test_privacy(run: Run, served: Path, recomputed: Path, tmp_path: Path) -> None:
    """--no-examples shows, and writes, no value and no key."""
    target = tmp_path / "skew.json"
    outcome = run("skew", served, recomputed, "--key", "id", "--no-examples", "--json", target)
    for text in (outcome.out, target.read_text()):
        assert "city" in text
        assert "OSLO" not in text
        assert "'p" not in text


def test_columns_are_chosen(run: Run, served: Path, recomputed: Path) -> None:
    """--features and --ignore say what is compared."""
    words = ("skew", served, recomputed, "--key", "id")
    assert run(*words, "--features", "amount", "--features", "d*").status == 0
    assert run(*words, "--ignore", "c?ty").status == 0
    assert run(*words, "--features", "ctiy").status == 2


def test_composite_keys_and_tolerance(run: Run, recomputed: Path, tmp_path: Path) -> None:
    """Several --key make one key; --tolerance lets small differences pass."""
    path = tmp_path / "served.parquet"
    features().drop("id").with_columns(pl.col("amount") * 1.004).write_parquet(path)
    words = ("skew", path, recomputed, "--key", "user", "--key", "day", "--ignore", "id")
    assert "factor: served is 1.004 times recomputed" in run(*words).out
    assert run(*words, "--tolerance", "0.01").status == 0
    assert run(*words, "--absolute-tolerance", "1000").status == 0


def test_stale_features_are_told(run: Run, recomputed: Path, tmp_path: Path) -> None:
    """With --entity and --time, values of an earlier day are told by how much."""
    path = tmp_path / "served.parquet"
    features().with_columns(pl.col("amount").shift(2).over("user")).drop_nulls().write_parquet(path)
    words = ("skew", path, recomputed, "--key", "id", "--entity", "user", "--time", "day")
    assert "stale: served is what recomputed has 2 days before" in run(*words).out


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("idd", "there is no key column 'idd' in the served rows: did you mean 'id'?"),
        ("city", "comes more than once"),
    ],
)
def test_wrong_keys_are_errors(
    run: Run, served: Path, recomputed: Path, key: str, message: str
) -> None:
    """A key that cannot match rows ends with status 2, and the remedy."""
    outcome = run("skew", served, recomputed, "--key", key)
    assert (outcome.status, outcome.out) == (2, "")
    assert message in outcome.err


def test_unreadable_files_are_errors(run: Run, recomputed: Path, tmp_path: Path) -> None:
    """A file that is absent or no table ends with status 2, by name."""
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 and no more")
    for path in (broken, tmp_path / "absent.csv"):
        outcome = run("skew", path, recomputed, "--key", "id")
        assert outcome.status == 2
        assert path.name in outcome.err


def test_no_common_id_is_an_error(run: Run, recomputed: Path, tmp_path: Path) -> None:
    """Where no id is in both files, ids of both are shown."""
    path = tmp_path / "served.csv"
    features().with_columns(id=pl.lit("q") + pl.col("user").cast(pl.String)).write_csv(path)
    outcome = run("skew", path, recomputed, "--key", "id")
    assert outcome.status == 2
    assert "no 'id' is in both: served has 'q0', 'q1', 'q2', recomputed has 'p0'" in outcome.err
