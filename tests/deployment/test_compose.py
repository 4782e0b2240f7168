"""The Compose file of examples/compose: valid, its files are there, and its commands work."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyOptions

from modelwatch.settings import SETTINGS
from tests import plain_http
from tests.collector.conftest import eventually
from tests.deployment.containers import (
    OF_UVICORN,
    ROOT,
    Container,
    collector_flags,
    run,
    started,
)
from tests.server_process import free_port
from tests.servers import debian_program

FOLDER = ROOT / "examples/compose"
TEXT = (FOLDER / "compose.yaml").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]
PORTS = {"otlp-grpc": "4317", "otlp-http": "4318", "api": "4319"}
OURS = ("collector", "train", "baseline", "flights", "replay")
FLIGHT = {
    "carrier": "UA", "origin": "EWR", "dest": "IAH", "weekday": "Tue", "distance": 1400,
    "dep_minute": 315, "temp": 39.0, "dewp": 28.0, "humid": 64.4, "wind_speed": 12.7,
    "precip": 0.0, "pressure": 1011.9, "visib": 10.0,
}  # fmt: skip


def test_it_is_of_the_specification() -> None:
    """Every service and volume is what the specification of Compose knows."""
    found = PyOptions(apply_merge=True).from_yaml(TEXT)
    found.validate()
    assert set(found.service_names()) == set(SERVICES)


def test_what_is_mounted_is_there() -> None:
    """Each source of a volume is a file or folder of the checkout, or a volume of the file."""
    named = set(yaml.safe_load(TEXT)["volumes"])
    for service in SERVICES.values():
        for volume in service["volumes"]:
            source = volume.partition(":")[0]
            assert source in named or (FOLDER / source).exists(), source
        build = service.get("build")
        context = build["context"] if isinstance(build, dict) else build
        assert context is None or (FOLDER / context / "Dockerfile").is_file()


def test_nothing_is_published_to_others() -> None:
    """Each port is one of this machine alone, since nobody is asked for a token."""
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(published) == 6
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_flags_and_variables_exist() -> None:
    """The command line has each option, and modelwatch or OpenTelemetry each variable."""
    flags = collector_flags()
    for word in SERVICES["collector"]["command"][1:]:
        assert f"{word.partition('=')[0]} " in flags
    told = {name for service in OURS for name in SERVICES[service].get("environment", {})}
    assert told <= SETTINGS.keys() | {"FLIGHT_DELAYS_FOLDER"}


def test_prometheus_takes_its_files(tmp_path: Path) -> None:
    """Laid out as in the container, Prometheus's own tool finds nothing wrong with them."""
    for volume in SERVICES["prometheus"]["volumes"]:
        source, target, *_ = volume.split(":")
        if target.startswith("/etc/prometheus/"):
            shutil.copyfile(FOLDER / source, tmp_path / Path(target).name)
    promtool = debian_program("prometheus", "usr/bin/promtool")
    command = [*promtool, "check", "config", str(tmp_path / "prometheus.yml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 rule files found" in done.stdout


class Project:
    """Runs the services' commands, with files in a folder.

    Args:
        folder: takes them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = {number: free_port() for number in ("4317", "4318", "4319", "8000")}
        for name in ("store", "model", "tmp"):
            (folder / name).mkdir()

    def address(self, port: str) -> str:
        """Return where a port of a service is."""
        return f"http://127.0.0.1:{self.ports[port]}"

    def container(self, name: str, *more: str) -> Container:
        """Return what a service runs."""
        told = SERVICES[name]
        volumes = dict(volume.split(":")[1::-1] for volume in told["volumes"])
        data = self.folder / volumes["/data"]
        hosts = {
            f"{host}:{port}": f"127.0.0.1:{self.ports[port]}"
            for host, port in (("collector", "4318"), ("collector", "4319"), ("flights", "8000"))
        }
        own = {"127.0.0.1:8000": f"127.0.0.1:{self.ports['8000']}"}
        words = [*told.get("entrypoint", ["modelwatch"]), *told.get("command", []), *more]
        app = FOLDER / volumes["/app"] if "/app" in volumes else self.folder
        here = {name: str(self.folder / "tmp") for name in ("HOME", "TMPDIR")}
        here["OMP_NUM_THREADS"] = "1"  # on a busy machine, several take the cores they wait for
        return Container(
            command=[str(self.ports.get(word, word)) for word in words],
            paths={"/data": data, "0.0.0.0": "127.0.0.1", **hosts, **own},
            writable=[data, self.folder / "tmp"] if told.get("read_only") else None,
            environment={**told.get("environment", {}), **here},
            folder=app,
        )


@pytest.mark.slow
def test_its_commands_work(tmp_path: Path) -> None:
    """The model is trained, its baseline pushed, and what the service is asked arrives."""
    project = Project(tmp_path)
    ports = [f"--{name}-port={project.ports[port]}" for name, port in PORTS.items()]
    with started(
        project.container("collector", *ports),
        f"{project.address('4319')}/readyz",
        tmp_path / "collector.log",
        grace_seconds=30,
    ):
        run(project.container("train"))
        run(project.container("baseline"))
        flights = project.container("flights")
        with started(
            flights,
            f"{project.address('8000')}/openapi.json",
            tmp_path / "flights.log",
            grace_seconds=30,
            statuses=OF_UVICORN,
        ):
            kind, *words = SERVICES["flights"]["healthcheck"]["test"]
            assert kind == "CMD"
            run(replace(flights, command=words))
            assert "--url" in run(project.container("replay", "--help"))
            answer = plain_http.post(f"{project.address('8000')}/predict", json=3 * [FLIGHT])
            assert answer.is_success

        def arrived() -> bool:
            (model,) = plain_http.get(f"{project.address('4319')}/api/v1/models").json()["models"]
            (version,) = model["versions"]
            return bool(version["rows"] == 3 and version["baseline_id"])

        assert eventually(arrived)
        scraped = plain_http.get(f"{project.address('4319')}/metrics")
        assert scraped.is_success
        assert 'model="flight-delays"' in scraped.text
