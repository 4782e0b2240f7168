"""Categories that came under other names.

In another spelling, under new names of the same frequencies, or under each other's names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from modelwatch.diagnosis.category_tables import Names, distance, is_placeholder
from modelwatch.diagnosis.cause import Cause

__all__ = ["plain_name", "renamed_categories", "respelled"]

LEAST_SHARE = 0.03
"""Share of rows with new names from which they have a cause: a few new names come with time."""

ALL_BUT = 0.02
"""Share of rows with known names that a full exchange may leave."""

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

EXCHANGE_UNEXPLAINED = 0.12


def renamed_categories(names: Names) -> Cause | None:
    """Name categories that came under other names.

    In another spelling (case, white space, an affix); under new names of the same frequencies; or
    under each other's names, as after a new numbering.
    """
    return _respelled(names) or _replaced(names) or _exchanged(names)


def _respelled(names: Names) -> Cause | None:
    """Match new names to known ones in another spelling."""
    new = {n: share for n, share in names.new.items() if not is_placeholder(n)}
    pairs = respelled(new, names.known) or _by_affix(new, names.known)
    share = sum(new[name] for name in pairs)
    if share < LEAST_SHARE or share < 0.5 * sum(new.values()):
        return None
    return _renaming(pairs, "categories are spelled otherwise", share / sum(new.values()))


def respelled(new: Iterable[str], known: Iterable[str]) -> dict[str, str]:
    """Return of which known name each new one is another spelling; others are left out.

    >>> respelled(["de", "at"], ["DE", "FR"])
    {'de': 'DE'}
    """
    spelled = {plain_name(name): name for name in known}
    return {name: spelled[plain_name(name)] for name in new if plain_name(name) in spelled}


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


def plain_name(name: str) -> str:
    """Return the letters and digits of a name, without regard to case.

    >>> plain_name("Home-Owner ")
    'homeowner'
    """
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
