from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICE = """
    import signal
    import sys
    import threading
    from pathlib import Path

    import modelwatch as mw
    from modelwatch.telemetry.transport import Outcome

    pause = threading.Event()
    orders = threading.Semaphore(0)

    def exit_again(number, frame):
        orders.release()
        raise SystemExit(0)

    class Slow:
        told = False

        def send(self, signal_name, body, *, timeout_seconds=None):
            for _ in range(0 if self.told else TIMES):
                while sys._current_frames()[threading.main_thread().ident].f_code.co_name != "wait":
                    pause.wait(0.001)  # until the main thread waits for us
                signal.pthread_kill(threading.main_thread().ident, signal.SIGTERM)
                orders.acquire(timeout=30)
            self.told = True
            Path(f"{signal_name}-sent").write_bytes(body)
            return Outcome(status="accepted")

        def close(self):
            Path("closed").touch()

    signal.signal(signal.SIGTERM, exit_again)
    watch = mw.Watch("houses", version="1", transport=Slow())
    watch(lambda house: 0.5)({"area": 1.0})
"""


@pytest.mark.parametrize("times", [1, 3])
def test_further_orders_to_exit_lose_nothing(times: int, tmp_path: Path) -> None:
    """A process that is told to exit again, while it sends its last, sends it all the same."""
    run = subprocess.run(
        [sys.executable, "-c", f"TIMES = {times}\n" + textwrap.dedent(SERVICE)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert run.stderr == ""
    assert {path.name for path in tmp_path.iterdir()} >= {"metrics-sent", "closed"}
