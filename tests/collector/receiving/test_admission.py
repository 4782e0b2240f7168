from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import modelwatch as mw
from modelwatch.collector.receiving.admission import Admission
from modelwatch.collector.receiving.clocks import ClockRules
from modelwatch.collector.receiving.limits import IngestLimits
from modelwatch.collector.receiving.names_heard import FORGET_SECONDS
from modelwatch.telemetry.wire import Arrival, decode_logs, encode_logs, fold_other
from modelwatch.telemetry.wire.assembling import empty_profile
from tests.collector.receiving.arrivals import arrival

NOW_NS = 10**18
SECOND = 10**9


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now_ns = NOW_NS

    def __call__(self) -> int:
        """Return the time."""
        return self.now_ns


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("models", [{"model": "m"}, {"model": "n"}]),
        ("versions", [{"version": "1"}, {"version": "2"}]),
        ("segments", [{"segment": ""}, {"segment": "s"}]),
        ("instances", [{"instance": "a"}, {"instance": "b"}]),
        ("features", [{"features": ("x",)}, {"features": ("y",)}]),
        ("categories", [{"categories": ("c",)}, {"categories": ("d",)}]),
    ],
)
def test_one_too_many_is_refused(kind: str, names: list[dict[str, Any]]) -> None:
    """Of each kind, what goes beyond the limit is refused and told; what is known still comes."""
    admission = Admission(IngestLimits(**{kind: 1}), clock=Clock())
    first, second = (arrival(**own) for own in names)
    assert admission.admit([first]).arrivals == [first]
    refused = admission.admit([second])
    assert (refused.arrivals, dict(refused.refused)) == ([], {kind: 1})
    assert kind in refused.message
    assert admission.admit([first]).refused.total() == 0


@pytest.mark.parametrize("kind", ["versions", "segments", "instances", "features", "categories"])
def test_all_models_share_a_limit(kind: str) -> None:
    """What all models have of a kind is limited too."""
    admission = Admission(IngestLimits(**{f"all_{kind}": 1}), clock=Clock())
    refused = admission.admit([arrival(model="m"), arrival(model="n")]).refused
    assert dict(refused) == {kind: 1}


def test_the_rest_of_an_arrival_is_taken() -> None:
    """Series beyond a limit are left out, and the counts of the others stay with them."""
    admission = Admission(IngestLimits(features=2), clock=Clock())
    whole = arrival(features=("x", "y", "z"), categories=("c", "d"))
    (taken,) = admission.admit([whole]).arrivals
    assert taken.series_set.series == whole.series_set.series[:4]
    assert taken.counts.tolist() == [1, 2, 3, 4]
    assert admission.shown()["features"] == 2


def test_names_unheard_for_a_day_make_place() -> None:
    """A name that was not heard for a day gives its place to another."""
    clock = Clock()
    admission = Admission(IngestLimits(instances=1), clock=clock)
    admission.admit([arrival(instance="a")])
    clock.now_ns += (FORGET_SECONDS + 1) * SECOND
    assert not admission.admit([arrival(instance="b", end_ns=clock.now_ns)]).refused
    assert admission.shown()["instances"] == 1


def test_counting_is_bounded() -> None:
    """However many names come, no more are remembered than the limits allow."""
    admission = Admission(IngestLimits(instances=10, all_instances=20), clock=Clock())
    for number in range(1_000):
        admission.admit([arrival(model=f"m{number % 5}", instance=str(number))])
    assert admission.shown()["instances"] == 20


def test_the_future_is_refused() -> None:
    """A window that ends long after now is refused with the reason; the past is taken."""
    admission = Admission(rules=ClockRules(future_seconds=60), clock=Clock())
    told = admission.admit(
        [arrival(end_ns=NOW_NS + 61 * SECOND), arrival(end_ns=NOW_NS + 60 * SECOND)]
    )
    assert (len(told.arrivals), dict(told.refused)) == (1, {"future": 1})
    assert "clock" in told.message
    old = admission.admit([arrival(end_ns=1)])
    assert len(old.arrivals) == admission.clocks.too_old == 1


