"""Checks of what callers pass to public functions. Each returns the value in its own type.

What is refused is named with its value, and what to give in its place.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import numpy as np

from modelwatch.errors import ConfigurationError

__all__ = [
    "choice",
    "flag",
    "instance",
    "number",
    "optional_function",
    "optional_text",
    "shown",
    "text",
    "whole",
]

Choice = TypeVar("Choice", bound=str)
Function = TypeVar("Function", bound=Callable[..., object])
Kind = TypeVar("Kind")

_MOST_COUNTED: Final = 2**53

_SHOWN_CHARACTERS: Final = 60

_PLAIN: Final = (str, int, float, bool, type(None), list, tuple, dict, np.number)


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
    raise ConfigurationError(f"{name} is {shown(value)}: give a whole number {limit}.")


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
    wanted = " ".join(["a finite number", " and ".join(told)]).rstrip()
    raise ConfigurationError(f"{name} is {shown(value)}: give {wanted}.")


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
    raise ConfigurationError(f"{name} is {shown(value)}: give one of {', '.join(choices)}.")


def flag(name: str, value: object) -> bool:
    """Return a truth value.

    Raises:
        ConfigurationError: where it is something else.

    >>> flag("two_sided_test", True)
    True
    """
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name} is {shown(value)}: give True or False.")
    return value


def text(name: str, value: object, wanted: str = "a text that is not empty") -> str:
    """Return a text that is not empty, and that a file can hold.

    Args:
        name: of the parameter, for the message.
        value: what was given.
        wanted: what to give instead, likewise.

    Raises:
        ConfigurationError: where it is no text, empty, or holds one half of a surrogate pair.

    >>> text("model", "churn")
    'churn'
    """
    if isinstance(value, str) and value and not _is_torn(value):
        return value
    raise ConfigurationError(f"{name} is {shown(value)}: give {wanted}.")


def optional_text(name: str, value: object, wanted: str) -> str | None:
    """Return such a text, or None where none was given.

    Raises:
        ConfigurationError: see `text`.
    """
    return None if value is None else text(name, value, f"{wanted}, or None")


def optional_function(name: str, value: Function | None) -> Function | None:
    """Return what can be called, or None where nothing was given.

    Raises:
        ConfigurationError: where it cannot be called.
    """
    if value is None or callable(value):
        return value
    raise ConfigurationError(f"{name} is {shown(value)}: give a function, or None.")


def instance(name: str, value: object, kind: type[Kind], remedy: str) -> Kind:
    """Return an object of a class.

    Args:
        name: of the parameter, for the message.
        value: what was given.
        kind: the class.
        remedy: what to do, likewise, without a full stop.

    Raises:
        ConfigurationError: where it is of another class.
    """
    if isinstance(value, kind):
        return value
    raise ConfigurationError(f"{name} is {shown(value)}: {remedy}.")


def shown(value: object) -> str:
    """Return a short text for a message; of what may be large, only the type.

    >>> shown("a"), shown({1, 2}), shown(10**400)
    ("'a'", 'a set', 'a whole number of more than 308 digits')
    """
    if type(value) is int and _is_too_large(value):
        return f"a whole number of more than {sys.float_info.max_10_exp} digits"
    if not isinstance(value, _PLAIN):
        return f"a {type(value).__name__}"
    try:
        words = repr(value)
    except (ValueError, RecursionError):  # a number of thousands of digits, or lists without end
        return f"a {type(value).__name__}"
    return words if len(words) <= _SHOWN_CHARACTERS else f"{words[:_SHOWN_CHARACTERS]}..."


def _is_torn(value: str) -> bool:
    """Tell whether a text holds one half of a surrogate pair, which UTF-8 cannot write."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return True
    return False


def _is_too_large(value: object) -> bool:
    """Tell whether a value is a whole number that no float can hold."""
    return isinstance(value, int) and abs(value) > sys.float_info.max
