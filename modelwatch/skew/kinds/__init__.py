"""The kinds of difference between served and recomputed values, each with its evidence.

Each kind is a hypothesis of what was done to the values; it is named where it explains nearly all
unequal rows that are left, exactly, which chance does not bring about.
"""

from modelwatch.skew.kinds.case import Case, Neighbours
from modelwatch.skew.kinds.kind import KindName, SkewKind
from modelwatch.skew.kinds.naming import name_kinds

__all__ = ["Case", "KindName", "Neighbours", "SkewKind", "name_kinds"]
