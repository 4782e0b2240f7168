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

    main = threading.main_thread().ident

    def at_rest(last):
        # Wait until the main thread waits for us, or does so again, and return where.
        # Python's own locks do not survive an exception on the way into a wait.
        while True:
            before = sys._current_frames()[main]
            at = before.f_lasti
            pause.wait(0.02)
            now = sys._current_frames()[main]
            is_at_rest = now is before and now.f_lasti == at
            if is_at_rest and now is not last and now.f_code.co_name == "wait":
                return now

    class Slow:
        told = False

        def send(self, signal_name, body, *, timeout_seconds=None):
            last = None
            for _ in range(0 if self.told else TIMES):
                last = at_rest(last)
                signal.pthread_kill(main, signal.SIGTERM)
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
