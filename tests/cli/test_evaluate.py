from __future__ import annotations

import pytest

import modelwatch as mw
from modelwatch.cli.application import run
from tests.collector.conftest import (
    MODEL,
    NOW_NS,
    SECOND,
    VERSION,
    Start,
    Traffic,
    baseline,
    start,
    traffic,
)

__all__ = ["baseline", "start", "traffic"]


def test_evaluates_promotes_and_goes_back(
    start: Start, baseline: mw.Baseline, traffic: Traffic, capsys: pytest.CaptureFixture[str]
) -> None:
    """A window is judged from the command line, becomes the baseline, and is put back."""
    collector = start(evaluation_interval_seconds=3_600)
    collector.push(baseline)
    for back in (0, 60, 120):
        profile = traffic.profile(end_ns=NOW_NS - back * SECOND, shift=25)
        collector.post(traffic.body(profile))
    where = ["--collector", collector.api]
    assert run(["evaluate", MODEL, VERSION, "--window", "1h", *where]) == 1
    assert run(["baseline", "promote", MODEL, VERSION, "--window", "1h", "--force", *where]) == 0
    assert "1500 live rows" in capsys.readouterr().out
    assert run(["baseline", "history", MODEL, VERSION, *where]) == 0
    told = capsys.readouterr().out
    assert baseline.id in told
    assert "(current)" in told
    assert run(["baseline", "promote", MODEL, VERSION, "--back-to", baseline.id, *where]) == 0
    assert run(["baseline", "promote", MODEL, VERSION, *where]) == 2
