"""A tensor as torch has it, in what a watch can see of one; torch itself takes a gigabyte."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

__all__ = ["FakeTensor"]


class FakeTensor:
    """Refuses what a tensor of torch refuses: numpy's view while it has a gradient, or as bfloat16.

    Args:
        values: anything numpy reads.
        requires_grad: whether it takes part in the computation of gradients.
        bfloat16: whether its numbers are of that type, which numpy lacks.
    """

    def __init__(self, values: Any, *, requires_grad: bool = False, bfloat16: bool = False) -> None:
        self._values = np.asarray(values)
        self.requires_grad = requires_grad
        self._bfloat16 = bfloat16

    @property
    def shape(self) -> tuple[int, ...]:
        """Its size by dimension."""
        return self._values.shape

    def detach(self) -> FakeTensor:
        """Return a view without a gradient."""
        return FakeTensor(self._values, bfloat16=self._bfloat16)

    def cpu(self) -> FakeTensor:
        """Return itself."""
        return self

    def numpy(self) -> np.ndarray[Any, Any]:
        """Return a view."""
        if self.requires_grad:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad.")
        if self._bfloat16:
            raise TypeError("Got unsupported ScalarType BFloat16")
        return self._values

    def fill_(self, value: builtins.float) -> None:
        """Overwrite it in place."""
        self._values[...] = value

    def float(self) -> FakeTensor:
        """Return a copy in single precision."""
        return FakeTensor(self._values.astype(np.float32), requires_grad=self.requires_grad)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return self.numpy()

    def __len__(self) -> int:
        if not self._values.ndim:
            raise TypeError("len() of a 0-d tensor")
        return len(self._values)

    def __bool__(self) -> bool:
        if self._values.size != 1:
            raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")
        return bool(self._values)

    def __eq__(self, other: object) -> Any:
        return FakeTensor(self._values == other)

    __hash__ = object.__hash__


FakeTensor.__module__ = "torch"
