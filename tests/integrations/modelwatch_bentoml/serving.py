"""Serves a BentoML service as a user does, and keeps what it answered and what was told of it."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

import modelwatch as mw
from tests.otlp_receiver import OtlpReceiver
from tests.server_process import free_port, served, watched_environment
from tests.told_outcomes import prediction_rows

__all__ = ["Served", "serve"]

_SERVICES = Path(__file__).parent / "services"


@dataclass(kw_only=True)
class Served:
    """A service, which is asked while it is served and looked at after.

    Attributes:
        client: asks it, by a connection for each request, so that all workers are asked.
        profiles: what was told of it; empty until it has stopped.
        known: the ids of the predictions that were told one by one, by model; likewise.
        output: what its processes wrote; empty until it has stopped.
    """

    client: httpx.Client
    profiles: list[mw.Profile] = field(default_factory=list)
    known: dict[str, list[str]] = field(default_factory=dict)
    output: str = ""

    def of(self, model: str) -> list[mw.Profile]:
        """Return what was told of one model."""
        return [profile for profile in self.profiles if profile.model == model]

    def predictions(self, model: str) -> Counter[str]:
        """Return how many predictions of a model were told of, by error type."""
        return sum((profile.predictions for profile in self.of(model)), Counter[str]())

    def rows(self, model: str) -> int:
        """Return how many rows of a model were told of."""
        return sum(profile.rows for profile in self.of(model))

    def features(self, model: str) -> set[str]:
        """Return the inputs and outputs that were told of."""
        return {name for profile in self.of(model) for name in profile.features}

    def instances(self, model: str) -> set[str | None]:
        """Return the processes that told of a model."""
        return {profile.instance for profile in self.of(model)}


@contextlib.contextmanager
def serve(
    target: str,
    *options: str,
    folder: Path = _SERVICES,
    stop: signal.Signals = signal.SIGTERM,
    variables: Mapping[str, str] | None = None,
) -> Iterator[Served]:
    """Serve while the block runs; at its end the service has stopped and all was told.

    Args:
        target: module and name of the service.
        options: further options of ``bentoml serve``.
        folder: where the module is.
        stop: the signal by which it stops.
        variables: environment variables.
    """
    program = str(Path(sys.executable).parent / "bentoml")
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [program, "serve", target, "--host", "127.0.0.1", "--port", str(port), *options]
    limits = httpx.Limits(max_keepalive_connections=0)
    with (
        OtlpReceiver() as receiver,
        httpx.Client(base_url=address, limits=limits, timeout=120.0) as client,
    ):
        found = Served(client=client)
        with served(
            command,
            f"{address}/readyz",
            folder=folder,
            environment=watched_environment(
                receiver.endpoint, BENTOML_DO_NOT_TRACK="True", **(variables or {})
            ),
            stop=stop,
        ) as output:
            yield found
        found.profiles = receiver.metrics()
        for rows in prediction_rows(receiver.bodies("logs")):
            found.known.setdefault(rows.model, []).extend(rows.ids)
        found.output = str(output)
