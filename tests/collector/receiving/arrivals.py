"""Small arrivals of any names and times."""

from __future__ import annotations

import numpy as np

from modelwatch.telemetry import names
from modelwatch.telemetry.wire.arrivals import Arrival, Series, SeriesSet, Window


def arrival(
    *,
    model: str = "m",
    version: str = "1",
    instance: str = "a",
    segment: str = "",
    features: tuple[str, ...] = ("x",),
    categories: tuple[str, ...] = ("c",),
    end_ns: int = 10**18,
) -> Arrival:
    """Return an arrival with one sum a feature and category."""
    series = tuple(
        Series(
            names.FEATURE_CATEGORIES,
            "sum",
            ((names.FEATURE_CATEGORY, category), (names.FEATURE_NAME, feature)),
        )
        for feature in features
        for category in categories
    )
    none = np.empty(0)
    window = Window(model, version, instance, segment, "", end_ns - 10**9, end_ns)
    counts = np.arange(1, len(series) + 1, dtype=np.int64)
    return Arrival(window, 1, SeriesSet(series), counts, none, none, none)
