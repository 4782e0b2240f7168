"""Puts methods of classes in place of others, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final
from weakref import WeakKeyDictionary

from modelwatch_estimators.methods import replacement, watched
from modelwatch_estimators.nesting import nesting, passed_on

__all__ = ["ReplacedMethods"]

_PREDICTING: Final = ("predict", "predict_proba", "inplace_predict")
_TRAINING: Final = ("fit", "partial_fit", "score", "update", "eval_set")

_HOOK: Final = "__init_subclass__"
"""What a class calls as others are derived of it."""

_Change = Callable[[Callable[..., Any]], Callable[..., Any]]


class ReplacedMethods:
    """The methods that were replaced, so that they can be put back.

    Classes are not kept alive. Not thread-safe: modules are loaded one at a time.
    """

    def __init__(self) -> None:
        self._replaced: WeakKeyDictionary[type, set[str]] = WeakKeyDictionary()
        self._roots: list[type] = []

    def watch_tree(self, root: type) -> None:
        """Watch a class, all that are derived of it so far, and all that will be."""
        for kind in (root, *_derived(root)):
            self.watch(kind)

        if _HOOK not in vars(root):
            self._roots.append(root)
            setattr(root, _HOOK, classmethod(self._init_subclass(root)))

    def watch(self, kind: type) -> None:
        """Watch the methods of a class that predict, where they are defined."""
        for name in _PREDICTING:
            self._replace(kind, name, watched)
        for name in _TRAINING:
            self._replace(kind, name, nesting)

    def pass_on(self, parallel: type) -> None:
        """Have ``joblib.Parallel`` tell its workers what they are part of."""
        self._replace(parallel, "__call__", passed_on)

    def put_back(self) -> None:
        """Undo all of it."""
        while self._roots:
            delattr(self._roots.pop(), _HOOK)
        for kind, names in self._replaced.items():
            for name in names:
                setattr(kind, name, vars(kind)[name].__wrapped__)
        self._replaced.clear()

    def _init_subclass(self, root: Any) -> Callable[..., None]:
        def init_subclass(kind: Any, /, **options: Any) -> None:
            super(root, kind).__init_subclass__(**options)
            self.watch(kind)

        return init_subclass

    def _replace(self, kind: type, name: str, change: _Change) -> None:
        owner = next((owner for owner in kind.__mro__ if name in vars(owner)), None)
        if owner is None or name in self._replaced.get(owner, ()):
            return
        new = replacement(vars(owner)[name], change)
        if new is None:
            return
        with suppress(TypeError):  # a class of an extension module cannot be changed
            setattr(owner, name, new)
            self._replaced.setdefault(owner, set()).add(name)


def _derived(root: Any) -> Iterator[type]:
    for kind in root.__subclasses__():
        yield kind
        yield from _derived(kind)
