"""Runs an example as its README says, and counts what reaches a receiver."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.otlp_receiver import OtlpReceiver
from tests.server_process import Output, served, watched_environment

__all__ = ["EXAMPLES", "PROGRAMS", "Example", "environment"]

EXAMPLES = Path(__file__).parents[2] / "examples"
PROGRAMS = Path(sys.executable).parent
"""Where the environment's own programs are."""

CUSTOMER = {"years": 3, "calls": 4}
SCORE = 0.7310585786300049
REQUESTS = 10


@dataclass(frozen=True, kw_only=True)
class Example:
    """How an example is started and asked.

    Attributes:
        command: what serves it.
        folder: where.
        address: where it answers.
        ready: the path that answers once it is up.
        path: the path that predicts.
        body: what is sent there; by default a customer.
        stop: the signal by which it stops in good order.
    """

    command: Sequence[str]
    folder: Path
    address: str
    path: str
    ready: str = "/"
    body: Mapping[str, Any] | None = None
    stop: signal.Signals = signal.SIGTERM

    def check(self, **variables: str) -> list[httpx.Response]:
        """Ask for predictions; each must be right, and be told to the receiver exactly once."""
        with OtlpReceiver() as receiver:
            with served(
                self.command,
                self.address + self.ready,
                folder=self.folder,
                environment=environment(receiver.endpoint, **variables),
                stop=self.stop,
            ) as output:
                answers = self._ask(output)
            assert receiver.predictions() == {"": REQUESTS}, str(output)
            assert receiver.rows() == REQUESTS
            profiles = receiver.metrics()
        assert {(profile.model, profile.version) for profile in profiles} == {("churn", "1")}
        assert {"calls", "years"} < set().union(*(profile.features for profile in profiles))
        return answers

    def _ask(self, output: Output) -> list[httpx.Response]:
        """Send requests, over a connection each, so that all workers are asked."""
        limits = httpx.Limits(max_keepalive_connections=0)
        with httpx.Client(base_url=self.address, limits=limits, timeout=60.0) as client:
            answers = [client.post(self.path, json=self.body or CUSTOMER) for _ in range(REQUESTS)]
        for answer in answers:
            assert str(SCORE) in answer.text, f"{answer.text}\n{output}"
        return answers


def environment(endpoint: str, **variables: str) -> dict[str, str]:
    """Return the environment of an example, in which the installed programs are found."""
    path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
    return watched_environment(endpoint, PATH=path, **variables)
