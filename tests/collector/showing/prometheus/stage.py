"""A collector as a user starts it, and Prometheus with the example's files, each a real process."""

from __future__ import annotations

import contextlib
import os
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests import plain_http
from tests.collector.showing.prometheus.services import PROTOBUF, Service
from tests.otlp_receiver import OtlpReceiver
from tests.server_process import free_port, served
from tests.servers import debian_program

__all__ = ["EXAMPLE", "WINDOW_SECONDS", "Stage", "set_up"]

ROOT = Path(__file__).parents[4]
EXAMPLE = ROOT / "examples/prometheus"
WINDOW_SECONDS = 3
PATIENCE_SECONDS = 60.0

CONFIGURATION = """
[[notify]]
name = "oncall"
kind = "webhook"
url = "{receiver}/alerts"
"""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What runs, and what was sent to it.

    Attributes:
        otlp: address of the collector's receiver.
        api: of its API.
        prometheus: of Prometheus.
        drifting: a service whose input ``x`` drifts.
        healthy: one that sends what its baseline leads one to expect.
        unjudged: one without a baseline.
        retired: one that sent for the last time 20 minutes ago.
    """

    otlp: str
    api: str
    prometheus: str
    drifting: Service
    healthy: Service
    unjudged: Service
    retired: Service

    @property
    def services(self) -> Sequence[Service]:
        """All of them."""
        return self.drifting, self.healthy, self.unjudged, self.retired

    def ask(self, path: str, **parameters: str | float) -> Any:
        """Return what Prometheus answers below its API."""
        answer = plain_http.get(f"{self.prometheus}/api/v1/{path}", params=parameters)
        body = answer.json()
        assert body["status"] == "success", f"{parameters}: {body}"
        return body["data"]

    def query(self, expression: str) -> list[tuple[Mapping[str, str], float]]:
        """Return the series of an expression, by their labels, and their values now."""
        found = self.ask("query", query=expression)["result"]
        return [(one["metric"], float(one["value"][1])) for one in found]

    def value(self, name: str, **labels: str) -> float | None:
        """Return the value of the one series with these labels; None where there is none."""
        matchers = ",".join(f'{label}="{text}"' for label, text in labels.items())
        found = self.query(f"{name}{{{matchers}}}")
        assert len(found) <= 1, found
        return found[0][1] if found else None

    def report(self, service: Service) -> dict[str, Any]:
        """Return what the collector's own API says of the latest window that Prometheus knows."""
        of_version = {"model": service.model, "version": service.version}
        end = self.value("modelwatch_window_end_timestamp_seconds", **of_version)
        found: dict[str, Any] = plain_http.get(
            f"{self.api}/api/v1/models/{service.model}/versions/{service.version}/drift",
            params={"window": f"{WINDOW_SECONDS}s", "end": f"{end:.0f}"},
        ).json()
        return found

    def is_told(self) -> bool:
        """Return whether Prometheus knows all that was sent."""
        judged = (self.drifting, self.healthy)
        return all(
            self.value("modelwatch_rows_total", model=s.model, version=s.version) == s.rows
            for s in self.services
        ) and all(
            self._sum("modelwatch_predictions_total", s) == s.calls.total()
            and self._sum("modelwatch_window_end_timestamp_seconds", s) * 1e9 >= s.end_ns
            for s in judged
        )

    def has_alarmed(self) -> bool:
        """Return whether every alert that is to fire does, and the collector's own too."""
        found = {name for name, _ in firing(self)}
        notices = self.query('modelwatch_collector_notices_total{outcome="sent"} > 0')
        return bool(notices) and {"ModelDrifts", "ModelFallsSilent", "ModelIsNotJudged"} <= found

    def _sum(self, name: str, service: Service) -> float:
        found = self.query(f'sum({name}{{model="{service.model}",version="{service.version}"}})')
        return found[0][1] if found else 0.0


def firing(stage: Stage) -> set[tuple[str, str]]:
    """Return the names and models of the alerts that fire, as Prometheus tells them."""
    return {
        (alert["labels"]["alertname"], alert["labels"]["model"])
        for alert in stage.ask("alerts")["alerts"]
        if alert["state"] == "firing"
    }


