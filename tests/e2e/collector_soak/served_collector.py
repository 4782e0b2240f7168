"""A collector on a simulated clock, as a process of its own.

``python -m tests.e2e.collector_soak.served_collector STORE CLOCK OTLP_PORT API_PORT`` runs one.
Windows are hours of the simulated clock. What a collector does every so many seconds (looking for
finished windows, merging, tidying up) is done by the real clock, more often than usual, since an
hour is over in seconds.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from modelwatch.collector.app import CollectorOptions, serve
from modelwatch.collector.storing import upkeep
from modelwatch.collector.storing.retention import Retention
from tests.e2e.collector_soak.simulated_clock import SimulatedClock

__all__ = ["HOUR", "LOCK_SECONDS", "RETENTION"]

HOUR = 3_600
LOCK_SECONDS = 0.5
RETENTION = Retention(instances_seconds=4 * HOUR, minutes_seconds=4 * HOUR, hours_seconds=8 * HOUR)


async def _serve(store: Path, clock: SimulatedClock, otlp_port: int, api_port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    options = CollectorOptions(
        store_path=store,
        otlp_http_port=otlp_port,
        api_port=api_port,
        window_seconds=HOUR,
        evaluation_interval_seconds=0.5,
        lock_seconds=LOCK_SECONDS,
        retention=RETENTION,
    )
    await serve(
        options,
        stop=stop,
        ready=lambda addresses: print(addresses, flush=True),
        clock=clock.now_ns,
        monotonic=clock.passed_ns,
    )


def main() -> None:
    """Run until SIGTERM."""
    store, clock, otlp_port, api_port = sys.argv[1:]
    vars(upkeep).update(MERGE_SECONDS=0.5, CLEAN_SECONDS=2.0)
    work = _serve(Path(store), SimulatedClock(Path(clock)), int(otlp_port), int(api_port))
    try:
        import uvloop
    except ImportError:
        asyncio.run(work)
    else:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work)


if __name__ == "__main__":
    main()
