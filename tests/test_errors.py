from __future__ import annotations

import copy
import inspect
import pickle
import re

import pytest

from modelwatch import errors
from modelwatch.errors import ModelwatchError, OutlierRejected

CLASSES = {
    name: value
    for name, value in vars(errors).items()
    if inspect.isclass(value) and issubclass(value, Exception)
}


def test_all_is_the_tree() -> None:
    """__all__ lists every error, sorted."""
    assert errors.__all__ == sorted(CLASSES)


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_one_root(name: str) -> None:
    """Every error can be caught as a ModelwatchError, and says what it means."""
    assert issubclass(CLASSES[name], ModelwatchError)
    assert CLASSES[name].__doc__


def test_the_drawn_tree_is_true() -> None:
    """The tree at the top of the module names each error with its standard parent."""
    drawn = dict(re.findall(r"\+-- (\w+) (?:\((\w+)\))?", errors.__doc__ or ""))
    assert drawn.keys() == CLASSES.keys() - {"ModelwatchError"}
    for name, parent in drawn.items():
        parents = {base.__name__ for base in CLASSES[name].__mro__}
        assert not parent or parent in parents


def test_rejected_outlier_names_features_and_rules() -> None:
    """The message lists what broke which rule, in order, and the remedy."""
    error = OutlierRejected({"speed": "range", "age": "missing"})
    assert "age (missing), speed (range)" in str(error)
    assert "on_outlier='tag'" in str(error)


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))]
)
def test_rejected_outlier_survives_a_process_boundary(again: object) -> None:
    """A copied or pickled OutlierRejected keeps its message and its outliers."""
    assert callable(again)
    error = OutlierRejected({"age": "range"})
    twin = again(error)
    assert isinstance(twin, OutlierRejected)
    assert (str(twin), twin.outliers) == (str(error), error.outliers)
