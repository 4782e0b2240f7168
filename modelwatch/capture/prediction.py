"""The prediction being made: its id, its outliers, and who may claim it.

An adapter opens a scope before a request's handler runs. The first watched call inside claims the
scope's prediction, so that the adapter can read its id and outliers afterwards. It works across
threads that run in a copy of the context, because the prediction is one mutable object.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Final

__all__ = ["Prediction", "current_prediction", "prediction_scope"]

MADE: Final = object()
"""Stands for the maker of a prediction once it has been made."""

NO_OUTLIERS: Final[Mapping[str, str]] = MappingProxyType({})


class Prediction:
    """One prediction of a watched model.

    Attributes:
        outliers: feature name to the rule that its value broke (``range``, ``unseen_category``,
            ``missing``, ``type``); empty where nothing is unusual.
    """

    __slots__ = ("_id", "maker", "outer", "outliers")

    def __init__(
        self,
        prediction_id: str | None = None,
        maker: object = None,
        outer: Prediction | None = None,
    ) -> None:
        self._id = prediction_id
        self.outliers: Mapping[str, str] = NO_OUTLIERS
        # The recorder whose watched call is inside, so that further calls of it are part of the
        # prediction; None before, MADE afterwards.
        self.maker = maker
        # The prediction of another model that this one is made for.
        self.outer = outer

    @property
    def id(self) -> str:
        """Text that names this prediction alone: a UUID of version 7, made when first asked for."""
        found = self._id
        if found is None:
            found = self._id = _time_ordered_uuid()
        return found

    @property
    def made(self) -> bool:
        """Whether a watched call has made or begun this prediction; False in an unused scope."""
        return self.maker is not None

    def __repr__(self) -> str:
        return f"Prediction(id={self.id!r}, outliers={dict(self.outliers)!r})"


class Scope:
    """What `prediction_scope` puts into the context: a prediction until some call claims it."""

    __slots__ = ("claimed", "prediction")

    def __init__(self, prediction: Prediction) -> None:
        self.prediction = prediction
        self.claimed = False

    def claim(self, maker: object) -> Prediction:
        """Return the scope's prediction to the first caller, and one of its own to each later."""
        if self.claimed:
            return Prediction(None, maker)
        self.claimed = True
        self.prediction.maker = maker
        return self.prediction


CURRENT: Final[ContextVar[Prediction | Scope | None]] = ContextVar("modelwatch", default=None)


def begin_prediction(maker: object) -> Prediction | None:
    """Return the prediction that a watched call makes; None where it is part of one.

    A call is part of a prediction where one of the same maker is being made around it, however
    many of other makers lie between.

    Args:
        maker: the recorder of the watched function.
    """
    current = CURRENT.get()
    if isinstance(current, Scope):
        return current.claim(maker)
    outer = around = _unfinished(current)
    while around is not None:
        if around.maker is maker:
            return None
        # Those that have ended are let go, or tasks that start each other would be an endless row.
        further = around.outer = _unfinished(around.outer)
        around = further
    return Prediction(None, maker, outer)


def _unfinished(prediction: Prediction | None) -> Prediction | None:
    """Return the nearest prediction, from this one outwards, that is still being made."""
    while prediction is not None and prediction.maker is MADE:
        prediction = prediction.outer
    return prediction


def current_prediction() -> Prediction | None:
    """Return the prediction being made, or None outside of watched calls and scopes.

    After a watched call has returned inside a `prediction_scope`, the scope's prediction is still
    found, with the call's outliers.
    """
    found = CURRENT.get()
    return found.prediction if isinstance(found, Scope) else found


@contextmanager
def prediction_scope(prediction_id: str | None = None) -> Iterator[Prediction]:
    """Open a scope, as an adapter does around a request; the first watched call inside claims it.

    Args:
        prediction_id: the id to use, as sent by a client; a new one where None.

    Yields:
        The prediction, whose `outliers` are filled in when a watched call has claimed it.
    """
    prediction = Prediction(prediction_id)
    token = CURRENT.set(Scope(prediction))
    try:
        yield prediction
    finally:
        CURRENT.reset(token)


def _time_ordered_uuid() -> str:
    """Return a UUID of version 7 (RFC 9562): 48 bits of milliseconds, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    number = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | random
    number = number & ~(0xF << 76) | 7 << 76
    number = number & ~(0x3 << 62) | 2 << 62
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
