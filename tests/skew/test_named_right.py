from __future__ import annotations

import numpy as np
import pytest

from modelwatch.skew import audit
from tests.benchmarks.bench_skew import audited
from tests.skew.injections import FAULTS, SHARES, injected, redrawn, shop, with_float32

SEEDS = range(100, 104)
LEAST_RIGHT = 0.9


@pytest.mark.parametrize("kind", FAULTS)
def test_an_injected_kind_is_named(kind: str) -> None:
    """Of each kind, in all, 30% or 5% of the rows, nine of ten are named first of all kinds."""
    named = []
    for seed in SEEDS:
        for share in SHARES:
            case = injected(kind, seed, share)
            named.append(audited(case)[case.column].kinds[0].name == kind)
    assert np.mean(named) >= LEAST_RIGHT


def test_values_at_random_are_of_no_kind() -> None:
    """Values that were drawn anew are told as skew without a kind."""
    named = [audited(case)[case.column].kinds[0].name for case in redrawn(100)]
    assert named == ["other"] * len(named)


def test_clean_rows_are_clean() -> None:
    """Rows that differ by what float32 loses, in another order, have no skew."""
    frame = shop(np.random.default_rng(100))
    assert audit(with_float32(frame).sample(frac=1.0, random_state=1), frame).failing() == ()
