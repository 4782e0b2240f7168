from __future__ import annotations

import numpy as np
import pytest

import modelwatch as mw
from modelwatch.collector.evaluating.instances import assess_instances

FEATURES = 30
NAMES = [f"x{place}" for place in range(FEATURES)]


@pytest.fixture(scope="module")
def known() -> mw.Baseline:
    """What the model was trained on."""
    random = np.random.default_rng(0)
    rows = {name: random.normal(size=5_000) for name in NAMES}
    return mw.Baseline.fit(rows, model="m", version="1")


def fleet(
    random: np.random.Generator, known: mw.Baseline, size: int, *, shifted: int = 0, rows: int = 300
) -> dict[str, mw.Profile]:
    """Return what each instance saw; the first ones of another x3."""
    found = {}
    for place in range(size):
        table = {name: random.normal(size=rows) for name in NAMES}
        table["x3"] = table["x3"] + (1.5 if place < shifted else 0.0)
        found[f"i{place}"] = mw.Profile.from_data(table, baseline=known)
    return found


def test_instances_that_are_alike_are_rarely_told(known: mw.Baseline) -> None:
    """Of many fleets of equal instances, hardly any has one that strays."""
    random = np.random.default_rng(5)
    told = 0
    for _ in range(20):
        found = assess_instances(fleet(random, known, 8), baseline=known)
        told += any(one.state in ("drift", "warning") for one in found)
    assert told <= 1


def test_those_that_stray_are_told_and_no_others(known: mw.Baseline) -> None:
    """One or two of six that stray are told alone, though the others are compared with them too."""
    random = np.random.default_rng(6)
    for shifted in (1, 2):
        found = assess_instances(fleet(random, known, 6, shifted=shifted), baseline=known)
        told = {one.instance for one in found if one.state in ("drift", "warning")}
        assert told == {f"i{place}" for place in range(shifted)}
        assert [feature.name for feature in found[0].features] == ["x3"]
        assert found[0].strays_most is not None
        assert found[0].strays_most.name == "x3"


def test_of_many_instances_the_one_that_strays_is_compared(known: mw.Baseline) -> None:
    """Though it has the fewest rows of all, and a few are compared, it is told, and alone."""
    random = np.random.default_rng(11)
    profiles = fleet(random, known, 299, rows=100)
    profiles |= {"odd": fleet(random, known, 1, shifted=1, rows=90)["i0"]}
    found = assess_instances(profiles, baseline=known, most=10)
    assert len(found) == 10
    told = {one.instance for one in found if one.state in ("drift", "warning")}
    assert told == {"odd"}


def test_those_that_are_not_compared_count_among_all(known: mw.Baseline) -> None:
    """Of many equal ones the oddest are compared, and judged as the oddest of so many."""
    random = np.random.default_rng(12)
    told = 0
    for _ in range(8):
        found = assess_instances(fleet(random, known, 150, rows=100), baseline=known, most=8)
        assert len(found) == 8
        told += any(one.state in ("drift", "warning") for one in found)
    assert told <= 1


def test_one_instance_has_no_siblings(known: mw.Baseline) -> None:
    """Alone, an instance is not said to be as its siblings; with too few rows, none is."""
    random = np.random.default_rng(7)
    (alone,) = assess_instances(fleet(random, known, 1), baseline=known)
    assert (alone.state, alone.p_value) == ("no_reference", None)
    few = assess_instances(fleet(random, known, 3, rows=10), baseline=known)
    assert {one.state for one in few} == {"insufficient_data"}
    assert assess_instances({}, baseline=known) == []
