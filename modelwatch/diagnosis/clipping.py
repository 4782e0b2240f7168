"""Values that are cut off at a limit.

They pile up in the last bin that is used, as many as the reference has beyond it, and those within
the limits are as they were.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from modelwatch.diagnosis.agreement import Comparison
from modelwatch.diagnosis.cause import Cause
from modelwatch.diagnosis.single_values import FROZEN_SHARE

__all__ = ["clipping"]

FloatArray = npt.NDArray[np.float64]

LEAST_CUT, MOST_CUT = 0.02, 0.5
"""Share of the reference beyond a limit for it to be told."""

PILE_LIFT = 4.0
"""How many times what it held before a limit's bin holds."""

PILE_OFF = 0.25
"""By how much, as a part, a limit may gain more or less than the reference has beyond it."""

STRICT_OFF = 0.25
"""The same where the limit was a frequent value before, and how much the others may differ then, as
a part of what it gained."""

BELOW_LIMIT, INSIDE = 0.15, 0.8
"""How much the distribution functions may differ within the limits: beside chance, and as a part of
what the limit gained."""

FREQUENT_END = 0.02
"""An extreme that holds this share of the baseline is an end in truth: no window passes it."""


def clipping(data: Comparison) -> Cause | None:
    """Name a limit at which values are cut off.

    A limit is not told beyond which the baseline has less than a fiftieth of its values, or most.
    """
    found = [limit for side in (1, -1) if (limit := _limit(data, side)) is not None]
    if not found:
        return None
    words = " and ".join(text for text, _ in found)
    return Cause(
        name="clipping", text=f"cut off {words}", evidence=max(evidence for _, evidence in found)
    )


def _limit(data: Comparison, side: int) -> tuple[str, float] | None:
    """Return words and evidence of the upper (1) or lower (-1) limit."""
    p, q = data.x.counts / data.x.total, data.y.counts / data.y.total
    limit = data.b.maximum if side > 0 else data.b.minimum
    held = int(np.searchsorted(data.x.bin_edges, limit, side="left"))
    if held in (0, p.size - 1):
        return None
    beyond = float(p[held + 1 :].sum() if side > 0 else p[:held].sum())
    if _is_shifted(data, side, p):
        return None
    if not LEAST_CUT <= beyond <= MOST_CUT or q[held] >= FROZEN_SHARE:
        return None
    pile = float(q[held] - p[held])
    differences = np.cumsum(q - p)
    lowest, highest = np.searchsorted(data.x.bin_edges, [data.b.minimum, data.b.maximum])
    inside = differences[lowest:highest]
    left = float(np.abs(inside).max(initial=0.0))
    if q[held] < PILE_LIFT * p[held]:  # others were there before: the rest must be as it was
        is_cut = abs(pile - beyond) <= STRICT_OFF * beyond and left <= STRICT_OFF * pile
    else:
        is_cut = abs(pile - beyond) <= PILE_OFF * beyond + data.noise
    if not is_cut or left > min(BELOW_LIMIT + data.noise, INSIDE * pile):
        return None
    way = "above" if side > 0 else "below"
    return f"{way} {limit:.4g}, which {q[held]:.1%} of rows hold", 1.0 - left / max(
        data.difference, pile
    )


def _is_shifted(data: Comparison, side: int, p: FloatArray) -> bool:
    """Tell whether the other end moved past a frequent extreme, as clipping does not move it."""
    if side > 0:
        return data.b.minimum < data.a.minimum and float(p[1]) >= FREQUENT_END
    return data.b.maximum > data.a.maximum and float(p[-2]) >= FREQUENT_END
