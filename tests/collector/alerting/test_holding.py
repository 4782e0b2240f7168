"""Which findings hold over windows."""

from __future__ import annotations

import pytest

from modelwatch.collector.alerting.holding import Terms, condition_of
from modelwatch.collector.alerting.observing import Observation
from modelwatch.persistence import Persistence
from tests.collector.alerting.conftest import feature, observations, window

TERMS = Terms(opens=Persistence(k=2, m=3), clears=Persistence(k=2, m=2))


@pytest.mark.parametrize(
    ("letters", "holds", "pending"),
    [
        ("D", False, True),
        ("DD", True, False),
        ("D.D", True, False),
        ("D..", False, True),
        ("D...", False, False),
        ("D?D", True, False),
        ("D????D", True, False),
        ("..", False, False),
        ("??", False, False),
        ("", False, False),
    ],
)
def test_k_of_the_last_m_judged_windows(letters: str, holds: bool, pending: bool) -> None:
    """A finding holds in 2 of the last 3 windows that judged it; others are passed over."""
    found = condition_of(observations(letters), TERMS)
    assert (bool(found.holding), bool(found.pending)) == (holds, pending)


@pytest.mark.parametrize(
    ("letters", "holds"), [("DD.", True), ("D.D.", True), ("DD..", False), ("DD???", True)]
)
def test_what_held_goes_on_until_it_was_judged_calm(letters: str, holds: bool) -> None:
    """Two calm windows clear it; windows that could not be judged never do."""
    found = condition_of(observations(letters), TERMS, held={"age": feature("age")})
    assert bool(found.holding) == holds


def test_what_held_stays_where_all_windows_of_it_are_forgotten() -> None:
    """An outage longer than what is remembered resolves nothing."""
    found = condition_of(observations("?" * 12), TERMS, held={"age": feature("age")})
    assert [one.name for one in found.holding] == ["age"]
    calm = condition_of(observations("??.."), TERMS, held={"age": feature("age")})
    assert calm.holding == ()


def test_other_features_in_each_window_make_no_finding() -> None:
    """Each feature must hold by itself: chance finds another one in every window."""
    windows = [
        Observation(window=window(number), found={name: feature(name)})
        for number, name in enumerate(("a", "b", "c", "d"))
    ]
    assert condition_of(windows, TERMS).holding == ()


def test_features_are_ranked_by_severity_then_weight() -> None:
    """The one that matters most comes first."""
    found = {
        "small": feature("small", weight=0.1),
        "large": feature("large", weight=0.9),
        "mild": feature("mild", "warning", weight=5.0),
    }
    windows = [Observation(window=window(number), found=found) for number in range(2)]
    holding = condition_of(windows, TERMS).holding
    assert [one.name for one in holding] == ["large", "small", "mild"]
    assert {(one.found, one.judged) for one in holding} == {(2, 2)}


def test_a_finding_is_critical_where_it_was_so_in_k_windows() -> None:
    """One critical window among warnings makes no critical alert."""
    assert condition_of(observations("wD"), TERMS).holding[0].severity == "warning"
    assert condition_of(observations("DwD"), TERMS).holding[0].severity == "critical"


def test_since_when_is_the_start_of_the_run() -> None:
    """It is the start of the first window that counts, and seen until the end of the last."""
    found = condition_of(observations("..D.D"), TERMS)
    assert found.since_ns == window(2).start_ns
    assert found.last_seen_ns == window(4).end_ns
