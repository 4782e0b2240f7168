from __future__ import annotations

import ast
import os
import signal
import threading
from pathlib import Path

from modelwatch.lazy import cached_property

ROOT = Path(__file__).parents[1]
FORK_SECONDS = 30


class Counted:
    """Counts how often its attribute is computed."""

    def __init__(self) -> None:
        self.computed = 0

    @cached_property
    def answer(self) -> int:
        """Return the answer."""
        self.computed += 1
        return 42


def test_a_value_is_computed_once_for_each_object() -> None:
    """The first read computes, later ones do not; the class shows the attribute itself."""
    first, second = Counted(), Counted()
    assert (first.answer, first.answer, second.answer) == (42, 42, 42)
    assert (first.computed, second.computed) == (1, 1)
    assert Counted.answer.__doc__ == "Return the answer."


def test_a_fork_in_the_midst_of_computing_leaves_no_lock() -> None:
    """A child that is forked while another thread computes can compute the same by itself."""
    computing, done = threading.Event(), threading.Event()

    class Slow:
        @cached_property
        def answer(self) -> int:
            """Wait in the parent's thread, and nowhere else."""
            if threading.current_thread() is thread:
                computing.set()
                done.wait()
            return 42

    thread = threading.Thread(target=lambda: Slow().answer)
    thread.start()
    computing.wait()
    child = os.fork()
    if child == 0:
        signal.alarm(FORK_SECONDS)
        os._exit(Slow().answer)
    _, status = os.waitpid(child, 0)
    done.set()
    thread.join()
    assert os.waitstatus_to_exitcode(status) == 42


def test_no_module_of_the_service_has_the_property_with_a_lock() -> None:
    """`functools.cached_property` would hang a forked child now and then."""
    found = [
        path.name
        for path in (ROOT / "modelwatch").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "functools"
        for name in node.names
        if name.name == "cached_property"
    ]
    assert found == []
