"""Counts that fall to one of two sides: an exact test that may be looked at any time.

Where two versions are alike, each row that only one of them gets right is as likely the one's as
the other's; each error falls to a version as often as calls do. The mixture of the binomial law
over a Beta(1, 1) of its share, divided by the law of the share in question, is a martingale: by
Ville's inequality, the chance that it ever exceeds 1 / alpha is at most alpha (Robbins, 1970), for
any number of counts, small ones too.
"""

from __future__ import annotations

import math
from typing import Final

from modelwatch.errors import ConfigurationError
from modelwatch.parameter_checks import number

__all__ = ["split_interval", "split_p_value"]

STEPS: Final = 100
"""Halvings of the interval in which a limit is looked for: to the last digit."""


def split_p_value(
    first: float, second: float, *, share: float = 0.5, design_effect: float = 1.0
) -> float:
    """Return the p-value, valid at any time, of counts against a share of the second side.

    Args:
        first: counts of the one side, 0 or more.
        second: of the other.
        share: of the second side where nothing differs, in (0, 1).
        design_effect: divides the counts, where they come in clusters.

    Raises:
        ConfigurationError: where an argument is out of range.

    >>> round(split_p_value(2, 20), 5)
    0.00127
    """
    counts = _checked(first, second, design_effect)
    number("share", share, above=0.0, under=1.0)
    return math.exp(-max(_log_evidence(*counts, share), 0.0))


def split_interval(
    first: float, second: float, *, design_effect: float = 1.0, alpha: float = 0.05
) -> tuple[float, float]:
    """Return limits, valid at all looks together, of the share of the second side.

    Args:
        first: counts of the one side, 0 or more.
        second: of the other.
        design_effect: divides the counts, where they come in clusters.
        alpha: chance that the true share is ever outside, in (0, 1).

    Raises:
        ConfigurationError: where an argument is out of range.

    >>> low, high = split_interval(2, 20)
    >>> round(low, 3), round(high, 3)
    (0.617, 0.997)
    """
    counts = _checked(first, second, design_effect)
    number("alpha", alpha, above=0.0, under=1.0)
    if not sum(counts):
        return 0.0, 1.0
    centre, limit = counts[1] / sum(counts), -math.log(alpha)
    low = _edge(counts, centre, 0.0, limit) if counts[1] else 0.0
    high = _edge(counts, centre, 1.0, limit) if counts[0] else 1.0
    return low, high


def _checked(first: float, second: float, design_effect: float) -> tuple[float, float]:
    number("first", first, least=0.0)
    number("second", second, least=0.0)
    if not (math.isfinite(design_effect) and design_effect > 0):
        raise ConfigurationError(
            f"design_effect is {design_effect}: give a number above 0, 1.0 for single counts."
        )
    return first / design_effect, second / design_effect


def _log_evidence(first: float, second: float, share: float) -> float:
    """Return the logarithm of the mixture over the law of a share."""
    mixture = math.lgamma(first + 1) + math.lgamma(second + 1) - math.lgamma(first + second + 2)
    return mixture - second * math.log(share) - first * math.log1p(-share)


def _edge(counts: tuple[float, float], inside: float, outside: float, limit: float) -> float:
    """Return where the evidence against a share reaches the limit, which it lacks inside."""
    for _ in range(STEPS):
        middle = (inside + outside) / 2
        if not 0.0 < middle < 1.0 or _log_evidence(*counts, middle) > limit:
            outside = middle
        else:
            inside = middle
    return outside
