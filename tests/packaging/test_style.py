from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path
    for folder in ("modelwatch", "integrations", "examples", "tests")
    for path in (ROOT / folder).rglob("*.py")
    if "build" not in path.parts
)
MODULES = [path for path in SOURCES if "tests" not in path.relative_to(ROOT).parts]

LONGEST_MODULE = 400
LONGEST_FUNCTION = 70
LONG_FUNCTION = 45
SHARE_OF_LONG_FUNCTIONS = 0.05
DUMPING_GROUNDS = {"base.py", "common.py", "helpers.py", "misc.py", "util.py", "utils.py"}
# Split, so that this file does not find itself.
SILENCERS = ("type" + ": ignore", "no" + "qa")


def name_of(path: Path) -> str:
    """Return the path as it is shown in a test's name."""
    return path.relative_to(ROOT).as_posix()


def functions_of(path: Path) -> Iterator[tuple[str, int]]:
    """Return each function's name and its length, the docstring left out."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            start = body[0].lineno if body else node.lineno
            yield node.name, (node.end_lineno or start) - start + 1


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_and_functions_are_short(path: Path) -> None:
    """A module can be read at one sitting, and a function on one screen."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE
    assert [found for found in functions_of(path) if found[1] > LONGEST_FUNCTION] == []


def test_most_functions_are_shorter_still() -> None:
    """Of all functions, 95% are shorter than 45 lines."""
    lengths = [length for path in MODULES for _, length in functions_of(path)]
    long = sum(length >= LONG_FUNCTION for length in lengths)
    assert long <= SHARE_OF_LONG_FUNCTIONS * len(lengths)


def test_no_dumping_ground() -> None:
    """Every module is named after what it holds."""
    assert [name_of(path) for path in MODULES if path.name in DUMPING_GROUNDS] == []


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_no_check_is_silenced(path: Path) -> None:
    """No line asks a checker to look away."""
    text = path.read_text(encoding="utf-8")
    assert [word for word in SILENCERS if word in text] == []


@pytest.mark.parametrize(
    "path", [path for path in SOURCES if path.name.startswith("test_")], ids=name_of
)
def test_every_test_states_its_promise(path: Path) -> None:
    """Each test has a docstring."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    silent = [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]
    assert silent == []
