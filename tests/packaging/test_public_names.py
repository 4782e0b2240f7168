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
# Of these, a watch with a baseline loads nothing until it is used.
KEPT_OUT_OF_WATCHES = {
    "asyncio",
    "csv",
    "email",
    "grpc",
    "httpx",
    "importlib.metadata",
    "modelwatch.capture.decorator",
    "modelwatch.capture.polled",
    "modelwatch.comparing",
    "modelwatch.diagnosis",
    "modelwatch.extractors.registry",
    "modelwatch.fitting",
    "modelwatch.performance.realized",
    "modelwatch.performance_baseline",
    "modelwatch.report",
    "modelwatch.tables.batches",
    "modelwatch.telemetry.wire.decoding",
    "modelwatch.telemetry.wire.folding",
    "modelwatch.telemetry.wire.assembling",
    "pyarrow",
    "requests",
    "ssl",
    "wrapt",
}
# Algorithms are left to comparisons: a baseline has the records of what was measured of it.
COMPARISONS_OF_WATCHES = {
    "modelwatch.comparisons.block_law",
    "modelwatch.comparisons.blocks",
    "modelwatch.comparisons.cells",
    "modelwatch.comparisons.design_effect",
    "modelwatch.comparisons.value_effects",
}
SDK = "import opentelemetry.sdk.trace, opentelemetry.sdk.metrics"
WATCHED = """
import sys
import modelwatch as mw
watch = mw.Watch("churn", version="3", baseline=sys.argv[1], endpoint="http://127.0.0.1:9")
"""
DECORATED = f"""{WATCHED}
@watch
def predict(features): return 0.5
"""
PREDICTED = """
predict({"amount": 2.0})
predict([{"amount": 1e9}, {"amount": None}])
"""


def modules_after(statements: str, *arguments: str) -> set[str]:
    """Return the names of the modules that a fresh interpreter has loaded after some statements."""
    code = f"{statements}\nimport json, sys\nprint(json.dumps(list(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return set(json.loads(run.stdout))


@pytest.fixture(scope="module")
def baseline_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the name of a baseline's file."""
    columns = {"amount": [float(row % 97) for row in range(500)]}
    path = tmp_path_factory.mktemp("baseline") / "baseline.json"
    modelwatch.Baseline.fit(columns, model="churn", version="3").save(path)
    return str(path)


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


def test_a_watch_with_a_baseline_loads_what_it_uses(baseline_file: str) -> None:
    """Nothing that reads files, compares, decodes, decorates or sends, and no algorithm."""
    loaded = modules_after(f"{SDK}\n{WATCHED}", baseline_file) - modules_after(SDK)
    comparisons = {name for name in loaded if name.startswith("modelwatch.comparisons.")}
    assert "modelwatch.baseline_format" in loaded
    assert loaded & (KEPT_OUT_OF_WATCHES | KEPT_OUT_OF_SERVICES) == set()
    assert comparisons <= COMPARISONS_OF_WATCHES


def test_predictions_and_threads_load_nothing_of_ours(baseline_file: str) -> None:
    """A module that cannot be loaded is told of where the watch is made, and no call waits.

    Nor is any loaded by a thread, where a fork would leave the child with a lock on it.
    """
    before = modules_after(DECORATED, baseline_file)
    called = modules_after(f"{DECORATED}{PREDICTED}", baseline_file)
    sent = modules_after(f"{DECORATED}{PREDICTED}watch.flush(timeout_seconds=30)", baseline_file)
    ours = {"google", "modelwatch", "numpy", "opentelemetry", "wrapt"}
    assert called - before == set()
    assert {name for name in sent - before if name.partition(".")[0] in ours} == set()
    assert "httpx" in sent
