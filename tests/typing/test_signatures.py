from __future__ import annotations

import re
from pathlib import Path

from mypy import api

FOLDER = Path(__file__).parent
CONFIGURATION = FOLDER.parents[1] / "pyproject.toml"


def errors_of(path: Path) -> dict[int, str]:
    """Return the lines that mypy finds fault with, and the code of the fault."""
    out, err, _ = api.run(["--config-file", str(CONFIGURATION), "--no-pretty", str(path)])
    assert not err, err
    found = re.findall(rf"{path.name}:(\d+): error: .*\[([a-z-]+)\]$", out, flags=re.MULTILINE)
    return {int(line): code for line, code in found}


def test_decorated_functions_keep_their_signatures() -> None:
    """Callers of sync, async and generator functions and of methods see what was written."""
    assert errors_of(FOLDER / "decorated.py") == {}


def test_wrong_calls_are_found(tmp_path: Path) -> None:
    """A call that the function would not take is an error for the type checker."""
    source = (FOLDER / "wrong_calls.txt").read_text(encoding="utf-8")
    path = tmp_path / "wrong_calls.py"
    path.write_text(source, encoding="utf-8")
    expected = {
        number: line.partition("# expect: ")[2]
        for number, line in enumerate(source.splitlines(), start=1)
        if "# expect: " in line
    }
    assert errors_of(path) == expected
