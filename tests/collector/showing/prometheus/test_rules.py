"""The example's files, as Prometheus's own tool judges them."""

from __future__ import annotations

import subprocess

import pytest

from tests.collector.showing.prometheus.stage import EXAMPLE
from tests.servers import debian_program


@pytest.mark.parametrize(
    "words",
    [["check", "config", "prometheus.yml"], ["test", "rules", "modelwatch.rules.test.yml"]],
    ids=" ".join,
)
def test_promtool_finds_nothing_wrong(words: list[str]) -> None:
    """Configuration and rules can be read, and the rules' own tests pass."""
    command = [*debian_program("prometheus", "usr/bin/promtool"), *words]
    done = subprocess.run(command, cwd=EXAMPLE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout
