"""Moments of many windows added up, against those of all rows at once."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

import modelwatch as mw
from modelwatch.errors import UndecodableTelemetry
from modelwatch.profile import Profile
from modelwatch.telemetry.wire import decode_logs, encode_logs
from modelwatch.telemetry.wire.arrivals import Other
from modelwatch.telemetry.wire.moments_sum import MomentsSums

SIZES = (1, 700, 3, 2_000, 60)
PLACES = {"near": 0.0, "far": 1e9, "small": 1e-6}


def columns(seed: int, rows: int) -> dict[str, np.ndarray]:
    """Return features that share a common part, one with gaps."""
    random = np.random.default_rng(seed)
    common = random.normal(size=rows)
    found = {name: place + common + random.normal(size=rows) for name, place in PLACES.items()}
    found["near"][::7] = np.nan
    return found


@pytest.fixture(scope="module")
def baseline() -> mw.Baseline:
    """What the model was trained on."""
    return mw.Baseline.fit(columns(0, 5_000), model="m", version="1")


def event(baseline: mw.Baseline, seed: int, rows: int) -> Other:
    """Return the event of a window, as it arrives."""
    told = {name: columns(seed, rows)[name] for name in baseline.features}
    profile = mw.Profile.from_data(told, baseline=baseline)
    profile.start_ns, profile.end_ns = 1_000, 2_000
    return decode_logs(encode_logs(profile, resource={})).arrivals[0].others[0]


def test_sum_is_that_of_all_rows(baseline: mw.Baseline) -> None:
    """Means, variances and covariances of windows of any size are those of their rows."""
    sums, profile = MomentsSums(), Profile("", "")
    for seed, rows in enumerate(SIZES):
        sums.add(event(baseline, seed, rows))
    assert sums.fold(profile) == 0
    parts = [columns(seed, rows) for seed, rows in enumerate(SIZES)]
    together = {name: np.concatenate([part[name] for part in parts]) for name in PLACES}
    for name, values in together.items():
        moments, told = profile.features[name].moments, values[~np.isnan(values)]
        assert moments is not None
        assert moments.n == told.size
        assert moments.mean == pytest.approx(told.mean(), rel=1e-12)
        assert moments.variance == pytest.approx(told.var(ddof=1), rel=1e-9)
    whole = np.array([together[name] for name in PLACES])
    whole = whole[:, ~np.isnan(whole).any(axis=0)]
    assert profile.joint is not None
    at = [profile.joint.names.index(name) for name in PLACES]
    found = profile.joint.m2[np.ix_(at, at)] / (profile.joint.n - 1)
    assert profile.joint.n == whole.shape[1]
    assert np.corrcoef(whole) == pytest.approx(
        found / np.sqrt(np.outer(np.diag(found), np.diag(found))), abs=2e-3
    )
    assert np.diag(found) == pytest.approx(whole.var(axis=1, ddof=1), rel=1e-9)


def test_sum_is_forgotten_once_it_is_folded(baseline: mw.Baseline) -> None:
    """What was folded into a profile is not folded into it again."""
    sums, profile = MomentsSums(), Profile("", "")
    sums.add(event(baseline, 1, 100))
    sums.fold(profile)
    sums.fold(profile)
    assert profile.features["far"].moments is not None
    assert profile.features["far"].moments.n == 100


def test_events_of_other_features_stay_apart(baseline: mw.Baseline) -> None:
    """Windows that name other features are folded in beside each other."""
    fewer = mw.Baseline.fit({"far": columns(0, 500)["far"]}, model="m", version="1")
    sums, found = MomentsSums(), Profile("", "")
    sums.add(event(baseline, 1, 100))
    sums.add(event(fewer, 9, 30))
    assert sums.fold(found) == 0
    assert {name: one.moments.n for name, one in found.features.items() if one.moments} == {
        "near": 85,
        "far": 130,
        "small": 100,
    }


def test_events_that_contradict_are_counted(baseline: mw.Baseline) -> None:
    """A feature that is an output of the profile leaves all events out that say it is an input."""
    output = mw.Baseline.fit(columns(0, 500), model="m", version="1", score="far")
    profile = mw.Profile.from_data(columns(1, 100), baseline=output)
    sums = MomentsSums()
    for seed in (1, 2):
        sums.add(event(baseline, seed, 100))
    assert sums.fold(profile) == 2


def test_damaged_event_changes_nothing(baseline: mw.Baseline) -> None:
    """An event that cannot be read raises, and those before it count."""
    good = event(baseline, 1, 100)
    sums, profile = MomentsSums(), Profile("", "")
    sums.add(good)
    damaged = LogRecord.FromString(good.payload)
    damaged.body.bytes_value = b"\x02" + damaged.body.bytes_value[1:]
    with pytest.raises(UndecodableTelemetry, match="format"):
        sums.add(dataclasses.replace(good, payload=damaged.SerializeToString()))
    sums.fold(profile)
    assert profile.features["far"].moments is not None
    assert profile.features["far"].moments.n == 100
