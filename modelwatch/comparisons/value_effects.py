"""How much the values of one feature vary between blocks, for each of the statistics that judge.

What a baseline keeps of it; `modelwatch.comparisons.block_effects` measures it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from modelwatch.comparisons.design_effect import DesignEffect

__all__ = ["SegmentSpread", "ValueEffects"]


@dataclass(frozen=True)
class ValueEffects:
    """Design effects of the statistics of a feature's values.

    Attributes:
        cells: of chi-square on deciles, or on the main categories.
        ks: of the squared Kolmogorov-Smirnov statistic on all bins; numbers only.
        location: of the squared mean normal score; numbers only.
    """

    cells: DesignEffect = field(default_factory=DesignEffect)
    ks: DesignEffect = field(default_factory=DesignEffect)
    location: DesignEffect = field(default_factory=DesignEffect)


@dataclass(frozen=True)
class SegmentSpread:
    """Design effects of one feature between blocks of the rows of one segment.

    Attributes:
        values: of the statistics of its values.
        missing: of its missing share.
        outliers: of its outlier share.
    """

    values: ValueEffects = field(default_factory=ValueEffects)
    missing: DesignEffect = field(default_factory=DesignEffect)
    outliers: DesignEffect = field(default_factory=DesignEffect)
