"""The manifests of examples/kubernetes: valid, consistent, and what they start works."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import numpy as np
import pytest
import yaml

import modelwatch as mw
from modelwatch.collector.security.tokens import mint
from modelwatch.settings import SETTINGS
from tests import plain_http
from tests.collector.conftest import eventually
from tests.deployment.containers import (
    OF_UVICORN,
    ROOT,
    Container,
    collector_flags,
    expanded,
    run,
    started,
)
from tests.server_process import free_port

FOLDER = ROOT / "examples/kubernetes"
ALONE = ["watched-service.yaml", "pod-monitor.yaml"]
"""Manifests that the kustomization does not name."""

APP = """
from fastapi import FastAPI

app = FastAPI()


@app.post("/predict")
def predict(customer: dict[str, float]) -> dict[str, bool]:
    return {"leaves": customer["age"] > 60}
"""


def manifest(name: str) -> dict[str, Any]:
    """Return a manifest."""
    found: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text())
    return found


KUSTOMIZATION = manifest("kustomization.yaml")
POD = manifest("stateful-set.yaml")["spec"]["template"]["spec"]
COLLECTOR = POD["containers"][0]
WATCHED = manifest("watched-service.yaml")["spec"]["template"]["spec"]["containers"][0]


@pytest.mark.parametrize("version", ["1.30", kubernetes_validate.latest_version()])
@pytest.mark.parametrize("name", [*KUSTOMIZATION["resources"], "watched-service.yaml"])
def test_a_manifest_is_valid(name: str, version: str) -> None:
    """Each is what the schema of its kind says, without a field that it does not know."""
    kubernetes_validate.validate(manifest(name), version, strict=True)


def test_no_file_is_forgotten() -> None:
    """The kustomization names all manifests, and the guide those that it leaves out."""
    files = {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}
    assert files == {*KUSTOMIZATION["resources"], *ALONE}
    guide = (FOLDER / "README.md").read_text()
    assert all(f"`{name}`" in guide for name in (*files, "modelwatch.toml"))


def test_there_is_one_writer() -> None:
    """The store is one process's, on a volume that only one pod gets."""
    spec = manifest("stateful-set.yaml")["spec"]
    assert spec["replicas"] == 1
    assert spec["volumeClaimTemplates"][0]["spec"]["accessModes"] == ["ReadWriteOncePod"]


def test_ports_are_those_of_the_collector() -> None:
    """What the collector listens on by itself is what the service and the policies lead to."""
    named = {port["name"]: port["containerPort"] for port in COLLECTOR["ports"]}
    options = {"otlp-grpc": "otlp-grpc-port", "otlp-http": "otlp-http-port", "api": "api-port"}
    for name, option in options.items():
        assert re.search(rf"--{option} .*\[default: {named[name]}\]", collector_flags())
    for port in manifest("service.yaml")["spec"]["ports"]:
        assert (port["name"], named[port["targetPort"]]) == (port["name"], port["port"])
    policy = manifest("network-policy.yaml")["spec"]["ingress"]
    assert {port["port"] for rule in policy for port in rule["ports"]} == set(named)
    (endpoint,) = manifest("pod-monitor.yaml")["spec"]["podMetricsEndpoints"]
    assert endpoint["port"] in named


def test_what_is_mounted_is_there() -> None:
    """Each mount has a volume, and the guide makes the Secrets with the keys that are read."""
    volumes = {volume["name"] for volume in POD["volumes"]} | {"store"}
    for container in (*POD["initContainers"], COLLECTOR):
        assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
    (generated,) = KUSTOMIZATION["configMapGenerator"]
    assert {"name": "config", "configMap": {"name": generated["name"]}} in POD["volumes"]
    assert all((FOLDER / name).is_file() for name in generated["files"])
    guide = (FOLDER / "README.md").read_text()
    for secret in ("modelwatch-tokens", "modelwatch-token"):
        assert f"create secret generic {secret} " in guide
    for key in ("services", "metrics", "admin"):
        assert f"--from-literal={key}=" in guide


def test_flags_and_variables_exist() -> None:
    """The command line has each option, and modelwatch or OpenTelemetry each variable."""
    flags = collector_flags()
    for argument in COLLECTOR["args"]:
        assert f"{argument.partition('=')[0]} " in flags
    known = SETTINGS.keys() | {"POD_NAME"}
    assert {variable["name"] for variable in WATCHED["env"]} <= known
    assert WATCHED["command"][0] == "opentelemetry-instrument"


