"""``modelwatch demo``: a model, its service, a collector and real traffic, and what is found.

It trains a model on real flights, runs a real collector and a real service with two workers as
processes of their own, replays five phases over HTTP, each within windows of its own, asks the
collector's API after each, and checks that the answer is what was done and nothing else. At last it
pushes what became of the flights, and checks that a changed relation is told from drift.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode

import httpx
from rich.console import Console

from modelwatch.cli.alerts import alerts_table
from modelwatch.cli.demo_labels import Labelled, faults_of_labels, performance_table
from modelwatch.cli.demo_processes import Processes, one_interrupt
from modelwatch.cli.demo_stage import (
    WINDOW_SECONDS,
    Ports,
    Stage,
    example_folder,
    require_extras,
)
from modelwatch.cli.demo_story import ALERT_RULES, STORY, Chapter, faults_of_report, findings_table
from modelwatch.errors import DemoFailed
from modelwatch.report.drift_report import DriftReport

__all__ = ["Ports", "run"]

VERSION_PATH = "/models/flight-delays/versions/1"
PREPARATION_SECONDS = 4.0
"""What a replay needs to load its flights before it can start."""

READY_SECONDS = 60.0
ARRIVAL_SECONDS = 30.0
"""How long the last rows of a phase may take from the service to the collector's answer."""

INTERRUPTED_STATUS = 130
LOG_WIDTH = 120


def run(*, exit_when_done: bool, ports: Ports | None = None) -> int:
    """Run the demo.

    Args:
        exit_when_done: end when the story is told; else leave the page up until Ctrl-C.
        ports: where to listen; 4318, 4319 and 8000 where None.

    Returns:
        0 where every phase was found for what it is, else 1; 130 where it was interrupted.

    Raises:
        ConfigurationError: a package is not installed, or a port is taken.
        DemoFailed: a process ended, or did not get ready.
    """
    chosen = ports or Ports()
    require_extras()
    chosen.require_free()
    console = Console(highlight=False, width=_width())
    with one_interrupt(), TemporaryDirectory(prefix="modelwatch-demo-") as folder:
        stage = Stage(Path(folder), example_folder(), chosen)
        try:
            with (
                Processes(stage.folder, stage.environment()) as processes,
                httpx.Client(base_url=stage.api_url, trust_env=False, timeout=30.0) as client,
            ):
                return _Demo(stage, processes, client, console).run(exit_when_done)
        except KeyboardInterrupt:
            console.print("Interrupted: all processes of the demo have been stopped.")
            return INTERRUPTED_STATUS


def _width() -> int | None:
    """Return the columns to print: those of the terminal, or of `COLUMNS`, or enough for a log."""
    known = sys.stdout.isatty() or "COLUMNS" in os.environ
    return None if known else LOG_WIDTH


