"""Modules that are loaded late, and forks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from modelwatch.late_modules import load_modules

SLOW_MODULE = """
import threading
threading.main_thread().begun.set()
threading.Event().wait(0.3)
"""

FORKING = """
import os, signal, threading
from modelwatch.late_modules import load_modules

threading.main_thread().begun = threading.Event()
load_modules("json")
thread = threading.Thread(target=load_modules, args=("slow_module",))
thread.start()
threading.main_thread().begun.wait()
child = os.fork()
if child == 0:
    signal.alarm(60)
    import slow_module
    load_modules("slow_module")
    os._exit(42)
_, status = os.waitpid(child, 0)
thread.join()
load_modules("slow_module")
raise SystemExit(os.waitstatus_to_exitcode(status))
"""


def test_a_child_that_is_forked_while_a_thread_loads_can_load_the_same(tmp_path: Path) -> None:
    """A fork waits for the thread, so that no lock of the module is inherited held."""
    (tmp_path / "slow_module.py").write_text(SLOW_MODULE, encoding="utf-8")
    path = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
    ended = subprocess.run([sys.executable, "-c", path + FORKING], timeout=120, check=False)
    assert ended.returncode == 42


def test_a_module_that_is_not_there_is_told() -> None:
    """The error is that of a plain import, and what comes next is loaded all the same."""
    with pytest.raises(ModuleNotFoundError, match="modelwatch_is_not_here"):
        load_modules("modelwatch_is_not_here")
    load_modules("json", "decimal")
