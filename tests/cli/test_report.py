from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Run


def test_report_is_one_html_file(
    run: Run, baseline_file: Path, drifted_file: Path, tmp_path: Path
) -> None:
    """The page names the model and the feature that drifted, and asks no other host."""
    path = tmp_path / "r.html"
    outcome = run("report", baseline_file, drifted_file, "-o", path)
    assert (outcome.status, outcome.out) == (0, f"wrote {path}\n")
    page = path.read_text(encoding="utf-8")
    assert "churn" in page
    assert "age" in page
    assert 'src="http' not in page
    assert '<link href="http' not in page


def test_report_says_where_it_cannot_write(
    run: Run, baseline_file: Path, calm_file: Path, tmp_path: Path
) -> None:
    """A folder that is not there is named in one line, with status 2."""
    path = tmp_path / "absent" / "r.html"
    outcome = run("report", baseline_file, calm_file, "-o", path)
    assert outcome.status == 2
    assert f"cannot write {path}" in outcome.err
