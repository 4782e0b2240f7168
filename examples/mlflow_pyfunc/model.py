"""An MLflow model, kept as code, whose predict method is watched."""

from __future__ import annotations

import mlflow
import numpy as np
import pandas as pd

import modelwatch as mw

watch = mw.watch_from_environment() or mw.Watch("churn", version="1")


class Churn(mlflow.pyfunc.PythonModel):
    """Says how likely customers are to leave."""

    @watch
    def predict(self, model_input: pd.DataFrame) -> pd.DataFrame:
        """Return the score of each row."""
        strain = model_input["calls"] - model_input["years"]
        return pd.DataFrame({"score": 1 / (1 + np.exp(-strain))})


mlflow.models.set_model(Churn())
