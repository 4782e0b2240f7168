from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from modelwatch.extractors.embedding import describe_embedding
from tests.tensors import FakeTensor

VECTOR = np.array([3.0, -4.0, 0.0])


@pytest.mark.parametrize(
    "value",
    [
        VECTOR,
        VECTOR.astype(np.float16),
        VECTOR.astype(int),
        VECTOR.tolist(),
        tuple(VECTOR.tolist()),
        VECTOR.reshape(1, 3),
        FakeTensor(VECTOR, requires_grad=True, bfloat16=True),
    ],
)
def test_a_vector_is_described(value: Any) -> None:
    """Whatever holds it: size, norm, and what its components are like."""
    found = describe_embedding(value)
    assert found == pytest.approx(
        {
            "size": 3,
            "norm": 5.0,
            "mean": -1 / 3,
            "std": float(VECTOR.std()),
            "minimum": -4.0,
            "maximum": 3.0,
        }
    )


def test_odd_vectors_are_told() -> None:
    """An empty one has a size only; a component that is no number makes the others none."""
    assert describe_embedding([]) == {"size": 0}
    found = describe_embedding([1.0, math.nan])
    assert found["size"] == 2
    assert math.isnan(found["norm"])


@pytest.mark.parametrize("value", ["text", ["a"], np.zeros((2, 3)), 1.0, None, [[1], [2, 3]]])
def test_what_is_no_vector_is_refused(value: object) -> None:
    """The caller counts it as missing."""
    with pytest.raises((TypeError, ValueError)):
        describe_embedding(value)
