from __future__ import annotations

import os
import subprocess
import sys

PROGRAM = """
import resource
from pathlib import Path
from modelwatch.collector.freed_memory import give_back

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() >> 20

taken = [bytes(20_000) for _ in range(5_000)]
full = resident()
kept = taken[::10]  # so that no end of the heap is free
del taken
give_back()
print(full - resident())
"""


def test_free_memory_between_what_is_kept_is_given_back() -> None:
    """What was freed goes back to the system, though what is kept lies among it."""
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": str(2**30)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env=environment
    )
    assert int(done.stdout) > 40
