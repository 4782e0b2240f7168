"""Descriptors of an image."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from modelwatch.extractors.image_headers import dimensions_of
from modelwatch.tables.tensors import array_of, is_tensor

__all__ = ["describe_image"]

MOST_PIXELS: Final = 4_096
"""Pixels, evenly spaced, that mean and standard deviation are taken of: 20 microseconds an image,
and, where neighbours are alike, within a hundredth of a standard deviation of all pixels'."""

MOST_CHANNELS: Final = 4


def describe_image(value: object) -> dict[str, float]:
    """Return numbers that tell one sort of image from another, without decoding it.

    Args:
        value: an array or a tensor of shape (height, width), (height, width, channels) or
            (channels, height, width), with up to four channels; a PIL image; or the bytes of a
            file.

    Returns:
        ``width`` and ``height`` in pixels; ``channels``; ``mean`` and ``std`` of the values of up
        to 4,096 evenly spaced pixels, which are divided by the largest of their type where they
        are whole numbers, so that they lie in [0, 1]. An image opened from a file by PIL, which may
        not be decoded yet, has no ``mean`` and ``std``. Of bytes, their number (``bytes``) and,
        where it is a PNG or JPEG file, width, height and channels.

    Raises:
        TypeError: where it is none of these.

    >>> describe_image(np.full((2, 3), 51, dtype=np.uint8))
    {'width': 3, 'height': 2, 'channels': 1, 'mean': 0.2, 'std': 0.0}
    """
    if isinstance(value, (bytes, bytearray, memoryview)):
        content = bytes(value[:_MOST_HEADER])
        return {"bytes": len(value), **dimensions_of(content)}
    if hasattr(value, "getbands"):
        return _of_pil(value)
    return _of_array(array_of(value) if is_tensor(value) else np.asarray(value))


_MOST_HEADER: Final = 65_536
"""Bytes of a file that are looked at: a JPEG's dimensions may come after metadata."""


def _of_pil(image: Any) -> dict[str, float]:
    width, height = image.size
    found = {"width": width, "height": height, "channels": len(image.getbands())}
    if hasattr(image, "fp"):  # opened from a file: its pixels may not be decoded yet
        return found
    return found | _brightness(np.asarray(image).reshape(height, width, -1))


def _of_array(array: npt.NDArray[Any]) -> dict[str, float]:
    if array.dtype.kind not in "fiub" or array.ndim not in (2, 3) or not array.size:
        raise TypeError(f"values of shape {array.shape} and type {array.dtype} are no image")
    if array.ndim == 2:
        array = array[:, :, np.newaxis]
    elif array.shape[2] > MOST_CHANNELS >= array.shape[0]:
        array = array.transpose(1, 2, 0)
    height, width, channels = array.shape
    return {"width": width, "height": height, "channels": channels, **_brightness(array)}


def _brightness(array: npt.NDArray[Any]) -> dict[str, float]:
    """Return mean and standard deviation, of an array of shape (height, width, channels)."""
    height, width, _ = array.shape
    step = max(1, int(np.ceil(np.sqrt(height * width / MOST_PIXELS))))
    some = array[::step, ::step].astype(np.float64)
    largest = float(np.iinfo(array.dtype).max) if array.dtype.kind in "iu" else 1.0
    return {"mean": float(some.mean()) / largest, "std": float(some.std()) / largest}
