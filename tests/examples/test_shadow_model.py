"""The example of a model in the shadow of another."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import plain_http
from tests.collector.conftest import Start, eventually, start

__all__ = ["start"]

EXAMPLE = Path(__file__).parents[2] / "examples" / "shadow_model"
ROWS = 2_000


@pytest.mark.slow
def test_both_versions_are_compared_row_by_row(start: Start) -> None:
    """Every row is a pair with a label; a label comes for each of them."""
    collector = start(clock=time.time_ns)
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
    found = f"{collector.api}/api/v1/models/fraud/rollout"

    def labelled() -> int:
        answer = plain_http.get(found).json()
        return int((answer.get("agreement") or {}).get("labelled", 0))

    assert eventually(lambda: labelled() == ROWS, seconds=30)
