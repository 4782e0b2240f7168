"""What a feature's current statistics are compared with, for charts and tables."""

from __future__ import annotations

from modelwatch.baseline import Baseline
from modelwatch.feature import FeatureProfile
from modelwatch.profile import Profile
from modelwatch.reference import expected_feature

__all__ = ["expected_reference"]


def expected_reference(
    baseline: Baseline | None, current: Profile | None, name: str
) -> FeatureProfile | None:
    """Return the baseline's statistics of a feature, of the same seasons where it has a cycle.

    Args:
        baseline: where they are; None gives None.
        current: tells when its rows came; None, or unknown times, give those of all the baseline.
        name: the feature; None is returned where the baseline lacks it.
    """
    before = baseline.profile.features.get(name) if baseline else None
    if baseline is None or before is None or current is None:
        return before
    return (
        expected_feature(
            before, baseline.features[name], current.came(by_clock=baseline.seasons == "clock")
        )
        or before
    )
