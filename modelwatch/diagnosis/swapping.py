"""Columns whose values came under each other's names."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from modelwatch.baseline import BaselineFeature
from modelwatch.diagnosis.agreement import Comparison, affine
from modelwatch.diagnosis.category_tables import Names, distance
from modelwatch.diagnosis.cause import Cause
from modelwatch.feature import FeatureProfile
from modelwatch.sketches import Histogram

__all__ = ["swapped_columns"]

LEAST_DIFFERENCE = 0.1
"""How far a column must be from its own baseline: KS statistic, or total variation."""

LEAST_EXPLAINED = 0.4
"""Share of its difference that the other's baseline must explain: other drift goes on beneath."""

EXPLAINS = 0.65
"""The same on average over the columns of a cycle: all of them must come to lie where another was,
which plain drift does not bring about."""

FAR = 2.5
"""Means more standard deviations apart are not tried."""

OWN_NAMES = 0.05
"""Share of rows with a name of the own baseline, from which the values may be its own."""

SPREADS = 4.0
"""Nor deviations this many times as large."""

Profiles = Mapping[str, FeatureProfile]


def swapped_columns(
    features: Mapping[str, BaselineFeature],
    reference_profiles: Profiles,
    current_profiles: Profiles,
    names_of_drifted: Iterable[str],
) -> dict[str, Cause]:
    """Find columns that hold each other's values, in pairs or longer cycles.

    Each must be far from its own baseline and near the other's. Numbers under the name of a text
    column, or the other way round, are of another type, and can't be matched.

    Args:
        features: the baseline's features.
        reference_profiles: their statistics in the baseline.
        current_profiles: their statistics now; numbers on bins of any feature.
        names_of_drifted: the features that are asked about.

    Returns:
        The cause for each that is in a cycle. Takes time in the square of the number of drifted
        features, though most pairs are ruled out by their means.
    """
    names = [
        name
        for name in names_of_drifted
        if name in features and name in reference_profiles and name in current_profiles
    ]
    match = {
        name: found
        for name in names
        if (found := _match(name, names, features, reference_profiles, current_profiles))
    }
    return {
        name: _cause(name, match)
        for name in match
        if (cycle := _cycle(name, match))
        and sum(match[at][1] for at in cycle) >= EXPLAINS * len(cycle)
    }


def _match(
    name: str,
    names: Iterable[str],
    features: Mapping[str, BaselineFeature],
    reference_profiles: Profiles,
    current_profiles: Profiles,
) -> tuple[str, float] | None:
    """Return whose baseline a column matches best, with the evidence; None where nobody's."""
    found = [
        (evidence, other)
        for other in names
        if other != name
        and (
            evidence := _evidence(
                features[name],
                reference_profiles[name],
                reference_profiles[other],
                current_profiles[name],
            )
        )
        > 0.0
    ]
    if not found:
        return None
    evidence, other = max(found)
    return other, evidence


def _cause(name: str, match: Mapping[str, tuple[str, float]]) -> Cause:
    other, evidence = match[name]
    back = ", and the other way round" if match[other][0] == name else ""
    text = f"holds the values of {other!r}{back} (swapped columns): they match its baseline"
    return Cause(name="swapped_columns", text=text, evidence=evidence)


def _cycle(name: str, match: Mapping[str, tuple[str, float]]) -> list[str]:
    """Return the names passed by following the matches back to a name; empty where none lead."""
    cycle = [name]
    while (at := match[cycle[-1]][0]) != name:
        if at not in match or at in cycle:
            return []
        cycle.append(at)
    return cycle


def _evidence(
    feature: BaselineFeature, own: FeatureProfile, other: FeatureProfile, current: FeatureProfile
) -> float:
    """Return the share of a column's difference that another's baseline explains, or 0.0."""
    if isinstance(current.values, Histogram):
        return _evidence_of_numbers(feature, own, other, current)
    mine, theirs = Names.of(feature, own, current), Names.of(feature, other, current)
    if mine is None or theirs is None or mine.difference < LEAST_DIFFERENCE:
        return 0.0
    foreign = sum(share for name, share in mine.now.items() if name in mine.known) < OWN_NAMES
    told = sum(mine.now.values())
    theirs_told = sum(share for name, share in mine.now.items() if name in theirs.before)
    familiar = theirs_told / told if told > 0.0 else 0.0  # none is counted by name
    if foreign and familiar > 1.0 - OWN_NAMES:
        return familiar  # whatever their frequencies: its own names are gone
    explained = 1.0 - distance(theirs.before, mine.now) / mine.difference
    return explained if explained >= LEAST_EXPLAINED else 0.0


def _evidence_of_numbers(
    feature: BaselineFeature, own: FeatureProfile, other: FeatureProfile, current: FeatureProfile
) -> float:
    mine, theirs = Comparison.of(feature, own, current), Comparison.of(feature, other, current)
    if mine is None or theirs is None or mine.difference < LEAST_DIFFERENCE:
        return 0.0
    spread = theirs.b.standard_deviation / theirs.a.standard_deviation
    if abs(theirs.shift) > FAR or abs(math.log(spread)) > math.log(SPREADS):
        return 0.0
    fit = theirs.fit(affine(1.0), mine.difference)
    return fit.explained if fit.explained >= LEAST_EXPLAINED else 0
