"""Tensors of other libraries as numpy arrays, without importing those libraries."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["array_of", "is_tensor"]

_KNOWN_KINDS: Final = "biufcmMOSUV"

_TORCH: Final = "torch"


def is_tensor(value: object) -> bool:
    """Tell whether a value is an array of some library other than numpy; frames are none."""
    kind = type(value)
    if hasattr(kind, "detach") and hasattr(kind, "cpu"):
        return _is_of_torch(kind)
    if not hasattr(kind, "__array__") or isinstance(value, (np.ndarray, np.generic)):
        return False
    return hasattr(kind, "shape") and not any(hasattr(kind, name) for name in _OF_FRAMES)


_OF_FRAMES: Final = ("columns", "column_names", "index", "to_list", "to_pylist")
"""What tables and their columns have, which are read by themselves; a tensor has none of it."""


def array_of(tensor: Any) -> npt.NDArray[Any]:
    """Return a copy of a tensor's values, wherever they are kept and whatever tracks them.

    Numbers of types that numpy lacks, such as bfloat16, become single precision.

    Args:
        tensor: what `is_tensor` says is one.
    """
    array = _of_torch(tensor) if _is_of_torch(type(tensor)) else np.array(tensor)
    if array.dtype.kind not in _KNOWN_KINDS or (array.dtype.kind == "V" and not array.dtype.names):
        array = array.astype(np.float32)
    return array


def _of_torch(tensor: Any) -> npt.NDArray[Any]:
    """Return a copy; the tensor's own memory may be written to while it is kept."""
    values = tensor.detach().cpu()
    for step in ("to_dense", "resolve_conj", "resolve_neg"):  # do nothing where nothing is needed
        if hasattr(values, step):
            values = getattr(values, step)()
    try:
        return np.array(values.numpy())
    except TypeError:  # a number type that numpy lacks
        return np.array(values.float().numpy())


def _is_of_torch(kind: type) -> bool:
    return any(base.__module__.partition(".")[0] == _TORCH for base in kind.__mro__)
