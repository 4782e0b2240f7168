"""A script that trains a model and predicts with it, and knows nothing of modelwatch."""

from __future__ import annotations

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

rows = pd.DataFrame(np.random.default_rng(1).normal(40, 10, (60, 2)), columns=["age", "income"])
model = make_pipeline(StandardScaler(), RandomForestClassifier(5, n_jobs=2, random_state=1))
model.fit(rows, rows["age"] > 40)
model.score(rows, rows["age"] > 40)

model.predict(rows[:10])
model.predict_proba(rows[:20])
model.predict(rows[:1])
in_processes = Parallel(2)(delayed(model.predict)(rows[:30]) for _ in range(2))
print(len(in_processes))