def test_clocks_are_shown() -> None:
    """Senders are shown with how far they are ahead, those the furthest first."""
    admission = Admission(clock=Clock())
    admission.admit([arrival(instance="late", end_ns=NOW_NS - 5 * SECOND)])
    admission.admit([arrival(instance="ahead", end_ns=NOW_NS + 45 * SECOND)])
    ahead, late = admission.clocks.shown()["instances"]
    assert (ahead["instance"], ahead["latest_offset_seconds"], ahead["is_ahead"]) == (
        "ahead", 45.0, True,
    )  # fmt: skip
    assert (late["latest_offset_seconds"], late["is_ahead"]) == (-5.0, False)


def sent(joint: tuple[str, ...]) -> tuple[Arrival, mw.Profile]:
    """Return the event of moments of three features of numbers, and the profile that it tells."""
    random = np.random.default_rng(3)
    rows = random.normal(5.0, 2.0, (400, 3)) @ np.array([[1, 0.4, 0], [0, 1, 0.3], [0, 0, 1]])
    baseline = mw.Baseline.fit(
        {name: rows[:, at] for at, name in enumerate(joint)}, model="m", version="1"
    )
    profile = mw.Profile.empty("m", "1", baseline=baseline, instance="a")
    profile.update({name: rows[:, at].tolist() for at, name in enumerate(joint)})
    profile.start_ns, profile.end_ns = NOW_NS - SECOND, NOW_NS
    (told,) = decode_logs(encode_logs(profile, resource={})).arrivals
    return told, profile


def test_moments_are_held_to_the_limit_of_features() -> None:
    """Of moments and co-moments what tells of features that have a place is taken."""
    told, profile = sent(("x", "y", "z"))
    admission = Admission(IngestLimits(features=2), clock=Clock())
    admission.admit([arrival(features=("z",)), arrival(features=("x",))])
    admitted = admission.admit([told])
    (taken,) = admitted.arrivals
    assert admitted.refused.total() == 0
    assert taken.others[0].key == told.others[0].key
    found = empty_profile(taken.window)
    fold_other(found, taken.others[0])
    assert set(found.features) == {"x", "z"}
    assert found.joint is not None
    assert profile.joint is not None
    assert found.joint.names == ("x", "z")
    for name in ("x", "z"):
        expected, own = profile.features[name].moments, found.features[name].moments
        assert expected is not None
        assert own is not None
        assert (own.n, own.mean, own.m2) == pytest.approx((400, expected.mean, expected.m2))
    places = np.ix_([0, 2], [0, 2])
    assert found.joint.m2 == pytest.approx(profile.joint.m2[places], rel=1e-2, abs=5.0)
    assert admission.admit([told]).arrivals[0].others == taken.others


def test_moments_without_a_place_are_refused() -> None:
    """Where no feature of theirs has one, they are a refused point with the reason."""
    told, _ = sent(("x", "y", "z"))
    admission = Admission(IngestLimits(features=1), clock=Clock())
    admission.admit([arrival(features=("other",))])
    refused = admission.admit([told])
    assert (refused.arrivals, dict(refused.refused)) == ([], {"features": 1})
    assert "features" in refused.message


def test_moments_take_places() -> None:
    """Features that only moments tell of count as all others do."""
    told, _ = sent(("x", "y", "z"))
    admission = Admission(clock=Clock())
    assert admission.admit([told]).arrivals == [told]
    assert admission.shown()["features"] == 3


def test_a_limit_can_be_changed() -> None:
    """A higher one takes more names, a lower one no more; who has a place keeps it."""
    admission = Admission(IngestLimits(features=1), clock=Clock())
    admission.admit([arrival(features=("x",))])
    admission.limit(IngestLimits(features=2))
    assert not admission.admit([arrival(features=("x", "y"))]).refused
    admission.limit(IngestLimits(features=1))
    assert not admission.admit([arrival(features=("y",))]).refused
    assert dict(admission.admit([arrival(features=("z",))]).refused) == {"features": 1}
