from __future__ import annotations

from functools import partialmethod
from typing import Any

import pytest

import modelwatch as mw
from modelwatch.errors import ConfigurationError
from tests.watched import MakeWatch


class Declared:
    """What a framework's decorator makes of a method: called by the framework alone."""

    def __init__(self, func: Any, route: str) -> None:
        self.func = func
        self.route = route


class Frozen:
    """Holds something that cannot be called."""

    func = 1


def test_partial_method_is_watched(make_watch: MakeWatch) -> None:
    """@watch above a partialmethod captures the calls of the method, and leaves the other alone."""
    watched = make_watch()

    class Model:
        def score(self, features: dict[str, float], *, factor: float) -> float:
            return features["age"] * factor

        double = watched.watch(partialmethod(score, factor=2.0))

    assert Model().double({"age": 3.0}) == 6.0
    assert Model().score({"age": 3.0}, factor=1.0) == 3.0
    assert watched.profile().predictions == {"": 1}


def test_declared_method_stays_what_it_is(make_watch: MakeWatch) -> None:
    """@watch above a declaring decorator gives a watched copy of the declaration."""
    watched = make_watch()

    def predict(features: dict[str, float]) -> float:
        return features["age"]

    declared = Declared(predict, "/predict")
    made = watched.watch(on_outlier="tag")(declared)
    assert (type(made), made.route) == (Declared, "/predict")
    assert made.func({"age": 3.0}) == 3.0
    assert declared.func is predict
    assert watched.profile().predictions == {"": 1}


@pytest.mark.parametrize("value", [Frozen(), 1, None], ids=["frozen", "number", "none"])
def test_what_holds_no_function_is_refused(value: Any) -> None:
    """What is no function and holds none is refused, or taken for options where it is None."""
    watch = mw.Watch("model", version="1")
    if value is None:
        assert callable(watch(value))
        return
    with pytest.raises(ConfigurationError, match="no readable signature"):
        watch(value)


def test_disabled_watch_leaves_the_declaration(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disabled watch returns the declaration itself."""
    monkeypatch.setenv("MODELWATCH_ENABLED", "false")
    declared = Declared(print, "/print")
    assert mw.Watch("model", version="1")(declared) is declared
