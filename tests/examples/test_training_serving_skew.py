from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from modelwatch.skew import audit

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "training_serving_skew"

FAULTS = {
    "carrier": "category_spelling",
    "dep_minute": "time_zone",
    "distance": "factor",
    "temp": "rounding",
    "wind_speed": "default_value",
}

TESTED = """
import flights
from modelwatch.testing import assert_same_features
assert_same_features(flights.training_features, flights.serving_features, flights.raw_flights())
"""


def python(*words: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the example's folder."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=EXAMPLE,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.slow
def test_the_faults_of_the_service_are_named(tmp_path: Path) -> None:
    """Each fault that the service's code has is named for what it is, and no other."""
    written = python("flights.py", "--folder", str(tmp_path))
    assert written.returncode == 0, written.stderr
    report = audit(tmp_path / "served.parquet", tmp_path / "recomputed.parquet")
    named = {name: report.features[name].kinds for name in report.failing()}
    assert {name: kinds[0].name for name, kinds in named.items()} == FAULTS
    assert all(len(kinds) == 1 for kinds in named.values())


@pytest.mark.slow
def test_the_assertion_fails(tmp_path: Path) -> None:
    """The test that the README shows fails, and names the features."""
    failed = python("-c", TESTED)
    assert failed.returncode == 1
    assert "AssertionError: Skew in 5 of 13 features (200 rows compared)" in failed.stderr
    assert all(f"{name}: " in failed.stderr for name in FAULTS)
