"""``python -m tests.e2e.collector_soak``: a day of a fleet in minutes, with all that goes wrong.

Without arguments, exports are five minutes apart. ``--interval 60 --most-minutes 90`` is the day of
a fleet that exports once a minute; ``make collector-soak SOAK="--interval 900"`` is a quick one.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.e2e.collector_soak.damage import Damage
from tests.e2e.collector_soak.day import Day, Plan
from tests.e2e.collector_soak.figures import figures, require_targets, write

RESULTS = Path(__file__).parents[1] / "results.md"
ROOT = Path(__file__).parents[3]


def main() -> None:
    """Soak, print the figures and write them."""
    usual = Plan()
    parser = argparse.ArgumentParser(description="Soak a collector.")
    parser.add_argument("--replicas", type=int, default=usual.replicas)
    parser.add_argument("--hours", type=int, default=usual.hours)
    parser.add_argument("--interval", type=int, default=usual.interval_seconds, help="seconds")
    parser.add_argument("--kills", type=int, default=usual.kills)
    parser.add_argument("--most-minutes", type=float, default=20.0)
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    plan = Plan(
        replicas=options.replicas,
        hours=options.hours,
        interval_seconds=options.interval,
        kills=options.kills,
    )
    with tempfile.TemporaryDirectory(dir=ROOT) as name:
        began, busy = time.monotonic(), os.getloadavg()[0]
        day, damage = asyncio.run(_soak(Path(name), plan, options.most_minutes * 60))
        minutes = (time.monotonic() - began) / 60
    rows = figures(day, damage)
    for what, target, measured in rows:
        print(f"{what}: {measured}" + (f" (target: {target})" if target else ""))
    write(options.results, rows, _heading(plan, minutes, busy))
    require_targets(day)


async def _soak(folder: Path, plan: Plan, most_seconds: float) -> tuple[Day, Damage]:
    (folder / "day").mkdir()
    day, damage = Day(folder / "day", plan), Damage(folder)
    async with asyncio.timeout(most_seconds):
        try:
            await day.run()
            await damage.run_disk()
            await damage.run_pages()
        except BaseException:
            print(day.collector.log.read_text(encoding="utf-8")[-4_000:])
            raise
    day.log = day.collector.log.read_text(encoding="utf-8")
    return day, damage


def _heading(plan: Plan, minutes: float, busy: float) -> str:
    machine = f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}"
    arguments = " ".join(sys.argv[1:])
    made_by = "make collector-soak" + (f' SOAK="{arguments}"' if arguments else "")
    return (
        f"# What the collector's soak measured\n\n{machine}, {datetime.now(UTC):%Y-%m-%d}. Made by "
        f"`{made_by}` in {minutes:.0f} minutes, on a machine whose load was {busy:.1f} before.\n\n"
        f"Simulated: {plan.hours} hours of {plan.replicas:,} replicas of 4 models with 40 features "
        f"on 120 bins, each sending an export of about 900 rows every {plan.interval_seconds} "
        f"simulated seconds, {plan.replicas * plan.steps:,} in all, as fast as they are "
        "acknowledged. The collector runs on a clock that goes on with them; what it does every so "
        "many seconds it does by the real clock. Senders' rows and minutes are kept for 4 hours, "
        "hours for 8, so that all that a store does in a year is done. Nine more days follow in "
        "which nothing is sent, then the kills. The faults of the disk were of `modelwatch "
        "collector` itself, by the real clock."
    )


if __name__ == "__main__":
    main()
