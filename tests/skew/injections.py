"""Served features with one known fault each, on data like that of an online shop.

The faults are made from the data alone, as services make them: nothing here knows the rules that
name them. A window of 15 days is counted from the days, not halved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["FAULTS", "SHARES", "Injected", "injected", "redrawn", "shop", "with_float32"]

USERS, DAYS, BEFORE = 40, 50, 60
SHARES = (1.0, 0.3, 0.05)
Rng = np.random.Generator

CITIES = ["São Paulo", "New York", "Köln", "Málaga", "San José", "Saint-Denis", "Montréal", "Łódź"]
PLANS = ["basic plan", "Pro-Plan", "Family Plan", "student", "Business-XL"]
AMOUNTS = ("balance", "spend", "price", "distance", "temperature", "score", "refunds")
COUNTS = ("age", "orders_30d", "clicks_30d", "items")


@dataclass(frozen=True)
class Injected:
    """One fault in one column.

    Attributes:
        kind: which.
        column: the feature that has it.
        served: the service's rows, in their own order.
        recomputed: the training pipeline's rows.
        changed: the rows that the fault was meant for.
        has_history: whether entity and time are told to the audit.
    """

    kind: str
    column: str
    served: pd.DataFrame
    recomputed: pd.DataFrame
    changed: int
    has_history: bool


def windows(daily: np.ndarray, days: int) -> np.ndarray:
    """Return sums over the last days, of the days shown, shape (USERS * DAYS,)."""
    total = np.cumsum(np.pad(daily, ((0, 0), (1, 0))), axis=1)
    ends = np.arange(BEFORE, BEFORE + DAYS)
    return np.asarray(total[:, ends + 1] - total[:, ends + 1 - days]).reshape(-1)


class Shop:
    """Rows of users and days, and the events that windows are counted from."""

    def __init__(self, rng: Rng) -> None:
        shape = (USERS, BEFORE + DAYS)
        rate = rng.lognormal(0.0, 0.7, (USERS, 1))
        self.orders = rng.poisson(rate * 1.5, shape).astype(float)
        self.clicks = rng.poisson(rate * 9, shape).astype(float)
        self.spent = np.where(rng.random(shape) < 0.7, rng.lognormal(3, 1, shape), 0.0)
        n = USERS * DAYS
        user = np.repeat(np.arange(USERS), DAYS)
        day = np.tile(np.arange(DAYS), USERS)
        start = pd.Timestamp("2024-02-20T06:00:00")
        steps = rng.normal(0, 25, (USERS, DAYS)).cumsum(axis=1).reshape(-1)
        self.frame = pd.DataFrame(
            {
                "id": rng.permutation(10 * n)[:n],
                "user": [f"u{number}" for number in user],
                "at": start + pd.to_timedelta(day, unit="D"),
                "balance": np.round(steps + rng.normal(100, 300, USERS)[user], 2),
                "spend": windows(self.spent, 30),
                "price": np.round(rng.lognormal(3, 1.2, n), 2),
                "distance": rng.gamma(2.0, 40.0, n),
                "temperature": rng.normal(14, 9, n),
                "score": rng.beta(2, 5, n),
                "refunds": np.where(rng.random(n) < 0.6, 0.0, rng.exponential(20, n)),
                "age": rng.integers(18, 90, n),
                "orders_30d": windows(self.orders, 30).astype(int),
                "clicks_30d": windows(self.clicks, 30).astype(int),
                "items": rng.poisson(2.5, n),
                "hour": rng.integers(0, 24, n),
                "city": rng.choice(CITIES, n, p=[0.3, 0.2, 0.15, 0.1, 0.1, 0.05, 0.05, 0.05]),
                "plan": rng.choice(PLANS, n),
                "is_new": rng.random(n) < 0.3,
                "seen_at": start + pd.to_timedelta(rng.integers(0, 86_400 * 90, n), unit="s"),
            }
        )


def shop(rng: Rng) -> pd.DataFrame:
    """Return the rows of a shop."""
    return Shop(rng).frame


def with_float32(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows as a service has them that computes in float32."""
    return frame.assign(
        **{name: frame[name].astype("float32") for name in AMOUNTS if frame[name].dtype == float}
    )


Fault = Callable[[Rng, Shop], tuple[str, Any]]


def _pick(rng: Rng, names: tuple[str, ...]) -> str:
    return str(rng.choice(names))


