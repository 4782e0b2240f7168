"""Generated functions that check a whole row against the baseline's limits.

Each is a single chain of comparisons over the row's values, which costs about 20 ns a feature. Only
a row that fails it is looked at value by value, by the rules that also count outliers in profiles,
so that both agree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from operator import itemgetter
from typing import Any, Final

import numpy as np

from modelwatch.capture.guard import FAULTS
from modelwatch.capture.packed_rows import Kept, RowLayout, is_integer
from modelwatch.distance_limit import DistanceLimit
from modelwatch.outliers import OutlierLimits, outlier_counts
from modelwatch.tables.columns import ABSENT, categorical_column, numeric_column

__all__ = [
    "SCALARS",
    "RowCheck",
    "RowReading",
    "compile_check",
    "compile_reader",
    "with_distance",
]

_CONDITIONS_AT_ONCE: Final = 10
"""So many values are checked by one statement of generated code. CPython compares numbers by its
quick ways only where the jump that follows is a short one."""

_MOST_LITERALS: Final = 32
"""Categories up to which a set is written into generated code, where it is had a little quicker."""

_MOST_EXACT = 2.0**53

RowCheck = Callable[[Sequence[Any]], dict[str, str] | None]
"""Takes a row's values in the baseline's order; returns feature to rule, None if all is well."""

RowReading = Callable[[Any], Kept | None]
"""Takes a call's features; returns a row's values, None for all but a usual row without outlier."""

SCALARS: Final = frozenset({float, int, str, bool, type(None), np.float64, np.float32, np.int64})
"""Types of single values that cannot change any more."""

_CONSTANTS: Final[Mapping[str, Any]] = {
    "ABSENT": ABSENT,
    "isfinite": isfinite,
    "UNCOMPARABLE": FAULTS,
}
"""What generated functions refer to. `UNCOMPARABLE` is what values of odd types raise when they are
compared; the row is then looked at value by value."""


def compile_check(limits: Mapping[str, OutlierLimits]) -> RowCheck:
    """Return the check of rows whose values come in the order of `limits`.

    >>> check = compile_check({"age": OutlierLimits(kind="numeric", lower=0.0, upper=120.0)})
    >>> check((30,)), check((999,))
    (None, {'age': 'range'})
    """
    explain = _explainer(limits)
    if not limits:
        return lambda values: None
    names = [f"v{position}" for position in range(len(limits))]
    constants = dict(_CONSTANTS)
    conditions = [
        _condition(name, limit, constants)
        for name, limit in zip(names, limits.values(), strict=True)
    ]
    lines = [
        "def check(values):",
        f"    {', '.join(names)}, = values",
        "    try:",
        f"        if {' and '.join(conditions)}:",
        "            return None",
        "    except UNCOMPARABLE:",
        "        pass",
        "    return explain(values)",
    ]
    check: RowCheck = _compiled("check", lines, {**constants, "explain": explain})
    return check


def compile_reader(
    size: int,
    limits: Mapping[str, OutlierLimits],
    values_of: Callable[[Mapping[str, Any]], tuple[Any, ...]],
    *,
    layout: RowLayout | None = None,
    further: RowCheck | None = None,
) -> RowReading:
    """Return what reads and checks the usual row in one go: a dict with exactly the features.

    Args:
        size: how many features a row has.
        limits: of each feature, in the order in which a row's values are kept; empty where none
            are known.
        values_of: returns the values of a dict in that order, or raises.
        layout: how a row is packed; None where it is kept as a tuple.
        further: a check of rows that are well by `limits`; a row that it objects to is left.

    >>> limits = {"age": OutlierLimits(kind="numeric", lower=0.0, upper=120.0)}
    >>> read = compile_reader(1, limits, lambda row: (row["age"],))
    >>> read({"age": 30}), read({"age": 999}), read([30])
    ((30,), None, None)
    """
    if not size:
        return lambda features: None
    names = [f"v{position}" for position in range(size)]
    constants = dict(_CONSTANTS) | {"values_of": values_of, "SCALARS": SCALARS, "further": further}
    # Where the first value is a column, the features may be a batch.
    conditions = ["(v0.__class__ is float or v0.__class__ in SCALARS)"]
    for name, limit in zip(names, limits.values(), strict=bool(limits)):
        if layout is None or limit.kind != "categorical" or limit.categories is None:
            conditions.append(_condition(name, limit, constants))
        elif not limit.text:  # packing looks categories up, where True is 1 and 1.0
            kind = "bool" if limit.is_boolean else "int"
            conditions.append(f"({name} is None or {name}.__class__ is {kind})")
    if further is not None:
        conditions.append("further(values) is None")
    returned = "values" if layout is None else layout.expression(names, constants)
    is_kept = layout is None or further is not None
    lines = [
        "def read(features):",
        f"    if features.__class__ is not dict or len(features) != {size}:",
        "        return None",
        "    try:",
        f"        {', '.join(names)}, = {'values = ' if is_kept else ''}values_of(features)",
        *_unless(conditions, "return None"),
        f"        return {returned}",
        "    except UNCOMPARABLE:",
        "        return None",
    ]
    read: RowReading = _compiled("read", lines, constants)
    return read


def with_distance(check: RowCheck, distance: DistanceLimit, places: Sequence[int]) -> RowCheck:
    """Return a check that looks at a row's distance too, where no value is an outlier by itself.

    Args:
        check: checks the values one by one.
        distance: the limit.
        places: where its features are among a row's values.
    """
    numbers_of = itemgetter(*places)

    def check_all(values: Sequence[Any]) -> dict[str, str] | None:
        found = check(values)
        if found is not None:
            return found
        try:
            name = distance.outlier(numbers_of(values))
        except FAULTS:  # a missing value; whatever is of a wrong type was found before
            return None
        return None if name is None else {name: "distance"}

    return check_all


def _unless(conditions: Sequence[str], statement: str) -> list[str]:
    """Return lines that do something where one of the conditions does not hold."""
    lines = []
    for start in range(0, len(conditions), _CONDITIONS_AT_ONCE):
        together = " and ".join(conditions[start : start + _CONDITIONS_AT_ONCE])
        lines += [f"        if not ({together}):", f"            {statement}"]
    return lines


def _compiled(name: str, lines: Sequence[str], constants: Mapping[str, Any]) -> Any:
    """Compile a function whose constants are closure variables, which are quicker than globals."""
    parameters = ", ".join(constants)
    body = "\n".join("    " + line for line in lines)
    namespace: dict[str, Any] = {}
    source = f"def make({parameters}):\n{body}\n    return {name}\n"
    exec(compile(source, f"<modelwatch {name}>", "exec"), namespace)
    return namespace["make"](**constants)


def _condition(name: str, limits: OutlierLimits, constants: dict[str, Any]) -> str:
    """Return Python text that is true only for values of `name` that are surely no outlier."""
    if limits.kind == "categorical":
        allowed = _category_condition(name, limits, constants)
    else:
        # Quicker than a chained comparison by a seventh, in the time of a whole row.
        lower, upper = limits.strictest
        allowed = f"{_literal(lower)} <= {name} and {name} <= {_literal(upper)}"
        if not (isfinite(lower) and isfinite(upper)):
            allowed = f"{name}.__class__ is float and isfinite({name})"
        if limits.allows_missing:
            allowed = f"({allowed}) or {name} != {name}"
    if limits.allows_missing:
        return f"({name} is None or {name} is ABSENT or {allowed})"
    return f"({allowed})"


def _literal(limit: float) -> str:
    """Return the limit as text; a whole one as an integer, which counts compare with quicker."""
    return repr(int(limit)) if limit.is_integer() and abs(limit) < _MOST_EXACT else repr(limit)


def _category_condition(name: str, limits: OutlierLimits, constants: dict[str, Any]) -> str:
    if limits.categories is None:
        return f"{name}.__class__ is {'str' if limits.text else 'int'}"
    known = f"known_{name}"
    if limits.text and 0 < len(limits.categories) <= _MOST_LITERALS:
        return f"{name} in {{{', '.join(map(repr, sorted(limits.categories)))}}}"
    if limits.text:
        constants[known] = limits.categories
        return f"{name} in {known}"
    if limits.is_boolean:
        constants[known] = frozenset(key == "true" for key in limits.categories)
        return f"{name}.__class__ is bool and {name} in {known}"
    constants[known] = frozenset(int(key) for key in limits.categories if is_integer(key))
    return f"{name}.__class__ is int and {name} in {known}"


def _explainer(limits: Mapping[str, OutlierLimits]) -> RowCheck:
    """Return the slow path: each value by itself, and by the profile's own rules where suspect."""
    tests = [(name, _value_test(limit), limit) for name, limit in limits.items()]

    def explain(values: Sequence[Any]) -> dict[str, str] | None:
        outliers = {}
        for value, (name, is_fine, limit) in zip(values, tests, strict=True):
            if not is_fine(value):
                rule = _broken_rule(value, limit)
                if rule is not None:
                    outliers[name] = rule
        return outliers or None

    return explain


def _value_test(limits: OutlierLimits) -> Callable[[Any], bool]:
    constants = dict(_CONSTANTS)
    condition = _condition("v", limits, constants)
    lines = [
        "def is_fine(v):",
        "    try:",
        f"        return True if {condition} else False",
        "    except UNCOMPARABLE:",
        "        return False",
    ]
    test: Callable[[Any], bool] = _compiled("is_fine", lines, constants)
    return test


def _broken_rule(value: Any, limits: OutlierLimits) -> str | None:
    """Name the rule that a value breaks, exactly as `Profile.update` counts it.

    A value that raises when it is looked at is of a wrong type.
    """
    try:
        if limits.kind == "categorical":
            column = categorical_column([value], text=limits.text, aliases=limits.aliases)
            counts = outlier_counts(column, limits)
        else:
            counts = outlier_counts(numeric_column([value]), limits)
    except FAULTS:
        return "type"
    return next(iter(counts), None)
