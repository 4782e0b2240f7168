"""Whatever a watched function is given, returns or raises is its own affair."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelwatch.capture.guard import Guard
from tests.watched import MakeWatch, Watched

DEEP = 10_000


class Trap(Exception):
    """What hostile values raise."""


def _spring(*arguments: object, **options: object) -> NoReturn:
    raise Trap


METHODS = (
    *("__eq__", "__ne__", "__lt__", "__gt__", "__le__", "__ge__", "__hash__", "__bool__"),
    *("__len__", "__iter__", "__contains__", "__getitem__", "__float__", "__int__", "__index__"),
    *("__array__", "__repr__", "__str__", "__format__", "__getattr__", "__copy__", "__deepcopy__"),
    *("__reduce_ex__", "__call__", "__abs__", "__sub__", "__neg__", "keys", "items", "tolist"),
)


def _hostile(*names: str, bases: tuple[type, ...] = ()) -> type:
    return type("Hostile", bases, dict.fromkeys(names, _spring))


def _lying_about_its_class() -> type:
    return type("Hostile", (), {"__class__": property(_spring)})


def _bearing(name: str) -> type:
    """Return a class whose objects look like those of some library, and are not."""
    return type("Series", (), {name: property(_spring), "shape": property(_spring)})


HOSTILE: list[Callable[[], Any]] = [
    *(_hostile(name) for name in METHODS),
    _hostile(*METHODS),
    _hostile("__len__", "__iter__", "items", "values", "get", "__getitem__", bases=(dict,)),
    _hostile("__len__", "__iter__", "__getitem__", bases=(list,)),
    _hostile("__eq__", "__hash__", "__float__", bases=(float,)),
    _hostile("__eq__", "__hash__", "encode", "isascii", "__str__", bases=(str,)),
    _lying_about_its_class(),
    *(_bearing(name) for name in ("columns", "column_names", "index", "detach", "__array__")),
]

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.builds(lambda: 10**5_000),
    st.floats(),
    st.complex_numbers(),
    st.text(),
    st.just("\ud800"),
    st.binary(),
    st.decimals(),
    st.datetimes(),
    st.sampled_from([np.float32(1.5), np.int8(3), np.datetime64("NaT"), np.array(2.0)]),
)
KEYS = st.one_of(
    st.sampled_from(["amount", "count", "city", "inputs", "outputs", "a.b"]), st.text()
)
ARRAYS = st.sampled_from(
    [
        np.zeros(3),
        np.zeros((2, 3)),
        np.zeros((0, 3)),
        np.zeros((1, 2, 3)),
        np.array([None, "x", math.nan], dtype=object),
        np.zeros(2, dtype=[("amount", "f8"), ("city", "U3")]),
        np.ma.masked_array([1.0, 2.0, 3.0], mask=[False, True, False]),
    ]
)


@dataclass(frozen=True)
class Seed:
    """Stands for a hostile value, which Hypothesis itself could not handle."""

    kind: int


HOSTILE_VALUES = st.builds(Seed, st.integers(0, len(HOSTILE) - 1))


def _planted(junk: Any) -> Any:
    """Return junk with hostile values in place of what stands for them."""
    if isinstance(junk, Seed):
        return HOSTILE[junk.kind]()
    if type(junk) is dict:
        return {name: _planted(value) for name, value in junk.items()}
    return type(junk)(map(_planted, junk)) if type(junk) in (list, tuple) else junk


def _containers(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.lists(children, max_size=4),
        st.dictionaries(KEYS, children, max_size=4),
        st.dictionaries(st.integers(), children, max_size=2),
        st.tuples(children, children),
        st.fixed_dictionaries({"amount": children, "count": children, "city": children}),
    )


JUNK = st.recursive(st.one_of(SCALARS, ARRAYS, HOSTILE_VALUES), _containers, max_leaves=12)


def _deep(wrap: Callable[[Any], Any]) -> Any:
    found: Any = 1.0
    for _ in range(DEEP):
        found = wrap(found)
    return found


def _endless_list() -> list[Any]:
    found: list[Any] = [1.0]
    found += [found, found]
    return found


def _endless_dict() -> dict[str, Any]:
    found: dict[str, Any] = {"amount": 1.0}
    found |= {"count": found, "city": [found], "more": {"amount": found}}
    return found


EXTREMES: dict[str, Callable[[], Any]] = {
    "deep dicts": lambda: _deep(lambda inner: {"amount": inner}),
    "deep lists": lambda: _deep(lambda inner: [inner]),
    "deep tuples": lambda: _deep(lambda inner: (inner,)),
    "endless list": _endless_list,
    "endless dict": _endless_dict,
    "many fields": lambda: {f"f{n}": {"x": n} for n in range(11_000)},
    "many rows of junk": lambda: [{"amount": [n], n: object()} for n in range(300)],
}


def _identities(junk: Any) -> list[tuple[int, ...]]:
    """Return which objects all plain containers hold, to see that none was written to."""
    found, waiting, seen = [], [junk], set()
    while waiting:
        item = waiting.pop()
        if type(item) not in (dict, list, tuple) or id(item) in seen:
            continue
        seen.add(id(item))
        inner = [*item.keys(), *item.values()] if type(item) is dict else list(item)
        found.append((id(item), *map(id, inner)))
        waiting += inner
    return found


class Subject:
    """A function that returns or raises what it is told, sync and async, and notes its argument."""

    def __init__(self, watched: Watched) -> None:
        self.given: Any = None
        self.output: Any = None
        self.error: Exception | None = None
        self.calls = 0

        @watched.watch
        def predict(features: Any) -> Any:
            return self._answer(features)

        @watched.watch(on_outlier=lambda prediction: None)
        async def predict_async(features: Any) -> Any:
            return self._answer(features)

        self.sync: Callable[[Any], Any] = predict
        self.asynchronous: Callable[[Any], Any] = lambda junk: asyncio.run(predict_async(junk))

    def _answer(self, features: Any) -> Any:
        self.given = features
        if self.error is not None:
            raise self.error
        return self.output

    def check(self, call: Callable[[Any], Any], junk: Any, output: Any) -> None:
        """See that argument, result and exception pass through untouched."""
        before = _identities(junk), _identities(output)
        self.calls += 1
        self.output, self.error, self.given = output, None, None
        found = call(junk)
        assert found is output
        assert self.given is junk
        self.error = Trap("mine")
        with pytest.raises(Trap) as raised:
            call(junk)
        assert raised.value is self.error
        assert (_identities(junk), _identities(output)) == before


@pytest.fixture
def subjects(make_watch: MakeWatch, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Subject]]:
    """Functions of watches with a baseline, without one, and with names and extractors."""
    monkeypatch.setattr(Guard, "notice", lambda *arguments: None)  # a log line for each is too much
    options: list[dict[str, Any]] = [
        {},
        {"baseline": None},
        {"baseline": None, "feature_names": ["amount", "count", "city"]},
        {"baseline": None, "extractors": {"city": "text", "amount": "embedding"}},
    ]
    watches = [make_watch(**each) for each in options]
    subjects = [Subject(watched) for watched in watches]
    yield subjects
    for watched, subject in zip(watches, subjects, strict=True):
        if not subject.calls:
            continue
        calls: Counter[str] = Counter()
        for profile in watched.profiles():
            calls += profile.predictions
        assert calls == {"": subject.calls, "Trap": subject.calls}  # each, by what became of it


@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(junk=JUNK, output=JUNK, place=st.integers(0, 3))
def test_junk_of_any_shape_changes_nothing(
    subjects: list[Subject], junk: Any, output: Any, place: int
) -> None:
    """Results and exceptions are the function's own, sync and async, whatever they are."""
    for call in (subjects[place].sync, subjects[place].asynchronous):
        subjects[place].check(call, _planted(junk), _planted(output))


@pytest.mark.parametrize("kind", range(len(HOSTILE)))
def test_hostile_values_change_nothing(subjects: list[Subject], kind: int) -> None:
    """Objects of which some method raises: alone, as a feature, in a list, and as a result."""
    hostile = HOSTILE[kind]()
    row = {"amount": 1.0, "count": hostile, "city": "Lisbon"}
    for subject in subjects:
        for junk in (hostile, row, [row, row], {"amount": [hostile]}, [hostile]):
            subject.check(subject.sync, junk, hostile)
        subject.check(subject.asynchronous, row, {"score": hostile})


@pytest.mark.parametrize("name", EXTREMES)
def test_extremes_change_nothing(subjects: list[Subject], name: str) -> None:
    """Nesting of 10,000 levels, containers that hold themselves, and far too many fields."""
    junk = EXTREMES[name]()
    for subject in subjects:
        subject.check(subject.sync, junk, junk)
        subject.check(subject.asynchronous, {"amount": junk}, [junk])
