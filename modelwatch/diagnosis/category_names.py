"""Categories under other names, new ones, and one that floods the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from modelwatch.baseline import BaselineFeature
from modelwatch.diagnosis.cause import Cause
from modelwatch.feature import FeatureProfile
from modelwatch.sketches import Categories

__all__ = ["frozen_category", "new_category", "placeholder", "renamed_categories"]

LEAST_SHARE = 0.03
"""Share of rows with new names from which they have a cause: a few new names come with time."""

ALL_BUT = 0.02
"""Share of rows with known names that a full exchange may leave."""

GONE = 0.1
"""A name is gone where it has less than this part of its share."""

UNEXPLAINED = 0.2
"""Total variation that may remain once names are matched by frequency: a part of what changed."""

REMAINING = 0.4
"""Total variation that may remain between all names, as a part of what it was."""

LEAST_EXCHANGE = 0.15
"""Total variation from which a permutation of the known names is told from drift."""

FREQUENT, FEWEST_EXCHANGED = 0.02, 3
"""How many frequent names there must be, and their share: with two, any change may be one."""

EXCESS = 3.0
"""How many times the change must exceed chance: many small shares always change places."""

LARGEST_NOISE = 0.1
EXCHANGE_UNEXPLAINED = 0.12
FROZEN_SHARE = 0.95
COMMON_SHARE = 0.5
NEARLY_CONSTANT = 0.8
"""A feature with a category this common was as good as frozen before."""

FEWEST_ROWS = 8.0
"""A window of fewer independent rows, such as of one day, may well hold one weekday alone."""


PLACEHOLDERS = frozenset(
    {"", "-", "?", "default", "missing", "n/a", "na", "nan", "none", "null", "other"}
    | {"undefined", "unknown", "-1", "-999", "(none)", "(null)", "<na>", "#n/a"}
)
"""In lower case: what stands for a missing value in other systems."""


@dataclass(frozen=True)
class Names:
    """Two tables of one categorical feature.

    Attributes:
        before: the reference's share of each name, largest first.
        now: the current ones.
        known: names that the baseline has.
        unseen: current share of new names beyond those that are counted by name.
        chance: the total variation that chance alone brings about.
        independent_rows: rows of the window that tell something, as rows come in clusters.
    """

    before: Mapping[str, float]
    now: Mapping[str, float]
    known: frozenset[str]
    unseen: float
    chance: float
    independent_rows: float

    @classmethod
    def of(
        cls, feature: BaselineFeature, reference: FeatureProfile, current: FeatureProfile
    ) -> Names | None:
        """Bring two tables together; None where one is empty or holds numbers."""
        x, y = reference.values, current.values
        if not (isinstance(x, Categories) and isinstance(y, Categories)) or not x.total * y.total:
            return None
        known = frozenset(x.counts) | feature.rare_categories | (feature.limits.categories or set())
        before, now = _shares(x), _shares(y)
        phi = feature.values_effect.phi_at
        rows = 1.0 / (phi(y.total) / y.total + phi(x.total) / x.total)
        p = np.array(list(before.values()))
        chance = float(np.sqrt(p * (1.0 - p) / rows).sum() / 2.0)
        return cls(before, now, known, y.unseen / y.total, chance, y.total / phi(y.total))

    @property
    def noise(self) -> float:
        """What a match of names may leave unexplained by chance."""
        return min(self.chance, LARGEST_NOISE)

    @property
    def new(self) -> dict[str, float]:
        """Current shares of names that the baseline lacks, largest first."""
        return {name: share for name, share in self.now.items() if name not in self.known}

    @property
    def gone(self) -> dict[str, float]:
        """Former shares of names that no longer come, largest first."""
        return {n: share for n, share in self.before.items() if self.now.get(n, 0.0) < GONE * share}

    @property
    def difference(self) -> float:
        """Total variation between the two tables, in [0, 1]."""
        return distance(self.before, self.now)


def distance(before: Mapping[str, float], now: Mapping[str, float]) -> float:
    """Return the total variation between two tables of shares, in [0, 1].

    >>> distance({"a": 0.5, "b": 0.5}, {"a": 0.75, "c": 0.25})
    0.5
    """
    return sum(abs(now.get(n, 0.0) - before.get(n, 0.0)) for n in {*before, *now}) / 2


def renamed_categories(names: Names) -> Cause | None:
    """Name categories that came under other names.

    In another spelling (case, white space, an affix); under new names of the same frequencies; or
    under each other's names, as after a new numbering.
    """
    return _respelled(names) or _replaced(names) or _exchanged(names)


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
    return f"categories never seen in training in {rates}: {', '.join(map(repr, [*new][:3]))}"


def placeholder(names: Names) -> Cause | None:
    """Name a category that took the place of others: one that stands for no value."""
    for name, share in names.now.items():
        rise = share - names.before.get(name, 0.0)
        if _is_placeholder(name) and rise >= LEAST_SHARE:
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


def _is_placeholder(name: str) -> bool:
    return name.strip().casefold() in PLACEHOLDERS


def _respelled(names: Names) -> Cause | None:
    """Match new names to known ones in another spelling."""
    new = {n: share for n, share in names.new.items() if not _is_placeholder(n)}
    pairs = _by_spelling(new, names.known) or _by_affix(new, names.known)
    share = sum(new[name] for name in pairs)
    if share < LEAST_SHARE or share < 0.5 * sum(new.values()):
        return None
    return _renaming(pairs, "categories are spelled otherwise", share / sum(new.values()))


def _by_spelling(new: Iterable[str], known: Iterable[str]) -> dict[str, str]:
    spelled = {_plain(name): name for name in known}
    return {name: spelled[_plain(name)] for name in new if _plain(name) in spelled}


def _by_affix(new: Mapping[str, float], known: frozenset[str]) -> dict[str, str]:
    """Match names that have all got the same beginning or end, or lost it."""
    first = next(iter(new), "")
    best: dict[str, str] = {}
    for name in known:
        if not name or not first or name == first:
            continue
        at = first.find(name)
        if at >= 0:
            head, tail = first[:at], first[at + len(name) :]
            found = {
                n: n[len(head) : len(n) - len(tail)]
                for n in new
                if n.startswith(head) and n.endswith(tail)
            }
        elif (at := name.find(first)) >= 0:
            head, tail = name[:at], name[at + len(first) :]
            found = {n: f"{head}{n}{tail}" for n in new}
        else:
            continue
        found = {n: old for n, old in found.items() if old in known}
        if len(found) > max(len(best), 1):
            best = found
    return best


def _plain(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum())


def _replaced(names: Names) -> Cause | None:
    """Match names that are gone with new ones of the same frequencies."""
    new, gone = names.new, names.gone
    total = sum(new.values()) + names.unseen
    if total < LEAST_SHARE or not new or sum(gone.values()) < LEAST_SHARE:
        return None
    if names.gone and len(new) < len(gone) and not names.unseen:
        gone = _nearest(new, gone)
    left = _ranked_distance(list(gone.values()), list(new.values()), len(new))
    pairs = dict(zip(new, gone, strict=False))
    renamed = {pairs.get(name, name): share for name, share in names.now.items()}
    remaining = max(distance(names.before, renamed) - names.unseen / 2, 0.0)
    if left > UNEXPLAINED * total + names.noise or remaining > REMAINING * names.difference:
        return _all_replaced(names)
    words = "new names have the frequencies of those that are gone"
    return _renaming(pairs, words, 1.0 - remaining / names.difference)


def _all_replaced(names: Names) -> Cause | None:
    """Tell whether all names are others and too many to be counted, the largest about as frequent.

    Only the first that come are counted by name, so not all frequencies can be matched.
    """
    known = sum(share for name, share in names.now.items() if name in names.known)
    largest = max(names.new.values()) / max(names.before.values())
    if not names.unseen or known > ALL_BUT or not 0.5 <= largest <= 2.0:
        return None
    words = "none of the baseline's names comes, and as many others"
    return _renaming({}, words, 1.0 - known)


def _nearest(new: Mapping[str, float], gone: Mapping[str, float]) -> dict[str, float]:
    """Return the names that are gone whose shares are nearest to the new ones'."""
    left = dict(gone)
    found = {}
    for share in new.values():
        name = min(left, key=lambda name: abs(left[name] - share))
        found[name] = left.pop(name)
    return found


