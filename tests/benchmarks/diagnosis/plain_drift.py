"""Windows without a fault: drawn from the reference's time, or drifted as real data does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tests.benchmarks.diagnosis.real_columns import Study

__all__ = ["drifted", "undrifted", "window_of"]

Rows = np.ndarray[Any, Any]
PARTS = 3
MOST_DECIMALS = 5


def window_of(rng: np.random.Generator, pool: pd.DataFrame, size: int) -> pd.DataFrame:
    """Return some rows of a pool in order, at random or in a row."""
    size = min(size, len(pool))
    if rng.random() < 0.5:
        return pool.iloc[np.sort(rng.choice(len(pool), size, replace=False))]
    start = int(rng.integers(len(pool) - size + 1))
    return pool.iloc[start : start + size]


def undrifted(rng: np.random.Generator, study: Study, size: int) -> pd.DataFrame:
    """Return rows drawn at random from the reference's time."""
    chosen = rng.choice(len(study.same), min(size, len(study.same)), replace=False)
    return study.same.iloc[np.sort(chosen)]


def drifted(rng: np.random.Generator, study: Study, size: int) -> pd.DataFrame:
    """Return rows of other months, of some carriers or an airport, weighted, or slowly drifting."""
    way = rng.integers(6)
    if way <= 1 and study.drift is not None:
        return window_of(rng, study.drift, size)
    if way == 2 and "part" in study.same:
        parts = study.same["part"].unique()
        chosen = rng.choice(parts, min(PARTS, len(parts) - 1), replace=False)
        return window_of(rng, study.same[study.same["part"].isin(chosen)], size)
    if way == 3:
        return _weighted(rng, study, window_of(rng, study.same, 4 * size), size)
    return _gradual(rng, study, window_of(rng, study.same, size))


def _weighted(
    rng: np.random.Generator, study: Study, pool: pd.DataFrame, size: int
) -> pd.DataFrame:
    """Return rows that high or low values of one column make likelier."""
    values = pool[rng.choice([column.name for column in study.columns])]
    if values.dtype == object:
        values = values.astype("category").cat.codes
    rank = values.rank(pct=True).fillna(0.5).to_numpy()
    weights = np.exp(rng.choice([-1, 1]) * rng.uniform(1, 3) * rank)
    number = min(size, len(pool) // 2)
    chosen = rng.choice(len(pool), number, replace=False, p=weights / weights.sum())
    return pool.iloc[np.sort(chosen)]


def _gradual(rng: np.random.Generator, study: Study, window: pd.DataFrame) -> pd.DataFrame:
    """Return rows whose numbers drift slowly: in mean by up to a standard deviation, in spread by
    up to a factor of two, or in scale by up to a quarter or a standard deviation.

    They are recorded as finely as before: a drifting temperature still has its decimals.
    """
    window = window.copy()
    begin, end = np.sort(rng.uniform(0, 1, 2)).tolist()
    path = np.linspace(begin, end, len(window))
    for column in study.columns:
        now, before = window[column.name].to_numpy(), study.reference[column.name].to_numpy()
        if now.dtype == object:
            continue
        mean, spread = np.nanmean(before), np.nanstd(before)
        way = rng.integers(3)
        if way == 0:
            moved = now + rng.choice([-1, 1]) * spread * path
        elif way == 1:
            moved = mean + (now - mean) * np.exp(rng.uniform(-0.7, 0.7) * path)
        else:
            largest = min(0.25, spread / abs(mean)) if mean else 0.25
            moved = now * np.exp(rng.uniform(-largest, largest) * path)
        window[column.name] = _recorded(moved, before)
    return window


def _recorded(values: Rows, before: Rows) -> Rows:
    """Return values on the lattice that others lie on, or with as many decimals."""
    distinct = np.unique(before[~np.isnan(before)])
    steps = np.diff(distinct)
    step = float(steps[steps > 1e-6].min(initial=np.inf))
    places = (distinct - distinct[0]) / step
    if np.mean(np.abs(places - np.round(places)) < 1e-3) > 0.99:
        return np.asarray(np.round((values - distinct[0]) / step) * step + distinct[0])
    for decimals in range(MOST_DECIMALS):
        if np.allclose(distinct, np.round(distinct, decimals), rtol=0.0, atol=1e-9):
            return np.round(values, decimals)
    return values
