"""Seeded tables of watched models whose truth is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

import modelwatch as mw

Table = dict[str, Any]

CLASSES = ("ant", "bee", "cat")


def binary_table(seed: int, rows: int = 4_000, *, shift: float = 0.0) -> Table:
    """Rows of a calibrated classifier whose score depends on `x` alone; its classes are texts."""
    rng = np.random.default_rng(seed)
    x = rng.normal(shift, 1.0, rows)
    score = 1 / (1 + np.exp(-1.5 * x - 0.5))
    truth = rng.random(rows) < score
    return {
        "x": x,
        "idle": rng.normal(size=rows),
        "score": score,
        "predicted": np.where(score > 0.5, "yes", "no").tolist(),
        "label": np.where(truth, "yes", "no").tolist(),
    }


def several_table(seed: int, rows: int = 4_000) -> Table:
    """Rows of a classifier of three classes, with a probability of each."""
    rng = np.random.default_rng(seed)
    logits = 1.5 * rng.normal(size=(rows, 3))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = (logits + rng.gumbel(size=(rows, 3))).argmax(axis=1)
    names = np.array(CLASSES)
    return {
        "x": logits[:, 0],
        **{f"p_{name}": shares[:, at] for at, name in enumerate(CLASSES)},
        "predicted": names[logits.argmax(axis=1)].tolist(),
        "label": names[truth].tolist(),
    }


def regression_table(seed: int, rows: int = 4_000, *, shift: float = 0.0) -> Table:
    """Rows of a regression whose errors grow with the input `w`."""
    rng = np.random.default_rng(seed)
    x, w = rng.normal(size=rows), rng.normal(shift, 1.0, rows)
    return {
        "x": x,
        "w": w,
        "predicted": 3 * x + 100,
        "label": 3 * x + 100 + rng.normal(size=rows) * np.exp(0.4 * w),
    }


def fitted(table: Table, **roles: Any) -> mw.Baseline:
    """Fit a baseline on a table with predictions and labels, as far as it has them."""
    named = {"prediction": "predicted", "label": "label"}
    found = {role: column for role, column in named.items() if column in table}
    return mw.Baseline.fit(table, model="m", version="1", **(found | roles))


def without(table: Table, *names: str) -> Table:
    """Return a table without some columns."""
    return {name: values for name, values in table.items() if name not in names}


def is_yes(table: Table, column: str) -> npt.NDArray[np.bool_]:
    """Tell which rows of a column are "yes"."""
    return np.array([value == "yes" for value in table[column]])
