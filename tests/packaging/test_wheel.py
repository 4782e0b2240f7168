from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from configparser import ConfigParser
from email import message_from_string
from pathlib import Path

import pytest

import modelwatch

# Folder in the checkout -> folder in the wheel.
FOLDERS = {
    "modelwatch": "modelwatch",
    "integrations/modelwatch_bentoml": "modelwatch_bentoml",
    "integrations/modelwatch_estimators": "modelwatch_estimators",
    "integrations/modelwatch_fastapi": "modelwatch_fastapi",
    "integrations/modelwatch_flask": "modelwatch_flask",
    "examples/flight_delays": "modelwatch/demo_files/flight_delays",
}
NEVER_PACKED = {"__pycache__", "build", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
NEVER_PACKED_SUFFIXES = (".pyc", ".sqlite", ".sqlite-shm", ".sqlite-wal", ".db", ".png")

WHERE_FROM = (
    "import modelwatch, modelwatch_estimators, modelwatch_fastapi, modelwatch_flask; "
    "print(modelwatch.__file__)"
)


def files_below(folder: Path) -> set[str]:
    """Return the files of a folder that are source, relative to it."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file()
        and not NEVER_PACKED & set(path.relative_to(folder).parts)
        and not path.name.endswith(NEVER_PACKED_SUFFIXES)
    }


def read_from_wheel(wheel: Path, name: str) -> str:
    """Return a text file of the wheel's metadata folder."""
    with zipfile.ZipFile(wheel) as archive:
        path = next(found for found in archive.namelist() if found.endswith(f".dist-info/{name}"))
        return archive.read(path).decode()


def test_wheel_holds_the_folders(wheel: Path, root: Path) -> None:
    """The wheel holds every file of the packages and of the demo, and nothing else."""
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = {
        f"{target}/{name}"
        for source, target in FOLDERS.items()
        for name in files_below(root / source)
    }
    assert packed == expected


def test_every_adapter_is_packed(root: Path) -> None:
    """No import package under integrations/ is forgotten in the list of what is packed."""
    packages = {path.parent for path in (root / "integrations").glob("*/__init__.py")}
    assert {path.relative_to(root).as_posix() for path in packages} <= FOLDERS.keys()


def test_wheel_metadata(wheel: Path) -> None:
    """The wheel carries the version, the licence, the types marker and the script."""
    metadata = message_from_string(read_from_wheel(wheel, "METADATA"))
    scripts = ConfigParser()
    scripts.read_string(read_from_wheel(wheel, "entry_points.txt"))
    assert metadata["Version"] == modelwatch.__version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert scripts["console_scripts"]["modelwatch"] == "modelwatch.cli:main"
    assert "Apache License" in read_from_wheel(wheel, "licenses/LICENSE")


def test_dependencies_have_floors_and_no_caps(wheel: Path) -> None:
    """Each dependency names the oldest release that works, and none is capped."""
    metadata = message_from_string(read_from_wheel(wheel, "METADATA"))
    requirements = [
        line for line in metadata.get_all("Requires-Dist", []) if not line.startswith("modelwatch[")
    ]
    assert [line for line in requirements if ">=" not in line] == []
    assert [line for line in requirements if "<" in line or "==" in line.partition(";")[0]] == []


def test_wheel_imports_by_itself(installed: Path, tmp_path: Path) -> None:
    """What was unpacked from the wheel imports, the adapters too, without the checkout."""
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    run = subprocess.run(
        [sys.executable, "-c", WHERE_FROM],
        cwd=tmp_path,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    assert Path(run.stdout.strip()).is_relative_to(installed)


def test_checkout_imports_the_adapters(root: Path, tmp_path: Path) -> None:
    """An editable install imports the package and the adapters from the checkout."""
    if not Path(modelwatch.__file__).is_relative_to(root):
        pytest.skip("the installed modelwatch is no editable install")
    run = subprocess.run(
        [sys.executable, "-c", WHERE_FROM], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert Path(run.stdout.strip()).is_relative_to(root)


def test_source_distribution_makes_the_same_wheel(wheel: Path, root: Path, tmp_path: Path) -> None:
    """The source distribution has all that the wheel is built from."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)],
        cwd=root,
        check=True,
        capture_output=True,
    )
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        archive.extractall(tmp_path, filter="data")
    unpacked = next(path for path in tmp_path.iterdir() if path.is_dir())
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=unpacked,
        check=True,
        capture_output=True,
    )
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as again, zipfile.ZipFile(wheel) as first:
        assert set(again.namelist()) == set(first.namelist())
