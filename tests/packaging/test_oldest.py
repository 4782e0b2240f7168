from __future__ import annotations

import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PINS = ROOT / "tests/integrations/oldest.txt"


def lower_bounds(lines: list[str], operator: str) -> dict[str, Version]:
    """Return the version that each requirement names with an operator."""
    found = {}
    for requirement in map(Requirement, lines):
        for specifier in requirement.specifier:
            if specifier.operator == operator:
                found[requirement.name] = Version(specifier.version)
    return found


def test_what_is_tested_as_oldest_is_what_is_promised() -> None:
    """The oldest framework that an extra allows is the one that `make oldest` installs."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    adapters = {path.name.removeprefix("modelwatch_") for path in (ROOT / "integrations").iterdir()}
    promised = lower_bounds([line for name in adapters for line in extras.get(name, [])], ">=")
    lines = [line for line in PINS.read_text().splitlines() if line and not line.startswith("#")]
    pinned = lower_bounds(lines, "==")
    assert promised.keys() & pinned.keys() >= {"fastapi", "flask"}
    assert {name: promised[name] for name in pinned.keys() & promised.keys()} == {
        name: pinned[name] for name in pinned.keys() & promised.keys()
    }
