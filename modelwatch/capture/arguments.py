"""Which argument of a watched function holds the features.

Decided once, at decoration, from the signature; where it is not clear, the error names the
parameters and the remedy.
"""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Callable, Collection, Mapping, MutableMapping, Sequence
from typing import Any, Final

from modelwatch.errors import ConfigurationError, DataError

__all__ = ["ArgumentPlace", "FeatureArgument", "find_feature_argument"]

_SCALARS: Final = (int, float, str, bool)
_TABLE_NAMES: Final = frozenset(
    {"Array", "DataFrame", "LazyFrame", "RecordBatch", "Series", "Table", "Tensor", "ndarray"}
)
_SELF_NAMES: Final = frozenset({"self", "cls"})
_NAMED_KINDS: Final = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.KEYWORD_ONLY,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ArgumentPlace:
    """Where one argument of a call is.

    Attributes:
        name: its parameter.
        position: its index among the positional arguments, without `self`; None if keyword-only.
        default: its default; `inspect.Parameter.empty` where it has none.
    """

    name: str
    position: int | None
    default: Any = inspect.Parameter.empty

    def of(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Return the argument of a call; `inspect.Parameter.empty` where it is not there."""
        if self.position is not None and self.position < len(args):
            return args[self.position]
        return kwargs.get(self.name, self.default)


@dataclasses.dataclass(frozen=True, kw_only=True)
class FeatureArgument:
    """Where a call's features are.

    Attributes:
        name: the parameter that holds them; None where each parameter is a feature of its own.
        position: its index among the positional arguments, without `self`; None if keyword-only.
        default: its default; `inspect.Parameter.empty` where it has none.
        has_self: whether the function's first parameter is the object or class of a method.
        positional: the names of the positional parameters, without `self`.
        defaults: the defaults of all parameters that have one.
        own_id: where the row's own id is, if a parameter holds it; else None.
    """

    name: str | None
    position: int | None = None
    default: Any = inspect.Parameter.empty
    has_self: bool = False
    positional: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    own_id: ArgumentPlace | None = None

    def features(self, instance: object, args: Sequence[Any], kwargs: Mapping[str, Any]) -> object:
        """Return the argument of a call that holds the features, or the features by name.

        Args:
            instance: what the function is bound to.
            args: the call's positional arguments.
            kwargs: its keyword arguments.

        Raises:
            DataError: where the call lacks it.
        """
        if self.has_self and instance is None:
            args = args[1:]
        if self.name is None:
            named = dict(zip(self.positional, args, strict=False))
            return {**self.defaults, **named, **kwargs}
        if self.position is not None and self.position < len(args):
            return args[self.position]
        features = kwargs.get(self.name, self.default)
        if features is inspect.Parameter.empty:
            raise DataError(f"the call lacks its argument {self.name!r}.")
        return features

    def ids(self, instance: object, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Return the argument that holds the own id of its row, or those of its rows; or None."""
        if self.own_id is None:
            return None
        found = self.own_id.of(args[1:] if self.has_self and instance is None else args, kwargs)
        return None if found is inspect.Parameter.empty else found


def find_feature_argument(
    function: Callable[..., Any],
    *,
    inputs: str | None,
    feature_names: Collection[str],
    prediction_id: str | None = None,
) -> FeatureArgument:
    """Find the features among a function's parameters.

    Args:
        function: what is watched.
        inputs: the name of the parameter, as the user gave it; None to find it.
        feature_names: the features as callers give them; empty where they are not known.
        prediction_id: what holds the row's own id, be it a parameter or something in the features.

    Raises:
        ConfigurationError: where `inputs` names no parameter, or no parameter is clearly the one.
    """
    try:
        signature = inspect.signature(getattr(function, "__func__", function))
    except (TypeError, ValueError):
        raise ConfigurationError(
            f"cannot watch {function!r}: it has no readable signature. Wrap it in a function of "
            "your own and watch that."
        ) from None
    parameters = list(signature.parameters.values())
    is_named_self = bool(parameters) and parameters[0].name in _SELF_NAMES
    has_self = is_named_self or isinstance(function, classmethod)
    parameters = parameters[1:] if has_self else parameters
    others = [parameter for parameter in parameters if parameter.name != prediction_id]
    name = _name_of(function, others or parameters, inputs, feature_names)
    positional = tuple(
        parameter.name for parameter in parameters if parameter.kind in _NAMED_KINDS[:2]
    )
    own_id = None
    if name is not None and name != prediction_id and len(others) < len(parameters):
        (holder,) = [parameter for parameter in parameters if parameter.name == prediction_id]
        own_id = ArgumentPlace(
            name=holder.name,
            position=positional.index(holder.name) if holder.name in positional else None,
            default=holder.default,
        )
    defaults = {
        parameter.name: parameter.default
        for parameter in parameters
        if parameter.default is not inspect.Parameter.empty
    }
    return FeatureArgument(
        name=name,
        position=positional.index(name) if name in positional else None,
        default=defaults.get(name or "", inspect.Parameter.empty),
        has_self=has_self,
        positional=positional,
        defaults=defaults,
        own_id=own_id,
    )


def _name_of(
    function: Callable[..., Any],
    parameters: Sequence[inspect.Parameter],
    inputs: str | None,
    feature_names: Collection[str],
) -> str | None:
    named = [parameter for parameter in parameters if parameter.kind in _NAMED_KINDS]
    names = [parameter.name for parameter in named]
    if inputs is not None:
        if inputs in names:
            return inputs
        raise ConfigurationError(
            f"inputs={inputs!r} is no parameter of {_label(function)}, which has "
            f"{', '.join(names) or 'none'}: name one of these."
        )
    hints = _type_hints(function)
    if _are_features(parameters, named, hints, feature_names):
        return None
    holders = [name for name in names if _holds_features(hints.get(name))]
    required = [parameter.name for parameter in named if parameter.default is parameter.empty]
    for candidates in (names, holders, required):
        if len(candidates) == 1:
            return candidates[0]
    example = names[0] if names else "features"
    raise ConfigurationError(
        f"cannot tell which parameter of {_label(function)} holds the features: it has "
        f"{', '.join(names) or 'none'}. Name it, as in @watch(inputs={example!r})."
    )


def _are_features(
    parameters: Sequence[inspect.Parameter],
    named: Sequence[inspect.Parameter],
    hints: Mapping[str, Any],
    feature_names: Collection[str],
) -> bool:
    """Tell whether each parameter is one feature, as in ``predict(age, income)``."""
    if not named:
        return any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters)
    if feature_names:
        return {parameter.name for parameter in named} <= set(feature_names)
    return all(_is_scalar(hints.get(parameter.name)) for parameter in named)