def _factor(rng: Rng, shop: Shop) -> tuple[str, Any]:
    name = _pick(rng, (*AMOUNTS, "clicks_30d", "age"))
    return name, shop.frame[name] * rng.choice([1000, 0.001, 1.609344, 100, 0.01, 60, 0.3048, 2.5])


def _offset(rng: Rng, shop: Shop) -> tuple[str, Any]:
    name = _pick(rng, ("balance", "distance", "temperature", "age", "price"))
    return name, shop.frame[name] + rng.choice([1, -1, 10, 273.15, -100, 0.5])


def _linear(rng: Rng, shop: Shop) -> tuple[str, Any]:
    name = _pick(rng, ("balance", "distance", "temperature", "age", "price"))
    values = shop.frame[name]
    if rng.random() < 0.5:
        return name, (values - values.mean()) / values.std()
    return name, values * 1.8 + 32


def _sign(rng: Rng, shop: Shop) -> tuple[str, Any]:
    name = _pick(rng, ("balance", "temperature", "price", "age"))
    values = shop.frame[name]
    return name, values.abs() if rng.random() < 0.4 and (values < 0).any() else -values


def _rounding(rng: Rng, shop: Shop) -> tuple[str, Any]:
    name = _pick(rng, ("spend", "distance", "temperature", "price"))
    values = shop.frame[name]
    ways: list[Callable[[], Any]] = [
        lambda: values.round(1),
        lambda: values.round(0),
        lambda: values.astype(int),
        lambda: np.floor(values),
        lambda: values.astype("float16").astype(float),
        lambda: values.round(-1),
        lambda: values.map(lambda value: float(f"{value:.2g}")),
    ]
    return name, ways[rng.integers(len(ways))]()


def _clipping(rng: Rng, shop: Shop) -> tuple[str, Any]:
    name = _pick(rng, ("balance", "spend", "distance", "temperature", "age", "clicks_30d"))
    values = shop.frame[name]
    share = rng.choice([0.05, 0.1, 0.25])
    low, high = values.quantile([share, 1 - share])
    lower, upper = [(None, high), (low, None), (low, high)][rng.integers(3)]
    return name, values.clip(lower, upper)


def _default(rng: Rng, shop: Shop) -> tuple[str, Any]:
    name = _pick(rng, (*AMOUNTS, *COUNTS, "city", "plan", "seen_at"))
    values = shop.frame[name]
    if name in ("city", "plan"):
        return name, pd.Series([rng.choice(["unknown", "", "other"])] * len(values))
    if name == "seen_at":
        return name, pd.Series([pd.Timestamp(0)] * len(values))
    value = rng.choice([0.0, -1.0, float(values.mean()), float(values.median()), 9999.0])
    return name, pd.Series([value] * len(values))


def _spelling(rng: Rng, shop: Shop) -> tuple[str, Any]:
    ways: list[tuple[str, Callable[[str], str]]] = [
        ("city", str.upper),
        ("plan", str.lower),
        ("city", lambda text: f" {text} "),
        ("plan", lambda text: text.replace(" ", "_").replace("-", "_")),
        ("city", lambda text: text.translate(str.maketrans("ãöáéó", "aoaeo"))),
        ("plan", lambda text: text.lower().replace(" ", "").replace("-", "")),
        ("city", lambda text: text[:5]),
        ("city", lambda text: text.encode().decode("latin-1")),
    ]
    name, way = ways[rng.integers(len(ways))]
    return name, shop.frame[name].map(way)


def _renaming(rng: Rng, shop: Shop) -> tuple[str, Any]:
    name = _pick(rng, ("city", "plan", "is_new"))
    if name == "is_new":
        return name, ~shop.frame[name]
    names = sorted(set(shop.frame[name]))
    if rng.random() < 0.5:
        return name, shop.frame[name].map(dict(zip(names, np.roll(names, 1), strict=True)))
    return name, shop.frame[name].map({old: f"c{place:02}" for place, old in enumerate(names)})


def _type(rng: Rng, shop: Shop) -> tuple[str, Any]:
    name = _pick(rng, ("price", "age", "is_new", "balance"))
    values = shop.frame[name]
    return name, values.astype(int) if name == "is_new" else values.astype(str).astype(object)


def _swapped(rng: Rng, shop: Shop) -> tuple[str, Any]:
    pairs = [("orders_30d", "clicks_30d"), ("price", "distance"), ("spend", "price")]
    pairs += [("age", "clicks_30d"), ("temperature", "balance")]
    name, other = pairs[rng.integers(len(pairs))]
    return name, shop.frame[other]


