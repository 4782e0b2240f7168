from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from modelwatch.settings import SETTINGS


@pytest.fixture(scope="module")
def readme(root: Path) -> str:
    """The text of the README."""
    return (root / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_every_setting_is_documented(readme: str, name: str) -> None:
    """Each environment variable stands in the table, with its default and its meaning."""
    setting = SETTINGS[name]
    row = next(line for line in readme.splitlines() if line.startswith(f"| `{name}` "))
    assert setting.doc in row
    assert setting.default in row


def test_no_setting_is_made_up(readme: str) -> None:
    """The table documents no variable that does not exist."""
    rows = re.findall(r"^\| `((?:OTEL|MODELWATCH)_\w+)` ", readme, flags=re.MULTILINE)
    assert sorted(rows) == sorted(SETTINGS)


def test_quick_start_runs(readme: str, tmp_path: Path) -> None:
    """The quick start runs as printed, and finds the drift that it makes."""
    code = re.findall(r"^```python\n(.*?)^```", readme, flags=re.DOTALL | re.MULTILINE)[0]
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "OTEL_EXPORTER_OTLP_TIMEOUT": "1"},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.stdout.split()[0] == "True"


def test_files_that_the_readme_names_exist(readme: str, root: Path) -> None:
    """No link and no picture of the README leads nowhere."""
    targets = re.findall(r"\]\(([^)#:]+)\)", readme)
    assert [target for target in targets if not (root / target).exists()] == []
