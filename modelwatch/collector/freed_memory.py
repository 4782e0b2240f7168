"""Memory that is free, but that the C library keeps, given back to the system.

Evaluation and pages take memory in several threads, for each of which glibc has a heap of its own;
of what is freed there it gives back the end alone, and the rest adds up to a hundred megabytes.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable

__all__ = ["give_back"]


def _trim() -> Callable[[int], int] | None:
    try:
        found = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):  # another C library
        return None
    found.argtypes, found.restype = [ctypes.c_size_t], ctypes.c_int
    trim: Callable[[int], int] = found
    return trim


_TRIM = _trim()


def give_back() -> None:
    """Give free memory back, where the C library can. Takes some 10 ms; call it off the event loop.

    Thread-safety: safe; other threads go on meanwhile.
    """
    if _TRIM is not None:
        _TRIM(0)
