"""Faults that are injected into real values, each under the name of its cause."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from tests.benchmarks.diagnosis.real_columns import Column, Study

__all__ = ["inject"]

Rows = np.ndarray[Any, Any]
Fault = Callable[[np.random.Generator, Column, Rows, Rows], Any]
"""Takes a generator, the column, its values now and those of the reference."""

TEMPERATURES = frozenset({"temp", "dewp"})
COUNTS = frozenset({"departures", "carrier_departures", "dest_departures", "route_departures"})
UNITS = (1.609344, 0.3048, 2.54, 0.45359237, 3.6, 1000.0, 0.001, 60.0, 1 / 60, 100.0, 0.01)


def inject(
    rng: np.random.Generator, study: Study, column: Column, window: pd.DataFrame
) -> tuple[str, Any] | None:
    """Return the name of a fault and the faulty values; None where it does not apply."""
    now, before = (frame[column.name].to_numpy() for frame in (window, study.reference))
    if now.dtype == object:
        faults = CATEGORY_FAULTS | ANY_FAULTS
    else:
        now, faults = now.astype(float), NUMERIC_FAULTS | ANY_FAULTS
    special = ["not done"] * (2 * bool(column.form)) + ["half"] * (column.name in COUNTS)
    name = str(rng.choice([*faults, *special, *["temperature"] * (column.name in TEMPERATURES)]))
    if name == "not done":
        cause = {"standard": "lost_normalisation", "log": "log_transform"}[column.form]
        return cause, window[column.raw].to_numpy()
    if name == "half":
        return "shorter_window", window[f"{column.name}_half"].to_numpy()
    if name == "temperature":
        return "temperature_unit", (now - 32) / 1.8 + (273.15 if rng.random() < 0.5 else 0.0)
    values = faults[name](rng, column, now, before)
    return None if values is None else (name, values)


def _scaled(rng: np.random.Generator, column: Column, now: Rows, before: Rows) -> Any:
    free = float(np.exp(rng.choice([-1, 1]) * rng.uniform(np.log(1.4), np.log(5.0))))
    return now * (float(rng.choice(UNITS)) if rng.random() < 0.6 else free)


def _offset(rng: np.random.Generator, column: Column, now: Rows, before: Rows) -> Any:
    return now + rng.choice([-1, 1]) * rng.uniform(1.5, 5.0) * np.nanstd(before)


def _flipped(rng: np.random.Generator, column: Column, now: Rows, before: Rows) -> Any:
    return -now


def _normalised(rng: np.random.Generator, column: Column, now: Rows, before: Rows) -> Any:
    if column.form == "standard":
        return None
    if rng.random() < 0.7:
        return (now - np.nanmean(before)) / np.nanstd(before)
    return (now - np.nanmin(before)) / (np.nanmax(before) - np.nanmin(before))


def _logarithm(rng: np.random.Generator, column: Column, now: Rows, before: Rows) -> Any:
    lowest = min(np.nanmin(now), np.nanmin(before))
    if column.form or lowest < 0:
        return None
    if lowest > 0 and rng.random() < 0.6:
        return (np.log, np.log10)[int(rng.choice(2))](now)
    return np.log1p(now)


def _clipped(rng: np.random.Generator, column: Column, now: Rows, before: Rows) -> Any:
    share = rng.uniform(0.05, 0.3)
    if rng.random() < 0.5:
        return np.minimum(now, np.nanquantile(before, 1 - share))
    return np.maximum(now, np.nanquantile(before, share))


def _rounded(rng: np.random.Generator, column: Column, now: Rows, before: Rows) -> Any:
    """Round to a step of a quarter to one and a half standard deviations."""
    steps = np.array([m * 10.0**k for k in range(-4, 4) for m in (1, 2, 5)])
    spread = np.subtract(*np.nanquantile(before, [0.84, 0.16])) / 2 or np.nanstd(before)
    fitting = steps[(steps >= spread / 4) & (steps <= spread * 1.5)]
    step = float(rng.choice(fitting))
    if np.nanmean(np.isclose(now % step, 0)) > 0.5:
        return None  # they were so before
    return np.round(now / step) * step


def _defaulted(rng: np.random.Generator, column: Column, now: Rows, before: Rows) -> Any:
    if now.dtype == object:
        value: Any = rng.choice(["unknown", "", "N/A", "None"])
    else:
        value = rng.choice(np.array([0.0, -1.0, -999.0, 9999.0, float(np.nanmean(before))]))
    return np.where(rng.random(len(now)) < rng.uniform(0.08, 0.6), value, now)


def _retyped(rng: np.random.Generator, column: Column, now: Rows, before: Rows) -> Any:
    chosen = rng.random(len(now)) < rng.uniform(0.1, 1.2)
    other: Callable[[Any], Any] = (lambda x: len(str(x))) if now.dtype == object else str
    return [other(x) if c else x for x, c in zip(now.tolist(), chosen, strict=True)]


def _missing(rng: np.random.Generator, column: Column, now: Rows, before: Rows) -> Any:
    chosen = rng.random(len(now)) < rng.uniform(0.15, 1.2)
    return [None if c else x for x, c in zip(now.tolist(), chosen, strict=True)]


def _frozen(rng: np.random.Generator, column: Column, now: Rows, before: Rows) -> Any:
    present = before[~pd.isna(before)]
    value = rng.choice(present)
    if np.mean(present == value) > 0.5:
        return None  # such a window is nothing special
    return np.where(rng.random(len(now)) < rng.choice([0.96, 1.1]), value, now)


def _renamed(rng: np.random.Generator, column: Column, now: Rows, before: Rows) -> Any:
    names = pd.unique(now[~pd.isna(now)]).tolist()
    way = rng.integers(6)
    if way == 0:
        new = [name.lower() if name != name.lower() else name.upper() for name in names]
    elif way == 1:
        new = [f"{name} " for name in names]
    elif way == 2:
        new = [f"{column.name}={name}" for name in names]
    elif way == 3:
        new = [str(code) for code in rng.permutation(len(names))]
    elif way == 4:
        shares = pd.Series(now).value_counts(normalize=True)
        chosen = rng.choice(shares.index[shares >= min(0.06, shares.max())])
        new = ["renamed" if name == chosen else name for name in names]
    else:
        new = [str(name) for name in rng.permutation(names)]
    renamed = pd.Series(now).map(dict(zip(names, new, strict=True)))
    return renamed.astype(object).where(renamed.notna(), None).to_numpy()


def _new_names(rng: np.random.Generator, column: Column, now: Rows, before: Rows) -> Any:
    new = np.array(["XX", "YY", "ZZ"], dtype=object)[: rng.integers(1, 4)]
    chosen = rng.random(len(now)) < rng.uniform(0.08, 0.5)
    return np.where(chosen, rng.choice(new, len(now)), now)


NUMERIC_FAULTS: dict[str, Fault] = {
    "scale_change": _scaled,
    "offset": _offset,
    "sign_flip": _flipped,
    "doubled_normalisation": _normalised,
    "log_transform": _logarithm,
    "clipping": _clipped,
    "rounding": _rounded,
    "default_value": _defaulted,
}
CATEGORY_FAULTS: dict[str, Fault] = {
    "renamed_categories": _renamed,
    "new_category": _new_names,
    "default_value": _defaulted,
}
ANY_FAULTS: dict[str, Fault] = {
    "type_change": _retyped,
    "missing_flood": _missing,
    "frozen": _frozen,
}
