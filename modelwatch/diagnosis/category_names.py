"""New categories, one that floods the others, and one that is all that is left."""

from __future__ import annotations

from collections.abc import Iterable

from modelwatch.diagnosis.category_tables import Names, distance, is_placeholder
from modelwatch.diagnosis.cause import Cause
from modelwatch.feature import FeatureProfile

__all__ = ["frozen_category", "new_category", "placeholder", "unseen_words"]

LEAST_SHARE = 0.03
"""Share of rows with new names from which they have a cause: a few new names come with time."""

FROZEN_SHARE = 0.95
COMMON_SHARE = 0.5
NEARLY_CONSTANT = 0.8
"""A feature with a category this common was as good as frozen before."""

FEWEST_ROWS = 8.0
"""A window of fewer independent rows, such as of one day, may well hold one weekday alone."""


def new_category(names: Names, reference: FeatureProfile, current: FeatureProfile) -> Cause | None:
    """Name categories that training never had, where they hold a share of the rows."""
    unseen = current.outliers.get("unseen_category", 0) / max(current.total, 1)
    expected = reference.outliers.get("unseen_category", 0) / max(reference.total, 1)
    if unseen - expected < LEAST_SHARE:
        return None
    text = unseen_words(reference, current, names.new)
    evidence = 1.0 - expected / unseen
    return Cause(name="new_category", text=text, evidence=0.8 * evidence, aspect="outliers")


def unseen_words(reference: FeatureProfile, current: FeatureProfile, new: Iterable[str]) -> str:
    """Say how many rows have a category that training never had, and name the first three."""
    rates = f"{current.outlier_rate:.1%} of rows (baseline {reference.outlier_rate:.1%})"
    examples = ", ".join(map(repr, [*new][:3]))
    return f"categories never seen in training in {rates}{f': {examples}' if examples else ''}"


def placeholder(names: Names) -> Cause | None:
    """Name a category that took the place of others: one that stands for no value."""
    for name, share in names.now.items():
        rise = share - names.before.get(name, 0.0)
        if is_placeholder(name) and rise >= LEAST_SHARE:
            text = f"{name!r} in place of other categories in {share:.1%} of rows (default value?)"
            rest = {n: s / (1.0 - share) for n, s in names.now.items() if n != name}
            left = distance(names.before, rest) if share < 1.0 else 0.0
            return Cause(name="default_value", text=text, evidence=max(0.85, 1.0 - left))
    return None


def frozen_category(names: Names) -> Cause | None:
    """Name a category that is all that is left."""
    name, share = next(iter(names.now.items()), ("", 0.0))
    before = names.before.get(name, 0.0)
    varied = max(names.before.values(), default=1.0) <= NEARLY_CONSTANT
    if share < FROZEN_SHARE or before > COMMON_SHARE or not varied:
        return None
    if before and names.independent_rows < FEWEST_ROWS:
        return None
    text = f"frozen at {name!r}: share of {name!r} went from {before:.1%} to {share:.1%}"
    return Cause(name="frozen", text=text, evidence=share)
