"""Checks of the parameters that a detector is made with. Each returns the value in its own type."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Final, TypeVar

import numpy as np

from modelwatch.errors import ConfigurationError

__all__ = ["choice", "flag", "number", "whole"]

Choice = TypeVar("Choice", bound=str)

_MOST_COUNTED: Final = 2**53


def whole(name: str, value: object, least: int, most: int = _MOST_COUNTED) -> int:
    """Return a whole number between two bounds, both allowed.

    Args:
        name: of the parameter, for the message.
        value: what was given.
        least: the lower bound.
        most: the upper bound.

    Raises:
        ConfigurationError: where it is not a whole number, or out of bounds.

    >>> whole("clock", 32, 1)
    32
    """
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        found = int(value)
        if least <= found <= most:
            return found
    limit = f"of {least} or more" if most == _MOST_COUNTED else f"between {least} and {most}"
    raise ConfigurationError(f"{name} is {value!r}: give a whole number {limit}.")


def number(
    name: str,
    value: object,
    *,
    least: float = -math.inf,
    above: float = -math.inf,
    most: float = math.inf,
    under: float = math.inf,
) -> float:
    """Return a finite number between two bounds.

    Args:
        name: of the parameter, for the message.
        value: what was given.
        least: the lower bound, where it is allowed itself.
        above: the lower bound, where it is not.
        most: the upper bound, where it is allowed itself.
        under: the upper bound, where it is not.

    Raises:
        ConfigurationError: where it is no finite number, or out of bounds.

    >>> number("delta", 0.002, above=0.0, under=1.0)
    0.002
    """
    if isinstance(value, (int, float, np.number)) and not isinstance(value, bool):
        found = math.nan if _is_too_large(value) else float(value)
        if least <= found <= most and above < found < under:
            return found
    bounds = {"of at least": least, "above": above, "of at most": most, "below": under}
    told = [f"{word} {bound:g}" for word, bound in bounds.items() if math.isfinite(bound)]
    raise ConfigurationError(f"{name} is {value!r}: give a finite number {' and '.join(told)}.")


def choice(name: str, value: object, choices: Sequence[Choice]) -> Choice:
    """Return the one of the choices that was given.

    Raises:
        ConfigurationError: where it is none of them.

    >>> choice("mode", "both", ("rise", "fall", "both"))
    'both'
    """
    for known in choices:
        if value == known:
            return known
    raise ConfigurationError(f"{name} is {value!r}: give one of {', '.join(choices)}.")


def flag(name: str, value: object) -> bool:
    """Return a truth value.

    Raises:
        ConfigurationError: where it is something else.

    >>> flag("two_sided_test", True)
    True
    """
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name} is {value!r}: give True or False.")
    return value


def _is_too_large(value: object) -> bool:
    """Tell whether a value is a whole number that no float can hold."""
    return isinstance(value, int) and abs(value) > sys.float_info.max
