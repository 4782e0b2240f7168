"""What importing modelwatch adds to a service that has the OpenTelemetry SDK.

Run as ``python tests/benchmarks/bench_import.py``. Each case starts a fresh interpreter, which
measures its own imports; all cases run in turn, several times over, and medians are given. The
floor is the SDK for traces and metrics. What numpy and other libraries take, which most services
have anyway, is told.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import modelwatch as mw

ROUNDS = 9
LIMIT_SECONDS = 0.1
TRAINING_ROWS = 1_000
FEATURES = 30

SDK = "import opentelemetry.sdk.trace, opentelemetry.sdk.metrics"
MESSAGES = ", ".join(
    f"opentelemetry.proto.collector.{signal}.v1.{signal}_service_pb2"
    for signal in ("logs", "metrics")
)
WATCH = "from modelwatch import Watch; watch = Watch('bench', version='1', baseline=sys.argv[1])"
CASES = {
    "the SDK": SDK,
    "the SDK and numpy": f"{SDK}; import numpy",
    "the SDK, numpy and OTLP's messages": f"{SDK}; import numpy, {MESSAGES}",
    "and wrapt, which loads asyncio": f"{SDK}; import numpy, {MESSAGES}, wrapt",
    "and import modelwatch": f"{SDK}; import modelwatch",
    "and modelwatch.Watch": f"{SDK}; from modelwatch import Watch",
    "and a Watch with a baseline's file": f"{SDK}; {WATCH}",
    "and a function that the Watch decorates": f"{SDK}; {WATCH}; watch(lambda features: 0.5)",
}


def seconds(statement: str, baseline: Path) -> float:
    """Return what a statement takes in a fresh interpreter, its start left out.

    Byte code is kept beside the baseline, as an installed package has it.
    """
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(baseline.parent)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    script = (
        "import sys, time; started = time.perf_counter()\n"
        f"{statement}\n"
        "print(time.perf_counter() - started, flush=True)\n"
        "import os; os._exit(0)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, str(baseline)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(ran.stdout)


def measure() -> dict[str, float]:
    """Return the median seconds of each case."""
    columns = {
        f"feature_{i}": [float(i + row % 97) for row in range(TRAINING_ROWS)]
        for i in range(FEATURES)
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "baseline.json"
        mw.Baseline.fit(columns, model="bench", version="1").save(path)
        taken: dict[str, list[float]] = {name: [] for name in CASES}
        for statement in CASES.values():
            seconds(statement, path)  # compiles
        for _ in range(ROUNDS):
            for name, statement in CASES.items():
                taken[name].append(seconds(statement, path))
    return {name: statistics.median(values) for name, values in taken.items()}


def figures() -> list[tuple[str, str, str]]:
    """Return what each case takes above the SDK."""
    medians = measure()
    floor = medians.pop("the SDK")
    target = f"at most {LIMIT_SECONDS:g} s above"
    rows = [("importing the OpenTelemetry SDK", "", f"{floor:.3f} s")]
    for name, value in medians.items():
        is_ours = "odelwatch" in name or "Watch" in name
        rows.append((name, target if is_ours else "", f"{value - floor:.3f} s above"))
    return rows


def main() -> None:
    """Measure and print."""
    for what, target, measured in figures():
        print(f"{what:40} {target:22} {measured}")


if __name__ == "__main__":
    main()
