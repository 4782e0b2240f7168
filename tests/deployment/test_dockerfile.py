"""The Dockerfile: what it copies suffices, what it installs runs, and its health check asks it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deployment.containers import ROOT, Container, run, started
from tests.server_process import free_port

BIN = Path(sys.executable).parent


def instructions(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the instructions of a Dockerfile, each on one line."""
    text = re.sub(r"^#.*\n", "", path.read_text(), flags=re.MULTILINE)
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        word, _, rest = line.partition(" ")
        if word:
            yield word, rest


DOCKERFILE = list(instructions(ROOT / "Dockerfile"))


def told(word: str) -> str:
    """Return what the last instruction of a kind says."""
    return [rest for found, rest in DOCKERFILE if found == word][-1]


def test_nothing_is_to_be_said_against_it() -> None:
    """The linter of Dockerfiles is content."""
    command = [BIN / "hadolint", ROOT / "Dockerfile"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_nobody_is_root() -> None:
    """The collector runs under a number, which an orchestrator can tell from root's."""
    assert told("USER") == "10001:10001"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What its first stage makes of the files that it copies, with no other files at hand."""
    folder = tmp_path_factory.mktemp("image")
    kept = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    for word, rest in DOCKERFILE:
        if word == "COPY" and not rest.startswith("--from"):
            *sources, target = rest.split()
            assert kept.issuperset(sources)
            for source in sources:
                copy(ROOT / source, folder / "src" / (source if target == "./" else target))
    (command,) = [rest for word, rest in DOCKERFILE if word == "RUN" and "pip install" in rest]
    extras = told("ARG").partition("=")[2]
    wanted = command.rpartition('"')[0].rpartition('"')[2].replace("${EXTRAS}", extras)
    # As pip in the Dockerfile, but from uv's cache.
    uv = [str(BIN / "uv"), "pip", "install", "--quiet", "--compile-bytecode"]
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    subprocess.run(
        [*uv, "--python", str(folder / "venv/bin/python"), wanted],
        cwd=folder / "src",
        check=True,
        timeout=600,
    )
    return folder


def copy(source: Path, target: Path) -> None:
    """Copy a file or a folder, as the instruction COPY does."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copyfile(source, target)


@pytest.mark.slow
def test_what_it_installs_is_a_collector(installed: Path, tmp_path: Path) -> None:
    """Its entry point starts with its command, its health check finds that, and it ends well."""
    ports = {name: free_port() for name in ("otlp-grpc", "otlp-http", "api")}
    entry, command = json.loads(told("ENTRYPOINT")), json.loads(told("CMD"))
    health = json.loads(told("HEALTHCHECK").partition("CMD ")[2])
    environment = {"PATH": f"{installed}/venv/bin:/usr/bin:/bin", "PYTHONPATH": ""}
    paths: dict[str, Path | str] = {
        "/data": tmp_path,
        "0.0.0.0": "127.0.0.1",
        "4319": str(ports["api"]),
    }

    def container(words: list[str]) -> Container:
        return Container(command=words, paths=paths, environment=environment, folder=tmp_path)

    options = [f"--{name}-port={port}" for name, port in ports.items()]
    with started(
        container([*entry, *command, *options]),
        f"http://127.0.0.1:{ports['api']}/readyz",
        tmp_path / "log",
        grace_seconds=30,
    ):
        run(container(health))
    assert (tmp_path / "modelwatch.sqlite").exists()
