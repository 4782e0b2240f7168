"""Tables of shares."""

from __future__ import annotations

import pytest

from modelwatch.diagnosis.category_tables import distance


def test_the_distance_of_tables_is_total_variation() -> None:
    """Half the sum of differences, by a direct formula."""
    p, q = {"a": 0.2, "b": 0.8}, {"b": 0.5, "c": 0.5}
    assert distance(p, q) == pytest.approx((0.2 + 0.3 + 0.5) / 2)
    assert distance({}, {}) == 0.0