@contextlib.contextmanager
def set_up(folder: Path) -> Iterator[Stage]:
    """Run all, have the services send until what is to be seen is seen, and no longer."""
    otlp, api, prometheus = (f"http://127.0.0.1:{free_port()}" for _ in range(3))
    stage = Stage(
        otlp=otlp,
        api=api,
        prometheus=prometheus,
        drifting=Service.with_baseline("churn", "3", shift=1.5),
        healthy=Service.with_baseline("fraud", "1"),
        unjudged=Service("pricing", "2"),
        retired=Service("churn", "2"),
    )
    with contextlib.ExitStack() as running:
        receiver = running.enter_context(OtlpReceiver())
        running.enter_context(_collector(stage, receiver.endpoint, folder))
        stage.drifting.push(api)
        stage.healthy.push(api)
        stage.retired.send(otlp, end_ns=time.time_ns() - 1_200 * 1_000_000_000)
        running.enter_context(_prometheus(stage, folder))
        _until(stage.has_alarmed, meanwhile=lambda: _send(stage))
        _until(stage.is_told)
        yield stage


def _send(stage: Stage) -> None:
    """Have those that still run send what they captured, and others what cannot be used."""
    for service in (stage.drifting, stage.healthy, stage.unjudged):
        service.send(stage.otlp)
    stage.drifting.label(stage.otlp, stage.api)
    ahead = Service("fraud", "9")
    ahead.send(stage.otlp, end_ns=time.time_ns() + 7_200 * 1_000_000_000)
    plain_http.post(f"{stage.otlp}/v1/metrics", content=b"no protobuf", headers=PROTOBUF)
    plain_http.post(f"{stage.otlp}/v1/traces", content=b"", headers=PROTOBUF)


def _until(condition: Callable[[], bool], *, meanwhile: Callable[[], None] | None = None) -> None:
    pause, end = threading.Event(), time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, f"{condition.__name__} was not so in time"
        if meanwhile is not None:
            meanwhile()
        pause.wait(0.5)


def _collector(
    stage: Stage, receiver: str, folder: Path
) -> contextlib.AbstractContextManager[object]:
    configuration = folder / "modelwatch.toml"
    configuration.write_text(CONFIGURATION.format(receiver=receiver))
    command = [
        str(Path(sysconfig.get_path("scripts")) / "modelwatch"),
        "collector",
        f"--otlp-http-port={_port(stage.otlp)}",
        f"--api-port={_port(stage.api)}",
        "--otlp-grpc-port=0",
        f"--store={folder / 'store.sqlite'}",
        f"--window={WINDOW_SECONDS}s",
        "--evaluation-interval=1s",
        "--lateness=1s",
        f"--config={configuration}",
        f"--results-endpoint={receiver}",
        f"--forward-endpoint={receiver}",
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return served(command, f"{stage.api}/readyz", folder=folder, environment=environment)


def _prometheus(stage: Stage, folder: Path) -> contextlib.AbstractContextManager[object]:
    _in_a_hurry(EXAMPLE, folder, target=stage.api.removeprefix("http://"))
    command = [
        *debian_program("prometheus", "usr/bin/prometheus"),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'series'}",
        f"--web.listen-address=127.0.0.1:{_port(stage.prometheus)}",
        "--log.level=warn",
    ]
    return served(command, f"{stage.prometheus}/-/ready", folder=folder, environment=os.environ)


def _in_a_hurry(example: Path, folder: Path, *, target: str) -> None:
    """Copy the example's files; the target is another, and what takes minutes takes seconds."""
    settings = yaml.safe_load((example / "prometheus.yml").read_text())
    settings["global"] |= {"scrape_interval": "1s", "evaluation_interval": "1s"}
    settings["scrape_configs"][0]["static_configs"][0]["targets"] = [target]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(settings))
    for name in settings["rule_files"]:
        rules = yaml.safe_load((example / name).read_text())
        for rule in (rule for group in rules["groups"] for rule in group["rules"]):
            if "for" in rule:
                rule["for"] = "2s"
        (folder / name).write_text(yaml.safe_dump(rules))


def _port(address: str) -> str:
    return address.rpartition(":")[2]
