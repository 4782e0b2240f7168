"""Direct loss estimation: a regression's errors without labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from modelwatch import document
from modelwatch.document import Body
from modelwatch.errors import ConfigurationError, DataError, FormatError
from modelwatch.performance.intervals import (
    Estimate,
    check_design_effect,
    log_interval,
)
from modelwatch.performance.quadratic_moments import (
    QuadraticMoments,
    quadratic_terms,
    standardised,
)
from modelwatch.performance.ridge import PARTS, Products, cross_validated

__all__ = ["MAX_FEATURES", "LossModel", "estimate_regression", "fit_loss_model"]

FloatArray = npt.NDArray[np.float64]

MAX_FEATURES = 20
"""Features of the quadratic, which has 231 terms then; of more, those nearest to the loss."""

MAX_FIT_ROWS = 50_000
"""Rows that the quadratic is fitted on; of more, evenly spaced ones."""

FEWEST_ROWS = 50


@dataclass(frozen=True, eq=False)
class LossModel:
    """Expected |error| and error^2 as quadratics in standardised features.

    Memory: 8 * 22 * (1 + d(d + 3)/2) bytes: 41 kB for 20 features.

    Attributes:
        names: the d features that it reads.
        centre: their means on the fit rows, shape (d,).
        scale: their standard deviations, shape (d,); 0 where constant.
        coefficients: of `quadratic_terms`, for |error| and error^2, shape (2, terms).
        replicates: the same without each tenth of the rows, shape (10, 2, terms).
        noise: variance of each loss about the model, relative to its squared mean, shape (2,).
    """

    names: tuple[str, ...]
    centre: FloatArray
    scale: FloatArray
    coefficients: FloatArray
    replicates: FloatArray
    noise: FloatArray

    def empty_moments(self) -> QuadraticMoments:
        """Return moments of no rows, of what this model needs."""
        return QuadraticMoments(self.names, self.centre, self.scale)

    def predict(self, features: FloatArray) -> FloatArray:
        """Return the expected |error| and error^2 of each row, shape (n, 2).

        Args:
            features: columns in the order of `names`, shape (n, d); NaN where missing.
        """
        z = standardised(np.asarray(features, np.float64), self.centre, self.scale)
        return np.asarray(quadratic_terms(z) @ self.coefficients.T, dtype=np.float64)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "names": list(self.names),
            "centre": self.centre.tolist(),
            "scale": self.scale.tolist(),
            "coefficients": self.coefficients.ravel().tolist(),
            "replicates": self.replicates.ravel().tolist(),
            "noise": self.noise.tolist(),
        }

    @classmethod
    def from_dict(cls, body: Body) -> LossModel:
        """Read what `to_dict` made.

        Raises:
            FormatError: where a field is absent, of a wrong type, or contradicts another.
        """
        names = tuple(document.texts(body, "names"))
        size, terms = len(names), 1 + len(names) * (len(names) + 3) // 2
        sizes = {
            "centre": size,
            "scale": size,
            "coefficients": 2 * terms,
            "replicates": PARTS * 2 * terms,
            "noise": 2,
        }
        found = {name: document.numbers(body, name) for name in sizes}
        for name, expected in sizes.items():
            if found[name].size != expected:
                document.refuse(body, name, f"{expected} numbers")
        if np.any(found["scale"] < 0) or np.any(found["noise"] < 0):
            raise FormatError("scale or noise of its loss model is below 0")
        return cls(
            names,
            found["centre"],
            found["scale"],
            found["coefficients"].reshape(2, terms),
            found["replicates"].reshape(PARTS, 2, terms),
            found["noise"],
        )


def fit_loss_model(
    features: FloatArray, errors: FloatArray, names: Sequence[str] | None = None
) -> LossModel:
    """Learn how large a regression's errors are, from the features.

    Ridge regression of |error| and of error^2 on a quadratic in the features, which are
    standardised, clipped at 5 standard deviations, and put at their mean where missing. The penalty
    of each is the one that predicts best across ten contiguous parts of the rows, each left out in
    turn; so rows should come in time order. The ten fits also tell how sure the model is. Fitted on
    at most 50,000 evenly spaced rows and 20 features, those whose value or square correlates
    most with |error|: about a second for so many.

    Args:
        features: shape (n, d), d of 1 or more; NaN and infinite values are missing.
        errors: prediction - label, shape (n,), of rows that the watched model was not trained on;
            rows with NaN or infinity are passed over.
        names: of the features, all different; their positions as text where None.

    Raises:
        ConfigurationError: where shapes do not fit.
        DataError: where fewer than 50 rows are left, or no feature varies.

    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(5_000, 1))
    >>> model = fit_loss_model(x, rng.normal(size=5_000) * (1 + 0.5 * x[:, 0]), ["x"])
    >>> moments = model.empty_moments()
    >>> moments.update(rng.normal(1.0, 1.0, size=(5_000, 1)))
    >>> found = estimate_regression(moments, model)["rmse"]
    >>> round(found.value, 1), found.lower < 2.5**0.5 < found.upper
    (1.5, True)
    """
    rows, losses, columns = _usable(features, errors, names)
    centre, scale = _standards(rows)
    if not scale.any():
        raise DataError(f"none of {len(columns)} features varies: the loss cannot depend on them.")
    chosen = _nearest(standardised(rows, centre, scale), losses[:, 0])
    centre, scale = centre[chosen], scale[chosen]
    z = standardised(rows[:, chosen], centre, scale)
    parts = [
        Products.of(*part)
        for part in zip(np.array_split(z, PARTS), np.array_split(losses, PARTS), strict=True)
    ]
    replicates, best = cross_validated(parts)
    total = Products.sum(parts)
    coefficients = total.solve()[best, :, [0, 1]]
    means = total.with_terms[0] / total.rows
    residuals = total.squared_errors(coefficients) / total.rows
    noise = residuals / np.maximum(means**2, np.finfo(np.float64).tiny)
    named = tuple(columns[at] for at in chosen)
    return LossModel(named, centre, scale, coefficients, replicates, noise)


def estimate_regression(
    moments: QuadraticMoments, model: LossModel, *, design_effect: float = 1.0
) -> dict[str, Estimate]:
    """Return the mae, mse and rmse that the inputs promise, with 95% bands.

    The mean prediction of a model that is linear in its terms is that at their means. The band is
    where the metric that the rows' labels will yield should lie, symmetric in its logarithm: the
    variance of the rows' losses about the model, in proportion to the squared estimate and times
    `design_effect`, and that of the model (grouped jackknife over tenths of the baseline). See
    `DLE_CONDITIONS`. An estimate that is not above 0, as far from the baseline, is left out; so are
    all where the mean squared error is below the square of the mean absolute one.

    Args:
        moments: of one row or more.
        model: the one whose `empty_moments` they began as.
        design_effect: variance of these rows' mean loss relative to independent rows'; above 0.

    Raises:
        DataError: where there is no row.
        ProfileMismatch: where the moments were made for another model.
        ConfigurationError: where `design_effect` is no positive number.
    """
    check_design_effect(design_effect)
    model.empty_moments().merge(moments)
    if not moments.rows:
        raise DataError("no row to estimate the errors of: the window is empty.")
    terms = moments.mean_terms
    values = model.coefficients @ terms
    again = model.replicates @ terms
    jackknife = (PARTS - 1) / PARTS * np.square(again - again.mean(axis=0)).sum(axis=0)
    variances = model.noise * values**2 / moments.rows * design_effect + jackknife
    found: dict[str, Estimate] = {}
    for name, value, variance in zip(("mae", "mse"), values, variances, strict=True):
        if value > 0:
            interval = log_interval(float(value), math.sqrt(variance))
            found[name] = Estimate.of(value, interval, moments.rows)
    if {"mae", "mse"} <= found.keys() and found["mse"].value < found["mae"].value ** 2:
        return {}  # no errors have such means: the inputs are too far from the baseline's
    if "mse" in found:
        mse = found["mse"]
        interval = math.sqrt(mse.lower), math.sqrt(mse.upper)
        found["rmse"] = Estimate.of(math.sqrt(mse.value), interval, moments.rows)
    return {name: one for name, one in found.items() if one.is_finite}


def _usable(
    features: FloatArray, errors: FloatArray, names: Sequence[str] | None
) -> tuple[FloatArray, FloatArray, tuple[str, ...]]:
    rows, error = np.asarray(features, np.float64), np.asarray(errors, np.float64)
    if rows.ndim != 2 or not rows.shape[1] or error.shape != rows.shape[:1]:
        raise ConfigurationError(
            f"features have shape {rows.shape} and errors {error.shape}: give (n, d) and (n,)."
        )
    columns = tuple(map(str, range(rows.shape[1]))) if names is None else tuple(names)
    if len(set(columns)) != rows.shape[1]:
        raise ConfigurationError(f"names are {columns}: give {rows.shape[1]} different ones.")
    known = np.flatnonzero(np.isfinite(error))
    if known.size < FEWEST_ROWS:
        raise DataError(
            f"{known.size} of {error.size} rows have an error: a loss model needs {FEWEST_ROWS}."
        )
    if known.size > MAX_FIT_ROWS:
        known = known[np.arange(MAX_FIT_ROWS) * known.size // MAX_FIT_ROWS]
    size = np.abs(error[known])
    return rows[known], np.column_stack([size, np.square(size)]), columns


def _standards(rows: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return mean and standard deviation of each column's finite values; 0 where there are none."""
    known = np.isfinite(rows)
    count = np.maximum(known.sum(axis=0), 1)
    centre = np.where(known, rows, 0.0).sum(axis=0) / count
    offsets = np.where(known, rows - centre, 0.0)
    scale = np.sqrt(np.square(offsets).sum(axis=0) / count)
    varies = scale > np.finfo(np.float64).eps * np.abs(centre)
    return centre, np.where(varies, scale, 0.0)


def _nearest(z: FloatArray, loss: FloatArray) -> list[int]:
    """Return the features of the quadratic, in their order."""
    if z.shape[1] <= MAX_FEATURES:
        return list(range(z.shape[1]))
    centred = loss - loss.mean()
    strength = np.zeros(z.shape[1])
    for term in (z, np.square(z)):
        offsets = term - term.mean(axis=0)
        size = np.sqrt(np.square(offsets).sum(axis=0))
        found = np.abs(centred @ offsets) / np.where(size > 0, size, np.inf)
        strength = np.maximum(strength, found)
    return sorted(np.argsort(-strength, kind="stable")[:MAX_FEATURES].tolist())
