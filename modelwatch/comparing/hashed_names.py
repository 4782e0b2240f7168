"""Categories that left their service as hashes, by the names that the baseline has for them."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import replace

from modelwatch.baseline import Baseline
from modelwatch.feature import FeatureProfile
from modelwatch.performance.score_summary import ScoreSummary
from modelwatch.profile import Profile
from modelwatch.sketches import Categories
from modelwatch.sketches.categories import HASH_PREFIX, hashed_name

__all__ = ["with_plain_names"]


def with_plain_names(profile: Profile, baseline: Baseline) -> Profile:
    """Return the profile with the names that the baseline knows in place of their hashes.

    Args:
        profile: as it was received; it stays as it is, and is returned where it has no hashes.
        baseline: gives the vocabularies.
    """
    features = {name: _with_names(feature, baseline) for name, feature in profile.features.items()}
    scores = _scores_with_names(profile.scores, baseline)
    if scores is profile.scores and all(
        features[name] is feature for name, feature in profile.features.items()
    ):
        return profile
    found = copy.copy(profile)
    found.features, found.scores = features, scores
    return found


def _with_names(feature: FeatureProfile, baseline: Baseline) -> FeatureProfile:
    values = feature.values
    if not isinstance(values, Categories) or not _are_hashed(values.counts):
        return feature
    spec, before = baseline.features.get(feature.name), baseline.profile.features.get(feature.name)
    known = {*(spec.categories or ()), *spec.rare_categories} if spec is not None else set()
    if before is not None and isinstance(before.values, Categories):
        known |= before.values.counts.keys()
    by_hash = {hashed_name(name): name for name in known}
    return replace(feature, values=values.renamed(lambda name: by_hash.get(name, name)))


def _scores_with_names(scores: ScoreSummary | None, baseline: Baseline) -> ScoreSummary | None:
    if scores is None or baseline.performance is None or not _are_hashed(scores.cells):
        return scores
    by_hash = {hashed_name(name): name for name in baseline.performance.scores}
    cells = {by_hash.get(name, name): cells for name, cells in scores.cells.items()}
    return ScoreSummary(cells, scores.refused)


def _are_hashed(names: Iterable[str]) -> bool:
    return any(name.startswith(HASH_PREFIX) for name in names)
