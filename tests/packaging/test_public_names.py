from __future__ import annotations

import json
import subprocess
import sys
from types import ModuleType

import pytest

import modelwatch

# Nothing of these is loaded by `import modelwatch`.
KEPT_OUT = {
    "altair",
    "fastapi",
    "httpx",
    "jinja2",
    "modelwatch.capture",
    "modelwatch.cli",
    "modelwatch.collector",
    "narwhals",
    "numpy",
    "opentelemetry",
    "pandas",
    "polars",
    "pyarrow",
    "rich",
    "scipy",
    "sklearn",
    "sqlite3",
    "starlette",
    "typer",
    "uvicorn",
    "wrapt",
}
# Loaded by nothing that a watched service uses, however much of the package it touches.
KEPT_OUT_OF_SERVICES = {
    "altair",
    "fastapi",
    "jinja2",
    "modelwatch.cli",
    "modelwatch.collector",
    "pandas",
    "polars",
    "scipy",
    "sklearn",
    "sqlite3",
    "typer",
    "uvicorn",
}


def modules_after(statements: str) -> set[str]:
    """Return the names of the modules that a fresh interpreter has loaded after some statements."""
    code = f"{statements}\nimport json, sys\nprint(json.dumps(list(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )
    return set(json.loads(run.stdout))


def test_all_is_sorted_and_complete() -> None:
    """__all__ lists the real public names, sorted."""
    real = {
        name
        for name in dir(modelwatch)
        if not name.startswith("_")
        and name not in {"TYPE_CHECKING", "annotations"}
        and (name in modelwatch.__all__ or not isinstance(getattr(modelwatch, name), ModuleType))
    }
    assert modelwatch.__all__ == sorted(modelwatch.__all__)
    assert set(modelwatch.__all__) == real | {"__version__"}


@pytest.mark.parametrize("name", modelwatch.__all__)
def test_each_name_resolves(name: str) -> None:
    """Each public name can be had, and is the same object every time."""
    assert getattr(modelwatch, name) is getattr(modelwatch, name)


def test_unknown_name_is_an_attribute_error() -> None:
    """A name that is none of ours is refused in the words of the language."""
    with pytest.raises(AttributeError, match="'modelwatch' has no attribute 'wach'"):
        getattr(modelwatch, "w" + "ach")


def test_import_is_light() -> None:
    """Importing the package loads no framework, no collector and no mathematics."""
    assert modules_after("import modelwatch") & KEPT_OUT == set()


def test_a_watch_is_light() -> None:
    """What a service needs loads neither a data frame library nor the collector's side."""
    loaded = modules_after("import modelwatch; modelwatch.Watch; modelwatch.Baseline")
    assert loaded & KEPT_OUT_OF_SERVICES == set()