def _type_hints(function: Callable[..., Any]) -> dict[str, Any]:
    """Return resolved annotations, or what is there where a name in them cannot be resolved."""
    plain = getattr(function, "__func__", function)
    target = plain if hasattr(plain, "__annotations__") else type(plain).__call__
    try:
        return typing.get_type_hints(target)
    except (NameError, TypeError, AttributeError, SyntaxError):
        return dict(getattr(target, "__annotations__", {}))


def _is_scalar(hint: Any) -> bool:
    return bool(_alternatives(hint)) and all(kind in _SCALARS for kind in _alternatives(hint))


def _holds_features(hint: Any) -> bool:
    return any(_is_feature_type(kind) for kind in _alternatives(hint))


def _alternatives(hint: Any) -> list[Any]:
    """Return the members of a union but None, or the hint itself."""
    if hint is None:
        return []
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return [kind for kind in typing.get_args(hint) if kind is not type(None)]
    return [hint]


def _is_feature_type(kind: Any) -> bool:
    origin = typing.get_origin(kind) or kind
    if origin in (list, tuple, Sequence):
        return any(_is_feature_type(item) or _is_row(item) for item in typing.get_args(kind))
    if origin in (Mapping, MutableMapping):
        return True
    if not isinstance(origin, type):
        return isinstance(kind, str) and kind.rpartition(".")[2] in _TABLE_NAMES
    return (
        issubclass(origin, dict)
        or dataclasses.is_dataclass(origin)
        or typing.is_typeddict(origin)
        or hasattr(origin, "__pydantic_fields__")
        or (issubclass(origin, tuple) and hasattr(origin, "_fields"))
        or origin.__name__ in _TABLE_NAMES
    )


def _is_row(kind: Any) -> bool:
    """Tell whether the items of a list are rows of values in order."""
    return typing.get_origin(kind) in (list, tuple, Sequence)


def _label(function: Callable[..., Any]) -> str:
    return f"{getattr(function, '__qualname__', type(function).__name__)}()"
