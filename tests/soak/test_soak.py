from __future__ import annotations

import pytest

from tests.soak.soak import many_categories, many_rows, outage

MOST_MEGABYTES = 30.0


@pytest.mark.slow
def test_rows_without_end_need_no_more_memory() -> None:
    """What does not fit is dropped and counted, so memory is flat however many rows come."""
    found = many_rows(150_000, warm_up=100_000, at_full_speed=True)
    assert found.captured > 0
    assert found.captured + found.dropped == found.called
    assert found.grown < MOST_MEGABYTES


@pytest.mark.slow
@pytest.mark.parametrize("with_baseline", [True, False])
def test_categories_without_end_need_no_more_memory(with_baseline: bool) -> None:
    """Of categories that hardly come twice so many are named as there is room for."""
    found = many_categories(20_000, distinct=20_000, warm_up=5_000, with_baseline=with_baseline)
    assert found.captured == found.called
    assert found.grown < MOST_MEGABYTES
    assert found.longest < 200_000


@pytest.mark.slow
def test_an_outage_needs_no_more_memory_and_loses_no_count() -> None:
    """What waits is merged; when the receiver is back, all rows arrive."""
    found = outage(150, warm_up=50)
    assert found.captured == found.called
    assert found.dropped == 0
    assert found.grown < MOST_MEGABYTES
