"""The prediction being made: its id, its outliers, and who may claim it.

An adapter opens a scope before a request's handler runs. The first watched call inside claims the
scope's prediction, so that the adapter can read its id and outliers afterwards. It works across
threads that run in a copy of the context, because the prediction is one mutable object.

A plain watched call leaves its prediction in the context when it has ended, marked as made, which
is quicker than to restore what was there; whoever looks takes such a one for none.
"""

from __future__ import annotations

import re
import struct
import time
from collections.abc import Mapping
from contextlib import suppress
from contextvars import ContextVar, Token
from types import MappingProxyType
from typing import Final

from modelwatch.capture.sampling import DRAW_BITS, draw

__all__ = [
    "Prediction",
    "current_prediction",
    "enclose",
    "identified",
    "new_prediction",
    "prediction_scope",
]

MADE: Final = object()
"""Stands for the maker of a prediction once it has been made."""

_PACK: Final = struct.Struct(">QQ").pack

USABLE_ID: Final = re.compile("[A-Za-z0-9._:-]{1,128}")
"""Ids that a header can carry."""

NO_OUTLIERS: Final[Mapping[str, str]] = MappingProxyType({})


class Prediction:
    """One prediction of a watched model."""

    # Attributes of a call that nobody asks about are never set: making the object is a good part
    # of what watching a call costs, and each further attribute adds to it.
    __slots__ = ("_id", "_outliers", "draw", "known", "maker", "outer")

    # None or not set until it is asked for.
    _id: str | None
    # The recorder whose watched call is inside, so that further calls of it are part of the
    # prediction; None before, MADE afterwards. Always set.
    maker: object
    # The prediction of another model that this one is made for; set where a call begins inside one.
    outer: Prediction | None
    # The last 32 bits of the id to be made; set where it was drawn whether the call is sampled.
    draw: int | None
    # Whether somebody outside of modelwatch can know the id; set where that is so.
    known: bool

    @property
    def id(self) -> str:
        """Text that names this prediction alone: a UUID of version 7, made when first asked for.

        To ask for it while the prediction is being made says that its label may be told by it:
        id and outputs are then sent to the collector, to be joined with that.
        """
        make_known(self)
        return identified(self)

    @property
    def outliers(self) -> Mapping[str, str]:
        """Feature name to the rule that its value broke; empty where nothing is unusual.

        The rules are ``range``, ``z_score``, ``distance``, ``unseen_category``, ``missing`` and
        ``type``.
        """
        found: Mapping[str, str] = getattr(self, "_outliers", NO_OUTLIERS)
        return found

    @outliers.setter
    def outliers(self, outliers: Mapping[str, str]) -> None:
        self._outliers = outliers

    @property
    def made(self) -> bool:
        """Whether a watched call has made or begun this prediction; False in an unused scope."""
        return self.maker is not None

    def __repr__(self) -> str:
        return f"Prediction(id={identified(self)!r}, outliers={dict(self.outliers)!r})"


def identified(prediction: Prediction) -> str:
    """Return a prediction's id, for uses by which nobody gets to know it."""
    found = getattr(prediction, "_id", None)
    if found is None:
        found = prediction._id = _time_ordered_uuid(getattr(prediction, "draw", None))
    return found


def make_known(prediction: Prediction) -> None:
    """Note that somebody can know a prediction's id, and tell its maker to look at such notes."""
    prediction.known = True
    asked: list[bool] | None = getattr(getattr(prediction, "maker", None), "asked", None)
    if asked is not None and not asked:
        asked.append(True)


def name_after(prediction: Prediction, own_id: str) -> None:
    """Have a prediction go by an id of the caller's own, unless it has one that is known."""
    if getattr(prediction, "_id", None) is None and USABLE_ID.fullmatch(own_id):
        prediction._id = own_id


def new_prediction(
    prediction_id: str | None = None, maker: object = None, outer: Prediction | None = None
) -> Prediction:
    """Return a prediction that is about to be made.

    Args:
        prediction_id: its id; None to make one when it is asked for.
        maker: the recorder of the watched call that makes it; None while there is none.
        outer: the prediction of another model that it is made for.
    """
    prediction = Prediction()
    prediction.maker = maker
    prediction.outer = outer
    prediction._id = prediction_id
    # Of these an adapter asks, for which it is quicker to find them set.
    prediction._outliers = NO_OUTLIERS
    prediction.draw = None
    return prediction


