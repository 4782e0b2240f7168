"""What is said where it is not known when the compared rows came."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import modelwatch as mw


def rows(days: int, seed: int) -> dict[str, Any]:
    """Return a row every ten minutes of a feature with a daily cycle."""
    times = 600.0 * np.arange(days * 144)
    noise = np.random.default_rng(seed).normal(scale=0.3, size=times.size)
    return {"x": np.sin(2 * np.pi * times / 86_400) + noise, "at": times}


@pytest.fixture(scope="module")
def cyclic() -> mw.Baseline:
    """A baseline of four weeks, in which the feature has a cycle."""
    made = mw.Baseline.fit(rows(28, 0), model="m", version="1", timestamp="at")
    assert made.features["x"].seasons is not None
    return made


def test_timestamps_that_are_no_times_are_told(
    cyclic: mw.Baseline, caplog: pytest.LogCaptureFixture
) -> None:
    """In the report and, once, in the log; so are those of a profile made before."""
    data = rows(2, 1)
    data["at"] = ["half past nine"] * len(data["x"])
    report = mw.compare(cyclic, data)
    assert report.note is not None
    assert "no value of the timestamp column 'at' is a time" in report.note
    assert len(caplog.records) == 1
    profile = mw.Profile.from_data(data, baseline=cyclic)
    assert mw.compare(cyclic, profile).note == report.note
    assert mw.compare(cyclic, profile.merge(profile)).note == report.note


def test_nothing_is_told_where_nothing_is_lost(
    cyclic: mw.Baseline, caplog: pytest.LogCaptureFixture
) -> None:
    """With times, without the column, with no value in it, and where no feature has a cycle."""
    timed = rows(2, 1)
    count = len(timed["x"])
    isos = np.datetime_as_string(timed["at"].astype("M8[s]")).tolist()
    for at in (timed["at"], isos, [None] * count, [*isos[:-1], "later"]):
        assert mw.compare(cyclic, timed | {"at": at}).note is None
    assert mw.compare(cyclic, {"x": timed["x"]}).note is None
    noise = timed | {"x": np.random.default_rng(0).normal(size=count)}
    plain = mw.Baseline.fit(noise, model="m", version="1", timestamp="at")
    assert mw.compare(plain, noise | {"at": ["?"] * count}).note is None
    assert not caplog.records
