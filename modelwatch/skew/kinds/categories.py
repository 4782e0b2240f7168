"""Categories in another spelling, or under other names."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from modelwatch.skew.kinds.case import Case
from modelwatch.skew.kinds.kind import EXPLAINS, FEWEST_ROWS, Found
from modelwatch.skew.values import Mask, Rows

Data = npt.NDArray[Any]

__all__ = ["renaming", "spelling"]

MOST_NAMES: Final = 1_000
ROWS_A_NAME: Final = 3
"""Names up to which, and rows a name from which, a mapping of names is told from chance."""

SHORTEST_CUT: Final = 3


@dataclass(frozen=True)
class _Pairs:
    """The different pairs of a served and a recomputed text, and which pair each row has."""

    served: list[str]
    recomputed: list[str]
    of_row: Rows

    @classmethod
    def of(cls, case: Case) -> _Pairs:
        both = np.stack([case.served.data[case.rows], case.recomputed.data[case.rows]])
        pairs, of_row = np.unique(both, axis=1, return_inverse=True)
        served = [str(case.served.names[code]) for code in pairs[0].tolist()]
        recomputed = [str(case.recomputed.names[code]) for code in pairs[1].tolist()]
        return cls(served, recomputed, of_row.reshape(-1))

    def where(self, is_it: Callable[[str, str], bool]) -> Mask:
        """Tell which rows have a pair of which something holds."""
        both = zip(self.served, self.recomputed, strict=True)
        table = np.fromiter((is_it(s, r) for s, r in both), dtype=bool, count=len(self.served))
        return np.asarray(table[self.of_row])

    def alike(self, plain: Callable[[str], str]) -> Mask:
        """Tell which rows have two texts of which the same is left, and not nothing."""
        return self.where(lambda s, r: plain(s) == plain(r) != "")

    def example(self, explained: Mask) -> str:
        """Return the most frequent pair among some rows, as words."""
        counts = np.bincount(self.of_row[explained], minlength=len(self.served))
        best = int(np.argmax(counts))
        return f"{self.served[best]!r} for {self.recomputed[best]!r}"


def spelling(case: Case) -> Found | None:
    """Name texts that are the same but for case, white space, accents, separators or a cut."""
    if case.kind != "text":
        return None
    pairs = _Pairs.of(case)
    for words, plain in _SPELLINGS.items():
        explained = pairs.alike(plain)
        if explained.mean() >= EXPLAINS:
            text = f"texts differ in {words}"
            return Found("category_spelling", text, explained, pairs.example(explained))
    return _mistaken_encoding(pairs) or _cut(case, pairs)


def renaming(case: Case) -> Found | None:
    """Name values of few different ones that come under other names, one for one."""
    served, recomputed = case.served.data[case.rows], case.recomputed.data[case.rows]
    if case.kind == "number" and not _are_whole(case):
        return None
    names, of_row = np.unique(recomputed, return_inverse=True)
    if names.size > MOST_NAMES or served.size < max(ROWS_A_NAME * names.size, FEWEST_ROWS):
        return None
    if names.size < (3 if case.kind == "number" else 1):
        return None
    found, tops = _tops(served, of_row, names.size)
    explained = tops[of_row] == served
    if explained.mean() < EXPLAINS or np.unique(tops).size < names.size:
        return None
    if case.kind == "boolean":
        if names.size < 2:
            return None
        return Found("category_renaming", "true and false changed places", np.asarray(explained))
    rows = [int(np.argmax((of_row == name) & explained)) for name in found[:3]]
    told = ", ".join(
        f"{case.served.value(int(case.rows[row]))!r} for "
        f"{case.recomputed.value(int(case.rows[row]))!r}"
        for row in rows
    )
    text = f"{names.size} categor{'ies' if names.size != 1 else 'y'} under other names"
    return Found("category_renaming", text, np.asarray(explained), told)


def _tops(served: Data, of_row: Rows, size: int) -> tuple[list[int], Data]:
    """Return the names, the most frequent first, and what each most often became."""
    values, codes = np.unique(served, return_inverse=True)
    pairs, counts = np.unique(of_row * values.size + codes, return_counts=True)
    tops = np.zeros(size, dtype=served.dtype)
    rising = pairs[np.argsort(counts, kind="stable")]
    tops[rising // values.size] = values[rising % values.size]  # the most frequent comes last
    rows = np.bincount(of_row, minlength=size)
    return np.argsort(-rows, kind="stable").tolist(), tops


def _are_whole(case: Case) -> bool:
    return bool((case.s == np.rint(case.s)).all() and (case.r == np.rint(case.r)).all())


def _without_accents(text: str) -> str:
    split = unicodedata.normalize("NFKD", text)
    return "".join(one for one in split if not unicodedata.combining(one))


def _alphanumeric(text: str) -> str:
    return "".join(one for one in text if one.isalnum())


_SPELLINGS: Final[dict[str, Callable[[str], str]]] = {
    "case": str.casefold,
    "white space": lambda text: "".join(text.split()),
    "case and white space": lambda text: "".join(text.casefold().split()),
    "accents": _without_accents,
    "separators": _alphanumeric,
    "case and accents": lambda text: _without_accents(text).casefold(),
    "case and separators": lambda text: _alphanumeric(text.casefold()),
    "case, accents and separators": lambda text: _alphanumeric(_without_accents(text).casefold()),
}
"""What is passed over, and what is left of a text without it; the least first."""


def _mistaken_encoding(pairs: _Pairs) -> Found | None:
    for where, explained in (
        ("in serving", pairs.where(lambda s, r: s == _misread(r))),
        ("in training", pairs.where(lambda s, r: r == _misread(s))),
    ):
        if explained.mean() >= EXPLAINS:
            text = f"UTF-8 read as Latin-1 {where}"
            return Found("category_spelling", text, explained, pairs.example(explained))
    return None


def _misread(text: str) -> str:
    return text.encode("utf-8", "replace").decode("latin-1")


def _cut(case: Case, pairs: _Pairs) -> Found | None:
    """Tell texts that were cut to one length."""
    lengths: defaultdict[int, int] = defaultdict(int)
    rows = np.bincount(pairs.of_row, minlength=len(pairs.served))
    for text, count in zip(pairs.served, rows.tolist(), strict=True):
        lengths[len(text)] += count
    longest = max(lengths, key=lengths.__getitem__)
    if longest < SHORTEST_CUT or case.distinct_r < 2:
        return None
    explained = pairs.where(lambda s, r: len(s) == longest < len(r) and r.startswith(s))
    if explained.mean() < EXPLAINS:
        return None
    text = f"texts cut to {longest} characters"
    return Found("category_spelling", text, explained, pairs.example(explained))
