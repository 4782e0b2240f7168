"""Instances of a window compared with their siblings, where a rule asks for it.

It is done once a window, in the round that first sees it, and for those models alone that a rule
with ``on = "instance"`` covers. Of 1,000 instances of 30 features it takes some 3 s of a thread:
all are read and looked at once, and the `MOST_COMPARED` that stray most are tested.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from modelwatch.baseline import Baseline
from modelwatch.collector.alerting.alert_store import VersionKey
from modelwatch.collector.alerting.facts import Seen, WindowFacts
from modelwatch.collector.alerting.facts_shelf import FactsShelf
from modelwatch.collector.alerting.rules import Rule
from modelwatch.collector.evaluating.evaluation import Evaluator
from modelwatch.collector.evaluating.instances import InstanceFinding, assess_instances
from modelwatch.collector.storing.store import WindowSource
from modelwatch.errors import ModelwatchError
from modelwatch.persistence import weight_of
from modelwatch.profile import Profile

__all__ = ["MOST_COMPARED", "compare_siblings", "with_instances"]

MOST_COMPARED: Final = 40
"""Instances of a window that are tested against their siblings."""

MOST_STRAYING: Final = 20
"""Instances of a window that are kept as straying, the worst first."""

MOST_FEATURES: Final = 10
"""Features that are kept of each, the worst first."""

logger = logging.getLogger(__name__)


async def compare_siblings(
    shelf: FactsShelf, rules: Sequence[Rule], source: WindowSource, evaluator: Evaluator
) -> set[VersionKey]:
    """Compare the instances of new windows, and put what is found into their facts.

    Args:
        shelf: has the facts of new windows, and takes them.
        rules: those in force.
        source: has what each instance told.
        evaluator: has the baselines.

    Returns:
        The model versions of which something is known now that was not.
    """
    changed: set[VersionKey] = set()
    for key, facts in _due(shelf, rules):
        try:
            found = await asyncio.to_thread(_compared, facts, key, source, evaluator)
        except ModelwatchError as error:
            logger.warning("instances of %s %s cannot be compared: %s", *key, error)
            continue
        shelf.add(key, found)
        changed.add(key)
    return changed


def _due(shelf: FactsShelf, rules: Sequence[Rule]) -> list[tuple[VersionKey, WindowFacts]]:
    """Return windows that are among the last that a rule looks at, and were not compared yet."""
    asking = [rule for rule in rules if rule.on == "instance"]
    if not asking:
        return []
    due: list[tuple[VersionKey, WindowFacts]] = []
    for key, facts in shelf.uncommitted:
        looked_at = [max(rule.m, rule.clear_m) for rule in asking if rule.covers(key[0])]
        if looked_at and facts.siblings is None:
            latest = list(shelf.of(key))[-max(looked_at) :]
            due += [(key, facts)] if facts.window in latest else []
    return due


def _compared(
    facts: WindowFacts, key: VersionKey, source: WindowSource, evaluator: Evaluator
) -> WindowFacts:
    profiles = source.window_by_instance(*key, facts.window)
    return with_instances(facts, profiles, evaluator.baseline(*key))


def with_instances(
    facts: WindowFacts, profiles: Mapping[str, Profile], baseline: Baseline | None
) -> WindowFacts:
    """Return what is known of a window with how its instances compare. Pure.

    Args:
        facts: of the window.
        profiles: what each instance told of it.
        baseline: gives bins and design effects, where there is one.
    """
    if len(profiles) < 2:
        return replace(facts, siblings=0)
    found = assess_instances(profiles, baseline=baseline, most=MOST_COMPARED)
    judged = [one for one in found if one.state in ("drift", "warning", "no_drift")]
    straying = [one for one in judged if one.features][:MOST_STRAYING]
    return replace(
        facts,
        siblings=len(profiles) - 1 if judged else 0,
        instances={one.instance: _seen(one) for one in straying},
        instances_unjudged=frozenset(one.instance for one in found if one not in judged),
    )


def _seen(found: InstanceFinding) -> dict[str, Seen]:
    return {
        feature.name: Seen(
            severity="drift" if feature.severity == "drift" else "warning",
            weight=weight_of(feature),
            harmless=feature.harmless,
            cause=feature.diagnosis or "",
        )
        for feature in found.features[:MOST_FEATURES]
    }
