from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest

from modelwatch.baseline import Baseline
from modelwatch.report.drift_report import DriftReport
from tests.cli.conftest import ROWS, Run


def test_text_lists_the_features(run: Run, baseline_file: Path, drifted_file: Path) -> None:
    """The table names what drifted; a finding alone does not fail the command."""
    outcome = run("compare", baseline_file, drifted_file)
    assert outcome.status == 0
    assert "age" in outcome.out
    assert "drift" in outcome.out


def test_json_is_the_report(run: Run, baseline_file: Path, drifted_file: Path) -> None:
    """--format json prints the report's own form, which can be read again."""
    outcome = run("compare", baseline_file, drifted_file, "--format", "json")
    report = DriftReport.from_dict(json.loads(outcome.out))
    assert outcome.status == 0
    assert report.rows == ROWS
    assert report.baseline_id == Baseline.load(baseline_file).id
    assert report.features["age"].severity == "drift"
    assert report.features["plan"].severity == "none"


@pytest.mark.parametrize("severity", ["warning", "drift"])
def test_gate_stops_drift(run: Run, baseline_file: Path, drifted_file: Path, severity: str) -> None:
    """--fail-on ends with status 1 where a feature drifted."""
    assert run("compare", baseline_file, drifted_file, "--fail-on", severity).status == 1


@pytest.mark.parametrize("severity", ["warning", "drift"])
def test_gate_stops_worse_performance(run: Run, tmp_path: Path, severity: str) -> None:
    """--fail-on ends with status 1 where no feature drifted and labels say the model does worse."""
    then, now = (tmp_path / name for name in ("then.csv", "now.csv"))
    rows = np.random.default_rng(0).normal(size=2_000)
    frame = pl.DataFrame({"x": rows, "said": np.where(rows > 0, "yes", "no")})
    frame.with_columns(truth=pl.col("said")).write_csv(then)
    frame.with_columns(truth=pl.col("said").reverse()).write_csv(now)
    baseline = tmp_path / "baseline.json"
    Baseline.fit(then, model="m", version="1", prediction="said", label="truth").save(baseline)
    junit = tmp_path / "drift.xml"
    outcome = run("compare", baseline, now, "--fail-on", severity, "--junit", junit)
    assert outcome.status == 1
    assert "but performance is worse" in outcome.out
    failed = [case.get("name") for case in ElementTree.parse(junit).iter("testcase") if len(case)]
    assert failed == ["performance"]


def test_gate_lets_calm_data_pass(run: Run, baseline_file: Path, calm_file: Path) -> None:
    """--fail-on ends with status 0 where nothing was found."""
    assert run("compare", baseline_file, calm_file, "--fail-on", "warning").status == 0


def test_junit_holds_the_findings(
    run: Run, baseline_file: Path, drifted_file: Path, tmp_path: Path
) -> None:
    """--junit writes one test a feature, and changes neither output nor status."""
    path = tmp_path / "drift.xml"
    plain = run("compare", baseline_file, drifted_file, "--fail-on", "drift")
    outcome = run("compare", baseline_file, drifted_file, "--fail-on", "drift", "--junit", path)
    assert outcome == plain
    cases = ElementTree.parse(path).getroot().iter("testcase")
    failed = {case.get("name"): case.find("failure") is not None for case in cases}
    assert failed == {"age": True, "plan": False, "score": False}


def test_junit_that_cannot_be_written_is_said(
    run: Run, baseline_file: Path, calm_file: Path, tmp_path: Path
) -> None:
    """The file is named, and the status is that of an error."""
    outcome = run("compare", baseline_file, calm_file, "--junit", tmp_path / "no" / "drift.xml")
    assert outcome.status == 2
    assert "drift.xml" in outcome.err


def test_error_is_no_finding(run: Run, baseline_file: Path, tmp_path: Path) -> None:
    """Data that is not there ends with status 2 and names the file, --fail-on or not."""
    outcome = run("compare", baseline_file, tmp_path / "absent.csv", "--fail-on", "drift")
    assert outcome.status == 2
    assert "absent.csv" in outcome.err


def test_absent_baseline_is_named(run: Run, calm_file: Path, tmp_path: Path) -> None:
    """A baseline that is not there ends with status 2 and names the file."""
    outcome = run("compare", tmp_path / "absent.json", calm_file)
    assert outcome.status == 2
    assert "absent.json" in outcome.err


@pytest.mark.parametrize("rows", [0, 5])
def test_gate_does_not_pass_what_cannot_be_judged(
    run: Run, baseline_file: Path, tmp_path: Path, rows: int
) -> None:
    """Too few rows to judge anything end with status 2 under --fail-on, never with 0."""
    path = tmp_path / "few.csv"
    path.write_text("age,plan,score\n" + "40.0,pro,0.5\n" * rows)
    outcome = run("compare", baseline_file, path, "--fail-on", "drift")
    assert outcome.status == 2
    assert len(outcome.err.splitlines()) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is full")
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_full_disk_is_one_line(baseline_file: Path, calm_file: Path, form: str) -> None:
    """Where the output cannot be written, that is one line and status 2, not a finding."""
    words = ["compare", str(baseline_file), str(calm_file), "--format", form]
    code = f"from modelwatch.cli import main; main({words!r})"
    with open("/dev/full", "w") as full:
        outcome = subprocess.run(
            [sys.executable, "-c", code],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert outcome.returncode == 2
    assert "No space left on device" in outcome.stderr
    assert outcome.stderr.count("\n") == 1
