"""The example of a model in the shadow of another."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import plain_http
from tests.collector.conftest import Start, eventually, start
from tests.collector.rollouts.test_rollout import moving

__all__ = ["start"]

EXAMPLE = Path(__file__).parents[2] / "examples" / "shadow_model"
ROWS = 2_000


@pytest.mark.slow
def test_both_versions_are_compared_row_by_row(start: Start) -> None:
    """Every row is a pair with a label; a label comes for each of them."""
    collector = start(clock=moving())
    done = subprocess.run(
        [sys.executable, "shadow.py", "--collector", collector.api, "--otlp", collector.otlp],
        cwd=EXAMPLE,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert f"modelwatch rollout fraud --collector {collector.api}" in done.stdout
    asked = f"{collector.api}/api/v1/models/fraud/rollout"
    assert eventually(
        lambda: (
            (plain_http.get(asked, params={"since": "2020-01-01", "stable": "3"}).json())
            .get("agreement", {})
            .get("labelled")
            == ROWS
        )
    )
