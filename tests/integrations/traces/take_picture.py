"""Take the picture of a trace that the documentation shows.

Run as ``python -m tests.integrations.traces.take_picture examples/traces/trace.png`` in the
environment of ``make test-traces``, with Chromium installed; or as ``make traces-picture``.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import httpx

from tests.integrations.traces.backends import UNUSUAL, Backends, running, wait_for

CHROMIUM = "chromium"
WINDOW = "1360,760"
RENDERED_MILLISECONDS = 20_000
LIMIT_SECONDS = 120.0


def page_of_prediction(backends: Backends) -> str:
    """Ask for an unusual prediction, and return the address of its trace's page."""
    backends.ask(UNUSUAL)
    span = wait_for(
        lambda: next((s for s in backends.spans() if s["name"].startswith("predict ")), None),
        "the prediction's span",
    )
    ids = span["context"]
    projects = httpx.get(f"{backends.phoenix}/v1/projects").json()["data"]
    project = next(found["id"] for found in projects if found["name"] == "default")
    return (
        f"{backends.phoenix}/projects/{project}/traces/{ids['trace_id']}"
        f"?selectedSpanNodeId={span['id']}"
    )


def take(address: str, picture: Path) -> None:
    """Save what Chromium shows at an address."""
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                CHROMIUM,
                "--headless",
                "--no-sandbox",
                "--hide-scrollbars",
                f"--user-data-dir={profile}",
                f"--window-size={WINDOW}",
                f"--virtual-time-budget={RENDERED_MILLISECONDS}",
                f"--screenshot={picture.resolve()}",
                address,
            ],
            check=True,
            timeout=LIMIT_SECONDS,
        )


def main(picture: str) -> None:
    """Run all, and take the picture."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as backends:
        take(page_of_prediction(backends), Path(picture))


if __name__ == "__main__":
    main(*sys.argv[1:])
