"""A count over a shorter time than the baseline's."""

from __future__ import annotations

from modelwatch.diagnosis.agreement import Comparison, affine
from modelwatch.diagnosis.cause import Cause
from modelwatch.diagnosis.whole_multiples import are_multiples
from modelwatch.sketches import Moments

__all__ = ["shorter_window"]

FRACTIONS: tuple[tuple[float, str], ...] = (
    (1 / 2, "half"),
    (1 / 3, "a third of"),
    (1 / 4, "a quarter of"),
    (1 / 7, "a seventh of"),
    (1 / 12, "a twelfth of"),
    (1 / 24, "a 24th of"),
    (1 / 30, "a 30th of"),
)

TOLERANCE = 0.2
"""How near the means' ratio must come to the fraction: traffic is not even in time."""

SPREAD = 1.5
"""By how much the maximum may have shrunk more or less than the mean."""

MISFIT = 0.1
"""What the fraction may leave unexplained, beside chance: a shorter count scatters more."""

EXPLAINS = 0.6
LEAST_MEAN = 3.0
"""Counts that are mostly 0, 1 and 2 have no shape to be kept."""


def shorter_window(data: Comparison) -> Cause | None:
    """Name whole numbers, not negative, that shrank to a simple fraction and are whole still.

    Another unit would have left broken numbers.
    """
    if data.a.mean < LEAST_MEAN or not (_is_count(data.a) and _is_count(data.b)):
        return None
    ratio = data.b.mean / data.a.mean
    fraction, words = min(FRACTIONS, key=lambda known: abs(ratio / known[0] - 1.0))
    fits = (data.fit(affine(factor)) for factor in (fraction, ratio))
    fit = min(fits, key=lambda fit: fit.misfit)
    highest = data.b.maximum / data.a.maximum / fraction
    if abs(ratio / fraction - 1.0) > TOLERANCE or not 1 / SPREAD <= highest <= SPREAD:
        return None
    if fit.misfit > MISFIT + data.noise or fit.explained < EXPLAINS:
        return None
    text = (
        f"counts are {ratio:.3g} times the baseline's and whole numbers still: counted over "
        f"{words} the time?"
    )
    return Cause(name="shorter_window", text=text, evidence=fit.explained)


def _is_count(moments: Moments) -> bool:
    return moments.minimum >= 0.0 and are_multiples(moments, 1.0)
