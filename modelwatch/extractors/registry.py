"""The extractors of this process, by name.

The one table below is shared by all watches and baselines of a process, because a baseline's file
names its extractors; `unregister` takes out what `register` put in.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from modelwatch.errors import ConfigurationError
from modelwatch.extractors.embedding import describe_embedding
from modelwatch.extractors.image import MOST_CHANNELS, describe_image
from modelwatch.extractors.text import describe_text
from modelwatch.parameter_checks import shown, text, whole
from modelwatch.tables.tensors import is_tensor

__all__ = ["Extractor", "extractor_named", "register", "registered", "unregister"]

Describe = Callable[[Any], Mapping[str, float]]
"""From a value to its descriptors by name."""

_MOST_DIMENSIONS: Final = 8


@dataclass(frozen=True, kw_only=True)
class Extractor:
    """What makes descriptors of a value.

    Attributes:
        name: by which baselines know it.
        describe: the function.
        dimensions: of one value, where it is an array or nested lists: 0 of a text, 1 of a vector.
    """

    name: str
    describe: Describe
    dimensions: int = 0

    def is_one(self, value: Any) -> bool:
        """Tell whether a value is what is described, and not a column of such."""
        if isinstance(value, (str, bytes)) or not _has_items(value):
            return True
        found = _dimensions(value)
        if self.name == "image" and found == 3:  # of colours, or a column of grey ones
            shape = getattr(value, "shape", None) or np.shape(value)
            return bool(min(shape[0], shape[2]) <= MOST_CHANNELS)
        return 0 < found <= self.dimensions


_BUILT_IN: Final = {
    "embedding": Extractor(name="embedding", describe=describe_embedding, dimensions=1),
    "image": Extractor(name="image", describe=describe_image, dimensions=2),
    "text": Extractor(name="text", describe=describe_text),
}

_registered: dict[str, Extractor] = {}
_lock = threading.Lock()  # guards the table above


def register(name: str, function: Describe, *, dimensions: int = 0) -> None:
    """Add an extractor to this process, for watches, baselines and comparisons to come.

    Do so before what uses it is made, in each process that fits, watches or compares; a collector
    needs none.

    Args:
        name: by which it is asked for, and by which a baseline's file knows it.
        function: takes one value, returns numbers by name; is called on the caller's thread, so
            should take microseconds. Where it raises, the value's descriptors count as missing.
        dimensions: of one value where it is an array, a list or a list of lists; what has more is
            a column of values.

    Raises:
        ConfigurationError: where the name is taken, or the function is none.

    >>> register("lines", lambda value: {"count": value.count(chr(10))})
    >>> registered()
    ('embedding', 'image', 'lines', 'text')
    >>> unregister("lines")
    """
    text("name", name)
    whole("dimensions", dimensions, 0, _MOST_DIMENSIONS)
    if not callable(function):
        raise ConfigurationError(
            f"function is {shown(function)}: give a function from a value to numbers by name."
        )
    with _lock:
        if name in _BUILT_IN or name in _registered:
            raise ConfigurationError(
                f"an extractor {name!r} is registered: take another name, or unregister it first."
            )
        _registered[name] = Extractor(name=name, describe=function, dimensions=dimensions)


def unregister(name: str) -> None:
    """Take out an extractor that was registered; what was made with it keeps it.

    Raises:
        ConfigurationError: where none of that name was.
    """
    with _lock:
        if _registered.pop(name, None) is None:
            raise ConfigurationError(
                f"no extractor {shown(name)} was registered: there are "
                f"{', '.join(sorted(_registered)) or 'none'}."
            )


def registered() -> tuple[str, ...]:
    """Return the names of all extractors, built-in ones too, in order."""
    with _lock:
        return tuple(sorted({**_BUILT_IN, **_registered}))


def extractor_named(name: str) -> Extractor:
    """Return an extractor.

    Raises:
        ConfigurationError: where there is none of that name.
    """
    with _lock:
        found = _BUILT_IN.get(name) or _registered.get(name)
    if found is None:
        raise ConfigurationError(
            f"there is no extractor {shown(name)}: add it, before it is used, with "
            f"modelwatch.extractors.register({name!r}, function), or name one of "
            f"{', '.join(registered())}."
        )
    return found


def _has_items(value: object) -> bool:
    return isinstance(value, (list, tuple, np.ndarray)) or is_tensor(value)


def _dimensions(value: Any) -> int:
    """Return the dimensions of an array or of nested lists of numbers, by their first items.

    A list of what is no number and no list has more than any value: it is a column.
    """
    found = 0
    while isinstance(value, (list, tuple)) and found <= _MOST_DIMENSIONS:
        found += 1
        if not value:
            return found
        value = value[0]
    if found and not isinstance(value, (int, float, np.number)):
        return _MOST_DIMENSIONS + 1
    return found + len(getattr(value, "shape", ()))
