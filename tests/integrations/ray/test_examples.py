from __future__ import annotations

import signal

from tests.integrations.examples import EXAMPLES, PROGRAMS, Example


def test_ray_serve() -> None:
    """What two replicas predict is counted once each, and sent as they stop."""
    Example(
        command=[str(PROGRAMS / "serve"), "run", "service:app"],
        folder=EXAMPLES / "ray_serve",
        address="http://127.0.0.1:8000",  # where Ray Serve listens
        ready="/-/healthz",
        path="/",
        stop=signal.SIGINT,
    ).check()
