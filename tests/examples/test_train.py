from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.metrics import roc_auc_score

import data
import modelwatch as mw
import train

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


def test_the_baseline_holds_every_feature_and_both_outputs(model_folder: Path) -> None:
    """What the service receives and answers is what the baseline describes."""
    baseline = mw.Baseline.load(model_folder / "baseline.json")
    assert set(baseline.inputs) == set(data.FEATURES)
    assert set(baseline.outputs) == {"late", "score"}
    kinds = {name: feature.kind for name, feature in baseline.features.items()}
    assert {name for name, kind in kinds.items() if kind == "categorical"} == {
        *data.CATEGORICAL,
        "late",
    }
    assert kinds["score"] == "probability"


def test_scores_of_the_baseline_are_held_out(training_rows: pd.DataFrame) -> None:
    """A score comes from a model that has not seen the row, so it separates less well."""
    inputs, truth = training_rows[list(data.FEATURES)], training_rows["arrived_late"]
    held_out = train.held_out_scores(training_rows)
    seen = train.make_model().fit(inputs, truth).predict_proba(inputs)[:, 1]
    assert 0.6 < roc_auc_score(truth, held_out) < roc_auc_score(truth, seen) - 0.05
    assert np.all((held_out >= 0) & (held_out <= 1))


def test_an_unknown_category_is_predicted_for(training_rows: pd.DataFrame) -> None:
    """A carrier that training never had gets a prediction, not an error."""
    inputs = training_rows[list(data.FEATURES)]
    model = train.make_model().fit(inputs, training_rows["arrived_late"])
    scores = model.predict_proba(inputs.head(3).assign(carrier="ZZ"))
    assert np.isfinite(scores).all()
