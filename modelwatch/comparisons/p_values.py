"""What p-values must be."""

from __future__ import annotations

from collections.abc import Iterable

from modelwatch.parameter_checks import number

__all__ = ["checked_p_values"]


def checked_p_values(p_values: Iterable[float]) -> list[float]:
    """Return p-values as plain numbers.

    Raises:
        ConfigurationError: where one is no number in [0, 1].

    >>> checked_p_values([0.5, 1])
    [0.5, 1.0]
    """
    return [
        p  # most are plain floats in range: a comparison asks for hundreds
        if type(p) is float and 0.0 <= p <= 1.0
        else number(f"p_values[{at}]", p, least=0.0, most=1.0)
        for at, p in enumerate(p_values)
    ]
