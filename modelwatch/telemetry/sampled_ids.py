"""Which predictions belong to a sample, told by their ids alone."""

from __future__ import annotations

import re
import zlib
from typing import Final

__all__ = ["DRAW_BITS", "draw_of", "is_random_uuid", "is_sampled"]

DRAW_BITS: Final = 32

_HASH_VALUES: Final = 1 << DRAW_BITS

_RANDOM_UUID: Final = re.compile(
    "[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{4}([0-9a-f]{8})(?:/[0-9]+)?"
)
"""A UUID of version 4 or 7, in lower case, whose last 32 bits are random (RFC 9562); or the id of a
row of the batch that it names, which belongs to the sample where the batch does."""


def draw_of(prediction_id: str) -> int:
    """Return the number below 2**32 that is compared with a sample rate.

    >>> draw_of("0190a1b2-0000-7000-8000-0000ffffffff") == 2**32 - 1
    True
    """
    uuid = _RANDOM_UUID.fullmatch(prediction_id)
    return int(uuid[1], 16) if uuid else zlib.crc32(prediction_id.encode("utf-8", "replace"))


def is_random_uuid(prediction_id: str) -> bool:
    """Tell whether an id is a random UUID, or of a row of a batch that one names."""
    return _RANDOM_UUID.fullmatch(prediction_id) is not None


def is_sampled(prediction_id: str, sample_rate: float) -> bool:
    """Tell whether a prediction belongs to the sample, the same in each process and language.

    The last 32 bits of a random UUID (version 4 or 7, written in lower case), and of any other id
    the CRC-32 of its UTF-8 bytes, are compared with the rate, as a fraction of 2**32. Hence a
    sample at a lower rate is part of each sample at a higher one. ``<uuid>/<row>`` counts as the
    UUID itself: all rows of a batch belong to the sample, or none.

    Args:
        prediction_id: the prediction's id.
        sample_rate: share of predictions to take, in [0, 1].

    >>> is_sampled("a", 1.0), is_sampled("a", 0.0)
    (True, False)
    """
    return draw_of(prediction_id) < sample_rate * _HASH_VALUES