class Scope:
    """What a scope puts into the context: a prediction until some call claims it."""

    __slots__ = ("claimed", "encloses", "is_known", "prediction")

    maker: Final = None  # it is no prediction that has been made

    def __init__(self, prediction: Prediction, *, is_known: bool = True) -> None:
        self.prediction = prediction
        self.is_known = is_known
        self.claimed = False
        # Whether the prediction was begun by `Watch.observe`: calls of the same watch in the scope
        # are then part of it until it ends.
        self.encloses = False

    def claim(self, maker: object) -> Prediction | None:
        """Return the scope's prediction to the first caller, and one of its own to each later.

        None where the call is part of the scope's prediction.
        """
        if self.claimed:
            is_part = self.encloses and self.prediction.maker is maker
            return None if is_part else new_prediction(None, maker)
        return self.claim_first(maker)

    def claim_first(self, maker: object) -> Prediction:
        """Return the scope's prediction to its first caller."""
        self.claimed = True
        prediction = self.prediction
        prediction.maker = maker
        if self.is_known:
            make_known(prediction)
        return prediction


class PredictionScope:
    """A context manager that keeps a scope in the context; at the latest until it is let go.

    Args:
        prediction_id: the id to use; None to make one when it is asked for.
        is_known: whether somebody outside can know the id.
    """

    __slots__ = ("_scope", "_token")

    def __init__(self, prediction_id: str | None, *, is_known: bool = True) -> None:
        self._scope = Scope(new_prediction(prediction_id), is_known=is_known)
        self._token: Token[Prediction | Scope | None] | None = None

    def __enter__(self) -> Prediction:
        self._token = CURRENT.set(self._scope)
        return self._scope.prediction

    def __exit__(self, *_: object) -> None:
        token, self._token = self._token, None
        if token is not None:
            CURRENT.reset(token)

    def __del__(self) -> None:
        if self._token is not None:
            with suppress(ValueError):  # as in a stream that nobody closed, let go in some thread
                self.__exit__()


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
        further = around.outer = _unfinished(getattr(around, "outer", None))
        around = further
    return new_prediction(None, maker, outer)


def _unfinished(prediction: Prediction | None) -> Prediction | None:
    """Return the nearest prediction, from this one outwards, that is still being made."""
    while prediction is not None and prediction.maker is MADE:
        prediction = getattr(prediction, "outer", None)
    return prediction


def enclose(prediction: Prediction) -> None:
    """Have a scope's prediction enclose further calls, where it was claimed just now."""
    current = CURRENT.get()
    if isinstance(current, Scope) and current.prediction is prediction:
        current.encloses = True


def current_prediction() -> Prediction | None:
    """Return the prediction being made, or None outside of watched calls and scopes.

    After a watched call has returned inside a `prediction_scope`, the scope's prediction is still
    found, with the call's outliers.
    """
    found = CURRENT.get()
    if isinstance(found, Scope):
        return found.prediction
    return found if found is not None and found.maker is not MADE else None


def prediction_scope(prediction_id: str | None = None, *, is_known: bool = True) -> PredictionScope:
    """Open a scope, as an adapter does around a request; the first watched call inside claims it.

    Args:
        prediction_id: the id to use, as sent by a client; a new one where None.
        is_known: whether somebody outside gets to know the id, so that a label can come for it;
            where nobody does, id and outputs of the prediction stay in the process.

    Returns:
        A context manager whose value is the prediction; its `outliers` are filled in when a
        watched call has claimed it.
    """
    return PredictionScope(prediction_id, is_known=is_known)


def _time_ordered_uuid(drawn: int | None) -> str:
    """Return a UUID of version 7 (RFC 9562): 48 bits of milliseconds, then 74 random bits.

    Args:
        drawn: its last 32 bits, where they are drawn already.
    """
    first = time.time_ns() // 1_000_000 << 16 | 0x7000 | draw(12)
    last = 1 << 63 | draw(62)
    if drawn is not None:
        last = last >> DRAW_BITS << DRAW_BITS | drawn
    text = _PACK(first, last).hex()  # in half the time of five formatted numbers
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
