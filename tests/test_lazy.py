from __future__ import annotations

import ast
import os
import signal
import threading
from pathlib import Path
from types import ModuleType

import pytest

import modelwatch.extractors
import modelwatch.telemetry.wire
from modelwatch.lazy import cached_property, loading
from modelwatch.sketches import Moments

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


def test_a_package_loads_what_it_exports_when_it_is_asked_for() -> None:
    """What was loaded is the module's own, and a name that is not exported is none."""
    load = loading("modelwatch.sketches", {"Moments": "moments"})
    assert load("Moments") is Moments
    with pytest.raises(AttributeError, match=r"'modelwatch\.sketches' has no attribute 'Moment'"):
        load("Moment")


@pytest.mark.parametrize("package", [modelwatch.extractors, modelwatch.telemetry.wire])
def test_such_packages_export_all_that_they_name(package: ModuleType) -> None:
    """Each name in ``__all__`` is there, and no module stands in for it."""
    exported = [getattr(package, name) for name in package.__all__]
    assert exported
    assert not [found for found in exported if isinstance(found, ModuleType)]
