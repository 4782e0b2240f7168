from __future__ import annotations

from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost

from tests.integrations.modelwatch_estimators.conftest import Captured

Rows = pd.DataFrame
Truth = Any


@pytest.mark.parametrize(
    "model",
    [
        xgboost.XGBClassifier(n_estimators=3, n_jobs=1),
        lightgbm.LGBMClassifier(n_estimators=3, n_jobs=1, verbose=-1),
    ],
    ids=lambda model: type(model).__name__,
)
def test_each_call_is_one_prediction(
    captured: Captured, rows: Rows, truth: Truth, model: Any
) -> None:
    """An estimator asks its booster for an answer: that is one prediction."""
    model.fit(rows, truth)
    assert captured.calls() == 0
    answers, chances = model.predict(rows), model.predict_proba(rows[:5])
    assert (len(answers), chances.shape) == (60, (5, 2))
    profile = captured.profile()
    assert (profile.predictions, profile.rows) == ({"": 2}, 65)
    assert set(profile.features) == {"age", "income", "prediction", "score"}


def test_a_booster_of_xgboost(captured: Captured, rows: Rows, truth: Truth) -> None:
    """A DMatrix is read by its own names, with its missing values; explanations do not count."""
    rows.loc[:9, "income"] = np.nan
    matrix = xgboost.DMatrix(rows, truth)
    parameters = {"objective": "binary:logistic", "nthread": 1}
    booster = xgboost.train(parameters, matrix, 3, evals=[(matrix, "a")], verbose_eval=False)
    assert captured.calls() == 0
    booster.predict(matrix)
    booster.inplace_predict(rows.to_numpy())
    booster.predict(matrix, pred_contribs=True)
    profile = captured.profile()
    assert (profile.predictions, profile.rows) == ({"": 2}, 120)
    assert set(profile.features) == {"age", "income", "prediction"}
    assert sum(profile.features["income"].missing.values()) == 20


def test_a_booster_of_lightgbm(captured: Captured, rows: Rows, truth: Truth) -> None:
    """An array is read by the names that the booster was trained on."""
    data = lightgbm.Dataset(rows, truth)
    parameters = {"objective": "binary", "num_threads": 1, "verbose": -1}
    booster = lightgbm.train(parameters, data, 3)
    booster.predict(rows)
    booster.predict(rows.to_numpy())
    booster.predict(rows, pred_leaf=True)
    profile = captured.profile()
    assert (profile.predictions, profile.rows) == ({"": 2}, 120)
    assert set(profile.features) == {"age", "income", "prediction"}