class Cluster:
    """The collector of the manifests, and what a service beside it is given.

    Args:
        folder: takes its files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tokens = {
            name: mint(name, scopes=frozenset({"read"}), created_ns=0).text
            for name in ("services", "metrics", "admin")
        }
        self.ports = {name: free_port() for name in ("otlp-grpc", "otlp-http", "api")}
        for name in ("data", "tmp", "tokens"):
            (folder / name).mkdir()
        for name, token in self.tokens.items():
            (folder / "tokens" / name).write_text(token)
        self.api = f"http://127.0.0.1:{self.ports['api']}"

    def container(self, told: dict[str, Any], *more: str) -> Container:
        """Return a container of the collector's pod."""
        assert told["securityContext"]["readOnlyRootFilesystem"]
        return Container(
            command=[*told["command"], *told["args"], *more],
            paths={
                "/etc/modelwatch/tokens": self.folder / "tokens",
                "/etc/modelwatch": FOLDER,
                "/data": self.folder / "data",
                "0.0.0.0": "127.0.0.1",
            },
            writable=[self.folder / "data", self.folder / "tmp"],
            environment={"TMPDIR": str(self.folder / "tmp"), "HOME": str(self.folder / "tmp")},
        )

    def probe(self, name: str) -> str:
        """Return what a probe of the collector asks for."""
        asked = COLLECTOR[name]["httpGet"]
        return f"http://127.0.0.1:{self.ports[asked['port']]}{asked['path']}"

    def ask(self, path: str, token: str) -> int:
        """Return the status of what a token is answered."""
        headers = {"Authorization": f"Bearer {self.tokens[token]}"}
        return plain_http.get(f"{self.api}{path}", headers=headers).status_code


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A running collector, which then ends within its grace period."""
    cluster = Cluster(tmp_path)
    (tokens,) = POD["initContainers"]
    for outcome in ("adopted", "in use already"):
        assert run(cluster.container(tokens)).count(outcome) == 3
    ports = [f"--{name}-port={port}" for name, port in cluster.ports.items()]
    with started(
        cluster.container(COLLECTOR, *ports),
        cluster.probe("readinessProbe"),
        tmp_path / "collector.log",
        grace_seconds=POD["terminationGracePeriodSeconds"],
    ):
        yield cluster


@pytest.mark.slow
def test_what_the_manifests_start_works(cluster: Cluster, tmp_path: Path) -> None:
    """The pod's commands run with a read-only root, and a watched service is counted and judged."""
    for name in ("startupProbe", "livenessProbe"):
        assert plain_http.get(cluster.probe(name)).status_code == 200
    scraped = manifest("pod-monitor.yaml")["spec"]["podMetricsEndpoints"][0]
    key = scraped["authorization"]["credentials"]["key"]
    assert cluster.ask(scraped["path"], key) == 200
    assert cluster.ask(scraped["path"], "services") == 403
    assert cluster.ask("/api/v1/audit", "admin") == 200
    ages = {"age": np.random.default_rng(1).normal(40, 10, 2_000)}
    baseline = mw.Baseline.fit(ages, model="churn", version="3")
    pushed = plain_http.put(
        f"{cluster.api}/api/v1/models/churn/versions/3/baseline",
        content=baseline.to_json(),
        headers={"Authorization": f"Bearer {cluster.tokens['admin']}"},
    )
    assert pushed.status_code == 201
    (tmp_path / "app.py").write_text(APP)
    told = {variable["name"]: variable.get("value", "") for variable in WATCHED["env"]}
    values = {"MODELWATCH_TOKEN": cluster.tokens["services"], "POD_NAME": "churn-7"}
    port = free_port()
    service = Container(
        command=[str(port) if word == "8000" else word for word in WATCHED["command"]],
        paths={
            "0.0.0.0": "127.0.0.1",
            "modelwatch.modelwatch:4318": f"127.0.0.1:{cluster.ports['otlp-http']}",
            "modelwatch.modelwatch:4319": f"127.0.0.1:{cluster.ports['api']}",
        },
        environment=expanded({**told, **values}),
        folder=tmp_path,
    )
    ready = f"http://127.0.0.1:{port}{WATCHED['readinessProbe']['httpGet']['path']}"
    log = tmp_path / "service.log"
    with started(service, ready, log, grace_seconds=30, statuses=OF_UVICORN):
        for age in range(30, 50):
            asked = plain_http.post(f"http://127.0.0.1:{port}/predict", json={"age": float(age)})
            assert asked.status_code == 200

    def models() -> list[dict[str, Any]]:
        headers = {"Authorization": f"Bearer {cluster.tokens['metrics']}"}
        found: list[dict[str, Any]] = plain_http.get(
            f"{cluster.api}/api/v1/models", headers=headers
        ).json()["models"]
        return found

    assert eventually(lambda: models()[0]["versions"][0]["rows"] == 20)
    assert models()[0]["versions"][0]["baseline_id"] == baseline.id