class _Demo:
    """One telling of the story on a running stage."""

    def __init__(
        self, stage: Stage, processes: Processes, client: httpx.Client, console: Console
    ) -> None:
        self._stage = stage
        self._processes = processes
        self._client = client
        self._console = console
        self._addresses: dict[str, str] = {}
        self._spans: dict[str, dict[str, str]] = {}

    def run(self, exit_when_done: bool) -> int:
        started = time.monotonic()
        self._set_up()
        faults = [fault for chapter in STORY for fault in self._play(chapter)]
        faults += self._tell_labels() + self._faults_of_page() + self._faults_of_alerts()
        self._conclude(faults, time.monotonic() - started)
        if not exit_when_done:
            self._leave_up()
        return 1 if faults else 0

    def _set_up(self) -> None:
        self._say(f"Starting the collector: {self._stage.api_url}")
        self._stage.rules.write_text(ALERT_RULES, encoding="utf-8")
        self._processes.start("collector", self._stage.collector())
        self._say("Training the model and fitting its baseline (January to March)")
        self._processes.complete("training", self._stage.training())
        self._wait_for(f"{self._stage.api_url}/readyz", "the collector is ready")
        self._push_baseline()
        self._say(f"Starting the service, with two workers: {self._stage.app_url}")
        self._processes.start("service", self._stage.service())
        self._wait_for(f"{self._stage.app_url}/openapi.json", "the service is ready")

    def _wait_for(self, address: str, what: str) -> None:
        def answers() -> bool:
            try:
                return self._client.get(address).is_success
            except httpx.TransportError:
                return False

        self._processes.wait_until(answers, what=what, timeout_seconds=READY_SECONDS)

    def _push_baseline(self) -> None:
        response = self._client.put(
            f"/api/v1{VERSION_PATH}/baseline",
            content=self._stage.baseline.read_bytes(),
            headers={"content-type": "application/json"},
        )
        response.raise_for_status()

    def _play(self, chapter: Chapter) -> list[str]:
        """Replay a phase from the start of a window on, and judge what the collector says."""
        start = _window_end(time.time() + PREPARATION_SECONDS)
        self._say(f"[bold]{chapter.phase}[/]: {chapter.told}")
        self._console.print(
            f"[dim]Its window starts at {time.strftime('%X', time.localtime(start))}.[/]"
        )
        self._processes.complete(
            f"the replay of the phase {chapter.phase!r}",
            self._stage.replay(chapter.phase, start_at=start),
        )
        outcome = json.loads(self._stage.outcome(chapter.phase).read_text(encoding="utf-8"))
        self._console.print(
            f"{outcome['answered']:,} of {outcome['sent']:,} flights were answered, in "
            f"{outcome['seconds']:.1f} seconds."
        )
        report = self._report_since(start, outcome["sent"])
        self._spans[chapter.phase] = _windows_since(start)
        self._addresses[chapter.phase] = self._address_of_page(chapter.phase)
        self._console.print(findings_table(chapter, report))
        return _faults_of_traffic(chapter, outcome, report) + faults_of_report(chapter, report)

    def _report_since(self, start: float, rows: int) -> DriftReport:
        """Return the report of the windows from ``start`` until now, once it has all rows."""
        answer: dict[str, Any] = {}

        def complete() -> bool:
            nonlocal answer
            answer = self._ask_drift(_windows_since(start))
            return bool(answer.get("rows", 0) >= rows)

        self._processes.wait_until(
            complete, what=f"{rows:,} rows are in", timeout_seconds=ARRIVAL_SECONDS
        )
        return DriftReport.from_dict(answer)

    def _ask_drift(self, span: dict[str, str]) -> dict[str, Any]:
        response = self._client.get(f"/api/v1{VERSION_PATH}/drift", params=span)
        response.raise_for_status()
        answer: dict[str, Any] = response.json()
        return answer

    def _address_of_page(self, phase: str) -> str:
        return f"{self._stage.api_url}{VERSION_PATH}?{urlencode(self._spans[phase])}"

    def _tell_labels(self) -> list[str]:
        """Push what became of all flights, and judge what the collector makes of it."""
        self._say("[bold]Labels[/]: the flights have landed. Those that never did have none.")
        self._processes.complete("the push of labels", self._stage.label_push())
        found: list[Labelled] = []

        def complete() -> bool:
            nonlocal found
            found = [
                Labelled(
                    chapter=chapter,
                    report=DriftReport.from_dict(self._ask_drift(self._spans[chapter.phase])),
                )
                for chapter in STORY
            ]
            return not faults_of_labels(found)

        with contextlib.suppress(DemoFailed):  # the faults say more
            self._processes.wait_until(
                complete, what="labels are joined", timeout_seconds=ARRIVAL_SECONDS
            )
        self._console.print(performance_table(found))
        return faults_of_labels(found)

    def _faults_of_page(self) -> list[str]:
        pages = (f"{self._stage.api_url}/", *self._addresses.values())
        statuses = {page: self._client.get(page).status_code for page in pages}
        return [
            f"the page {page} answered {status}."
            for page, status in statuses.items()
            if status != httpx.codes.OK
        ]

    def _faults_of_alerts(self) -> list[str]:
        """Show the alerts that the story raised: of drift, and of the changed relation."""
        alerts: list[dict[str, Any]] = []

        def complete() -> bool:
            nonlocal alerts
            response = self._client.get("/api/v1/alerts")
            response.raise_for_status()
            alerts = [alert for alert in response.json()["alerts"] if alert["state"] != "pending"]
            return not _faults_of_alerts(alerts)

        with contextlib.suppress(DemoFailed):  # the faults say more
            self._processes.wait_until(
                complete, what="alerts are raised", timeout_seconds=ARRIVAL_SECONDS
            )
        self._say("Alerts that this raised:")
        self._console.print(alerts_table(alerts))
        return _faults_of_alerts(alerts)

    def _conclude(self, faults: list[str], seconds: float) -> None:
        if faults:
            self._say("[bold red]The demo did not go as it should:[/]")
            for fault in faults:
                self._console.print(f"  - {fault}", markup=False)
        else:
            self._say("[bold green]Each phase was found for what it is, and nothing else.[/]")
        self._console.print(f"That took {seconds:.0f} seconds.")

    def _leave_up(self) -> None:
        self._say(f"See it at [bold]{self._stage.api_url}[/] and, phase by phase, at")
        for phase, address in self._addresses.items():
            self._console.print(f"  {phase:<16}{address}", soft_wrap=True)
        self._say("Ctrl-C ends the demo.")
        with contextlib.suppress(KeyboardInterrupt):
            while True:
                self._processes.check()
                time.sleep(1.0)

    def _say(self, text: str) -> None:
        self._console.print(f"\n{text}")


def _window_end(moment: float) -> float:
    """Return the end of the collector's window that ``moment`` (Unix seconds) lies in."""
    return math.ceil(moment / WINDOW_SECONDS) * float(WINDOW_SECONDS)


def _windows_since(start: float) -> dict[str, str]:
    """Return the parameters that ask for the windows from ``start`` to the one that is open."""
    end = _window_end(time.time())
    return {"window": f"{end - start:.0f}s", "end": f"{end:.0f}"}


def _faults_of_alerts(alerts: list[dict[str, Any]]) -> list[str]:
    raised = {alert["on"] for alert in alerts}
    return [
        f"no alert of {what} was raised."
        for on, what in (("drift", "drift"), ("concept_drift", "a changed relation"))
        if on not in raised
    ]


def _faults_of_traffic(chapter: Chapter, outcome: dict[str, Any], report: DriftReport) -> list[str]:
    faults = []
    sent, answered, statuses = outcome["sent"], outcome["answered"], outcome["statuses"]
    if answered != sent or set(statuses) != {"200"}:
        faults.append(f"{answered:,} of {sent:,} flights were answered; statuses {statuses}.")
    if report.rows != sent:
        faults.append(f"{report.rows:,} rows were captured of {sent:,} flights sent.")
    return [f"{chapter.phase}: {fault}" for fault in faults]
