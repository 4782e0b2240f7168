"""Train the flight delay model, and fit its baseline from the same rows.

    python train.py --folder build

writes ``model.joblib`` and ``baseline.json``. The question is asked at departure
planning: will the flight arrive more than 15 minutes late? The weather of the hour of departure
stands in for its forecast.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder

import modelwatch as mw
from data import CATEGORICAL, FEATURES, load_flights, training_flights

FOLDS = 5


def make_model() -> Pipeline:
    """Return the untrained pipeline: categories to codes, then boosted trees."""
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    return make_pipeline(
        make_column_transformer((codes, list(CATEGORICAL)), remainder="passthrough"),
        HistGradientBoostingClassifier(
            max_iter=60, categorical_features=list(range(len(CATEGORICAL))), random_state=0
        ),
    )


def held_out_scores(flights: pd.DataFrame) -> np.ndarray:
    """Return each flight's probability of being late, by a model that never saw its days.

    Scores of rows a model was trained on are surer than those it gives to new rows, so a baseline
    of them would show drift at once. The folds are blocks of days in time order.

    Args:
        flights: training rows in time order.

    Returns:
        Probabilities, shape (rows,).
    """
    scores = cross_val_predict(
        make_model(),
        flights[list(FEATURES)],
        flights["arrived_late"],
        cv=KFold(FOLDS, shuffle=False),
        method="predict_proba",
    )
    return np.asarray(scores[:, 1])


def fit_baseline(flights: pd.DataFrame, scores: np.ndarray) -> mw.Baseline:
    """Return the baseline: the training rows, with what the model says of rows it has not seen."""
    frame = flights.assign(score=scores, late=scores >= 0.5)
    return mw.Baseline.fit(
        frame[["time_hour", *FEATURES, "late", "score", "arrived_late"]],
        model="flight-delays",
        version="1",
        features=list(FEATURES),
        prediction="late",
        score="score",
        label="arrived_late",
        timestamp="time_hour",
        seasons="none",  # flights are replayed at another hour than that of their departure
    )


def main() -> None:
    """Train, print what came of it, and write the model and its baseline."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("build"), help="where to write")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    flights = training_flights(load_flights())
    scores = held_out_scores(flights)
    area = roc_auc_score(flights["arrived_late"], scores)
    print(
        f"{len(flights):,} flights of January to March, {flights['arrived_late'].mean():.1%} late"
    )
    print(f"area under the ROC curve on held-out days: {area:.3f}")
    model = make_model().fit(flights[list(FEATURES)], flights["arrived_late"])
    joblib.dump(model, folder / "model.joblib")
    baseline = fit_baseline(flights, scores)
    baseline.save(folder / "baseline.json")
    print(f"baseline {baseline.id}: {len(baseline.features)} features and outputs")


if __name__ == "__main__":
    main()
