from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from modelwatch.baseline import Baseline
from modelwatch.cli.baseline import parse_score
from modelwatch.errors import ConfigurationError
from tests.cli.conftest import ROWS, Run


def test_build_writes_what_fit_makes(baseline_file: Path) -> None:
    """The file holds the features, roles and rows of the data."""
    baseline = Baseline.load(baseline_file)
    assert (baseline.model, baseline.version, baseline.rows) == ("churn", "3", ROWS)
    assert baseline.inputs == ("age", "plan")
    assert baseline.outputs == ("score",)


def test_build_takes_bins_and_label(run: Run, training_file: Path, tmp_path: Path) -> None:
    """--bins and --label reach the baseline."""
    path = tmp_path / "other.json"
    built = run(
        "baseline", "build", training_file, "-o", path, "--model", "m", "--version", "1",
        "--label", "plan", "--bins", "20",
    )  # fmt: skip
    baseline = Baseline.load(path)
    edges = baseline.features["age"].bin_edges
    assert built.out == f"wrote {path}: 2 features of {ROWS} rows\n"
    assert baseline.label == "plan"
    assert edges is not None
    assert len(edges) < 60


def test_build_names_a_column_that_is_not_there(
    run: Run, training_file: Path, tmp_path: Path
) -> None:
    """A wrong column name is one line that names it, and status 2."""
    built = run(
        "baseline", "build", training_file, "-o", tmp_path / "b.json", "--model", "m",
        "--version", "1", "--timestamp", "tme",
    )  # fmt: skip
    assert built.status == 2
    assert "tme" in built.err
    assert len(built.err.splitlines()) == 1


def test_build_says_where_it_cannot_write(run: Run, training_file: Path, tmp_path: Path) -> None:
    """A folder that is not there is named in one line, with status 2."""
    path = tmp_path / "absent" / "b.json"
    built = run("baseline", "build", training_file, "-o", path, "--model", "m", "--version", "1")
    assert built.status == 2
    assert f"cannot write {path}" in built.err


def test_show_lists_the_features(run: Run, baseline_file: Path) -> None:
    """Each feature is a line with its kind; categories are named."""
    shown = run("baseline", "show", baseline_file)
    assert shown.status == 0
    lines = {words[1]: words for words in map(str.split, shown.out.splitlines()) if len(words) > 5}
    assert {"age", "plan", "score"} <= lines.keys()
    assert "numeric" in lines["age"]
    assert "categorical" in lines["plan"]
    assert "basic" in shown.out


@pytest.mark.parametrize("content", [b"", b"{}", b"\x00\x01", b'{"format": "other"}'])
def test_show_refuses_a_damaged_file(run: Run, tmp_path: Path, content: bytes) -> None:
    """A file that is no baseline is one line that names it, and status 2."""
    path = tmp_path / "damaged.json"
    path.write_bytes(content)
    shown = run("baseline", "show", path)
    assert shown.status == 2
    assert "damaged.json" in shown.err
    assert len(shown.err.splitlines()) == 1


@pytest.mark.parametrize("texts", [["a", "b"], ["yes=a", "yes=b"], ["=a"], ["yes="]])
def test_wrong_score_is_refused(texts: list[str]) -> None:
    """Several scores without a class each, or a class twice, are refused."""
    with pytest.raises(ConfigurationError, match="CLASS=COLUMN"):
        parse_score(texts)


@pytest.mark.parametrize("name", [".", "folder", "absent/b.json"])
def test_a_file_that_cannot_be_written_is_one_line(
    run: Run, training_file: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A folder in place of a file, or a folder that is not there, is named, with status 2."""
    monkeypatch.chdir(training_file.parent)
    Path("folder").mkdir()
    built = run("baseline", "build", training_file, "-o", name, "--model", "m", "--version", "1")
    assert built.status == 2
    assert built.err.startswith(f"error: cannot write {name}: ")
    assert built.err.count("\n") == 1


def test_names_are_no_markup(run: Run, tmp_path: Path) -> None:
    """Square brackets in a name or a category are shown as they are."""
    data = {"[/x]": ["[red]a", "b"] * 30, ":smile:": [1.0, 2.0] * 30}
    path = tmp_path / "b.json"
    Baseline.fit(data, model="[/m]", version="[bold]1").save(path)
    shown = run("baseline", "show", path)
    assert shown.status == 0
    for name in ("[/m] [bold]1", "[/x]", "[red]a", ":smile:"):
        assert name in shown.out


def test_segments_are_built_shown_and_compared(
    run: Run, training_file: Path, drifted_file: Path, tmp_path: Path
) -> None:
    """--segment reaches the baseline; its segments are listed, and each has findings in JSON."""
    path = tmp_path / "by_plan.json"
    built = run(
        "baseline", "build", training_file, "-o", path, "--model", "m", "--version", "1",
        "--segment", "plan",
    )  # fmt: skip
    assert built.status == 0
    assert set(Baseline.load(path).segments) == {"basic", "pro"}
    assert "segments by plan: " in run("baseline", "show", path).out
    found = json.loads(run("compare", path, drifted_file, "--format", "json").out)
    assert {name: part["severity"] for name, part in found["segments"].items()} == {
        "basic": "drift", "pro": "drift",
    }  # fmt: skip


def test_a_finding_of_a_segment_alone_does_not_fail(
    run: Run, training_file: Path, tmp_path: Path
) -> None:
    """--fail-on looks at the whole."""
    path, now = tmp_path / "by_plan.json", tmp_path / "now.csv"
    frame = pl.read_csv(training_file)
    rare = pl.when(pl.int_range(pl.len()) % 40 == 0)
    frame.with_columns(plan=rare.then(pl.lit("trial")).otherwise("plan")).write_csv(training_file)
    moved = rare.then(pl.col("age") + 15).otherwise("age")
    pl.read_csv(training_file).with_columns(age=moved).write_csv(now)
    run(
        "baseline", "build", training_file, "-o", path, "--model", "m", "--version", "1",
        "--segment", "plan",
    )  # fmt: skip
    found = json.loads(run("compare", path, now, "--format", "json").out)
    assert (found["severity"], found["segments"]["trial"]["severity"]) == ("none", "drift")
    assert run("compare", path, now, "--fail-on", "warning").status == 0


def test_show_tells_importances(run: Run, baseline_file: Path, tmp_path: Path) -> None:
    """Where the baseline has them, and no column where it has none."""
    assert "importance" not in run("baseline", "show", baseline_file).out
    data = {"age": [1.0, 2.0] * 50, "plan": ["a", "b"] * 50}
    weighted = Baseline.fit(data, model="m", version="1", importances={"age": 0.625})
    weighted.save(tmp_path / "weighted.json")
    shown = run("baseline", "show", tmp_path / "weighted.json").out
    assert "importance" in shown
    assert "0.625" in shown