def _shifted(rng: Rng, shop: Shop) -> tuple[str, Any]:
    name = _pick(rng, ("price", "distance", "age", "city", "seen_at", "score"))
    return name, shop.frame[name].shift(rng.choice([1, -1])).fillna(shop.frame[name])


def _stale(rng: Rng, shop: Shop) -> tuple[str, Any]:
    name = _pick(rng, ("balance", "spend", "clicks_30d", "temperature"))
    before = shop.frame.groupby("user")[name].shift(int(rng.choice([1, 2, 7])))
    return name, before.fillna(shop.frame[name])


def _zone(rng: Rng, shop: Shop) -> tuple[str, Any]:
    if rng.random() < 0.3:
        return "hour", (shop.frame["hour"] + rng.choice([1, -5, 8])) % 24
    times = shop.frame["seen_at"].dt.tz_localize("UTC")
    zone = rng.choice(["America/New_York", "Europe/Berlin", "Asia/Tokyo", "Asia/Kolkata"])
    return "seen_at", times.dt.tz_convert(zone).dt.tz_localize(None)


def _window(rng: Rng, shop: Shop) -> tuple[str, Any]:
    days = int(rng.choice([15, 10, 7, 60]))
    name = _pick(rng, ("orders_30d", "clicks_30d", "spend"))
    daily = {"orders_30d": shop.orders, "clicks_30d": shop.clicks, "spend": shop.spent}[name]
    counted = windows(daily, days)
    return name, counted if name == "spend" else counted.astype(int)


def _missing(rng: Rng, shop: Shop) -> tuple[str, Any]:
    name = _pick(rng, (*AMOUNTS, "city", "seen_at"))
    return name, pd.Series([None] * len(shop.frame), dtype=object)


FAULTS: Mapping[str, Fault] = {
    "category_renaming": _renaming,
    "category_spelling": _spelling,
    "clipping": _clipping,
    "default_value": _default,
    "factor": _factor,
    "linear": _linear,
    "missing_in_serving": _missing,
    "missing_in_training": _missing,
    "offset": _offset,
    "rounding": _rounding,
    "shifted_rows": _shifted,
    "sign": _sign,
    "stale": _stale,
    "swapped_columns": _swapped,
    "time_window": _window,
    "time_zone": _zone,
    "type": _type,
}


def injected(kind: str, seed: int, share: float) -> Injected:
    """Return rows of which a share has one fault in one column.

    Args:
        kind: a key of `FAULTS`.
        seed: of the data and the fault.
        share: of the rows that have it, in (0, 1].
    """
    rng = np.random.default_rng([seed, *kind.encode()])
    made = Shop(rng)
    column, faulty = FAULTS[kind](rng, made)
    recomputed, chosen = made.frame, rng.random(len(made.frame)) < share
    kept = recomputed[column]
    values = np.where(chosen, np.asarray(faulty, dtype=object), np.asarray(kept, dtype=object))
    served = recomputed.assign(**{column: _typed(values)})
    if kind == "missing_in_training":
        served, recomputed = recomputed, served
    size = len(served)
    order = np.arange(size) if kind == "shifted_rows" else rng.permutation(size)
    served = with_float32(served).iloc[order].reset_index(drop=True)
    has_history = kind == "stale" or (kind != "shifted_rows" and bool(rng.random() < 0.5))
    return Injected(kind, column, served, recomputed, int(chosen.sum()), has_history)


def redrawn(seed: int) -> Iterator[Injected]:
    """Yield rows in which a third of one column's values are others at random: of no kind."""
    rng = np.random.default_rng([seed, 1])
    frame = shop(rng)
    for column in (*AMOUNTS, "clicks_30d", "orders_30d", "age", "city", "seen_at"):
        chosen = rng.random(len(frame)) < rng.choice(SHARES)
        drawn = frame[column].sample(frac=1.0, random_state=int(rng.integers(1 << 31))).to_numpy()
        served = frame.assign(**{column: frame[column].mask(chosen, pd.Series(drawn))})
        yield Injected("other", column, with_float32(served), frame, int(chosen.sum()), True)


def _typed(values: np.ndarray) -> pd.Series:
    """Return values in the type that all of them have, where they do."""
    return pd.Series(list(values)).infer_objects()