def _exchanged(names: Names) -> Cause | None:
    """Match the known names with each other."""
    before, now = list(names.before.values()), sorted(names.now.values(), reverse=True)
    change = names.difference
    frequent = sum(share >= FREQUENT for share in before)
    if change < LEAST_EXCHANGE + names.chance or frequent < FEWEST_EXCHANGED:
        return None
    left = _ranked_distance(before, now, len(before))
    if left > EXCHANGE_UNEXPLAINED * change + names.noise / 2 or change < EXCESS * names.chance:
        return None
    pairs = {n: old for n, old in zip(names.now, names.before, strict=False) if n != old}
    return _renaming(pairs, "categories have each other's frequencies", 1.0 - left / change)


def _ranked_distance(before: list[float], now: list[float], size: int) -> float:
    """Return the total variation of the first `size` shares of each by rank, and of the rest."""
    p, q = (np.array([*shares[:size], *[0.0] * (size - len(shares))]) for shares in (before, now))
    rest = abs(sum(before[size:]) - sum(now[size:]))
    return float((np.abs(p - q).sum() + rest) / 2)


def _renaming(pairs: Mapping[str, str], words: str, evidence: float) -> Cause:
    told = ", ".join(f"{new!r} for {old!r}" for new, old in [*pairs.items()][:3])
    text = f"{words} (renamed or re-encoded?){f': {told}' if told else ''}"
    return Cause(name="renamed_categories", text=text, evidence=min(max(evidence, 0.0), 1.0))


def _shares(values: Categories) -> dict[str, float]:
    """Return shares of the named categories among all, largest first."""
    ranked = sorted(values.counts.items(), key=lambda item: (-item[1], item[0]))
    return {name: count / values.total for name, count in ranked if count}
