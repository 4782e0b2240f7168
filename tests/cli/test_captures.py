from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import modelwatch as mw
from modelwatch.cli.checks import check_captures
from tests.cli.conftest import Run

Row = dict[str, Any]
MakeWatch = Callable[[str], mw.Watch]


@pytest.fixture
def make_watch(running_collector: dict[str, str]) -> Iterator[MakeWatch]:
    """Makes watches of models that send to the running collector."""
    made: list[mw.Watch] = []

    def make(model: str) -> mw.Watch:
        watch = mw.Watch(model, version="1", endpoint=running_collector["otlp"])
        made.append(watch)
        return watch

    yield make
    for watch in made:
        watch.shutdown(timeout_seconds=10)


def problems(running_collector: dict[str, str]) -> dict[str, str]:
    """Return what the doctor finds of each model."""
    return {check.name: check.problem for check in check_captures(running_collector["pages"])}


def score(features: Row) -> float:
    """Score a row."""
    return 0.5


def test_a_model_whose_rows_arrive_is_well(
    make_watch: MakeWatch, running_collector: dict[str, str]
) -> None:
    """Rows that were left out of a sample by choice are no fault where others are captured."""
    watch = make_watch("well")
    watch(score)({"age": 1.0})
    watch(sample_rate=0.0)(score)({"age": 1.0})
    assert watch.flush(timeout_seconds=20)
    assert problems(running_collector) == {"rows of well 1": ""}


def test_models_without_rows_are_named_with_the_reason(
    make_watch: MakeWatch, running_collector: dict[str, str], run: Run
) -> None:
    """Calls of which no row was captured are a problem, with the reason and what to do."""
    unread, sampled, failing = make_watch("unread"), make_watch("sampled"), make_watch("failing")
    unread.log(object(), 0.5)
    sampled(sample_rate=0.0)(score)({"age": 1.0})
    failing.log_failure("RequestValidationError")
    assert all(watch.flush(timeout_seconds=20) for watch in (unread, sampled, failing))
    found = problems(running_collector)
    assert "1 calls in the last hour, 0 rows captured" in found["rows of unread 1"]
    assert "1 dropped as unreadable" in found["rows of unread 1"]
    assert "inputs=" in found["rows of unread 1"]
    assert "raise sample_rate" in found["rows of sampled 1"]
    assert "all calls failed" in found["rows of failing 1"]
    outcome = run("doctor", "--collector", running_collector["pages"])
    assert outcome.status == 1
    assert "rows of unread 1" in outcome.out


def test_a_model_that_nobody_serves_is_named(
    running_collector: dict[str, str], baseline_file: Path, run: Run
) -> None:
    """A baseline that was pushed and of which nothing was ever received is a problem."""
    pushed = run("baseline", "push", baseline_file, "--collector", running_collector["pages"])
    assert pushed.status == 0
    found = problems(running_collector)
    assert "nothing was ever received" in found["rows of churn 3"]
    assert "MODELWATCH_ENABLED" in found["rows of churn 3"]
