from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVICE = """
    import signal
    import threading
    from pathlib import Path

    import modelwatch as mw
    from modelwatch.telemetry.transport import Outcome

    told_again = threading.Event()

    def exit_again(number, frame):
        told_again.set()
        raise SystemExit(0)

    class Slow:
        def send(self, signal_name, body, *, timeout_seconds=None):
            if not told_again.is_set():
                signal.pthread_kill(threading.main_thread().ident, signal.SIGTERM)
                told_again.wait(30)
            Path(f"{signal_name}-sent").write_bytes(body)
            return Outcome(status="accepted")

        def close(self):
            Path("closed").touch()

    signal.signal(signal.SIGTERM, exit_again)
    watch = mw.Watch("houses", version="1", transport=Slow())
    watch(lambda house: 0.5)({"area": 1.0})
"""


def test_a_second_order_to_exit_loses_nothing(tmp_path: Path) -> None:
    """A process that is told to exit once more, while it sends its last, sends it all the same."""
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SERVICE)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert run.stderr == ""
    assert {path.name for path in tmp_path.iterdir()} >= {"metrics-sent", "closed"}
