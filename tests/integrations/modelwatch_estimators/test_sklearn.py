from __future__ import annotations

import copy
import inspect
import pickle
from typing import Any

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier, StackingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import modelwatch as mw
from modelwatch_estimators.instrumentor import EstimatorInstrumentor
from tests.integrations.modelwatch_estimators.conftest import Captured

Rows = pd.DataFrame
Truth = Any


def classifiers() -> list[Any]:
    """Return classifiers that ask others, in every way that scikit-learn has."""
    logistic = LogisticRegression()
    return [
        logistic,
        make_pipeline(StandardScaler(), logistic),
        RandomForestClassifier(5, random_state=1),
        RandomForestClassifier(5, n_jobs=2, random_state=1),
        GridSearchCV(make_pipeline(StandardScaler(), logistic), {}, cv=2),
        StackingClassifier([("a", logistic), ("b", RandomForestClassifier(3))], cv=2),
    ]


@pytest.mark.parametrize("model", classifiers(), ids=lambda model: type(model).__name__)
def test_each_call_is_one_prediction(
    captured: Captured, rows: Rows, truth: Truth, model: Any
) -> None:
    """However many estimators, steps and trees are asked for one answer, it is counted once."""
    model.fit(rows, truth)
    model.score(rows, truth)
    assert captured.calls() == 0
    model.predict(rows[:7])
    profile = captured.profile()
    assert (profile.predictions, profile.rows) == ({"": 1}, 7)
    assert set(profile.features) == {"age", "income", "prediction"}
    model.predict_proba(rows[:5])
    profile = captured.profile()
    assert (profile.predictions, profile.rows) == ({"": 1}, 5)
    assert set(profile.features) == {"age", "income", "score"}


def test_parts_in_other_processes(captured: Captured, rows: Rows) -> None:
    """What joblib's processes predict for an estimator is part of the estimator's prediction."""
    model = MultiOutputRegressor(LinearRegression(), n_jobs=2).fit(rows, rows)
    model.predict(rows)
    assert captured.calls() == 1


def test_answers_are_the_estimators_own(environment: Any, rows: Rows, truth: Truth) -> None:
    """Watched or not, the answers, the errors and the attributes are the same."""
    model = RandomForestClassifier(5, random_state=1).fit(rows, truth)
    linear, certain = SVC(probability=False), LogisticRegression()
    expected = model.predict(rows), model.predict_proba(rows)
    own = RandomForestClassifier.predict
    instrumentor: Any = EstimatorInstrumentor()
    instrumentor.instrument()
    try:
        found = model.predict(rows), model.predict_proba(rows)
        assert RandomForestClassifier.predict is not own
        assert inspect.signature(model.predict) == inspect.signature(own.__get__(model))
        assert not hasattr(linear, "predict_proba")
        with pytest.raises(NotFittedError):
            certain.predict(rows)
    finally:
        instrumentor.uninstrument()
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(found[1], expected[1])
    assert RandomForestClassifier.predict is own


def test_failures_are_counted(captured: Captured, rows: Rows, truth: Truth) -> None:
    """A call that raises is counted by the type of its error, and raises as before."""
    with pytest.raises(NotFittedError):
        LogisticRegression().predict(rows)
    with pytest.raises(ValueError, match="features"):
        LogisticRegression().fit(rows, truth).predict(np.zeros((2, 5)))
    assert captured.profile().predictions == {"NotFittedError": 1, "ValueError": 1}


def test_arrays_have_the_names_of_training(captured: Captured, rows: Rows, truth: Truth) -> None:
    """An array is read by the names that the estimator was fitted on."""
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, truth)
    model.predict(rows.to_numpy())
    model.predict(rows.to_numpy()[:1].tolist())
    profile = captured.profile()
    assert profile.rows == 61
    assert set(profile.features) == {"age", "income", "prediction"}


def test_arrays_without_names_have_those_of_the_baseline(
    use_baseline: Any, captured: Captured, rows: Rows, truth: Truth
) -> None:
    """Where the estimator knows no names, the baseline's inputs are taken in their order."""
    use_baseline(rows)
    model = LogisticRegression().fit(rows.to_numpy(), truth)
    model.predict(rows.to_numpy())
    profile = captured.profile()
    assert profile.rows == 60
    assert {"age", "income"} <= set(profile.features)


def test_arrays_that_nobody_can_name(
    captured: Captured, rows: Rows, truth: Truth, caplog: pytest.LogCaptureFixture
) -> None:
    """A call whose columns have no names is counted, and the log says what to do."""
    model = LogisticRegression().fit(rows.to_numpy(), truth)
    assert len(model.predict(rows.to_numpy())) == 60
    profile = captured.profile()
    assert (profile.predictions, profile.rows) == ({"": 1}, 0)
    assert profile.dropped["unreadable"] == 1
    assert "set MODELWATCH_BASELINE" in caplog.text


@pytest.mark.parametrize("score", ["chance", {"True": "yes", "False": "no"}])
def test_scores_are_the_baselines(
    use_baseline: Any, captured: Captured, rows: Rows, truth: Truth, score: Any
) -> None:
    """Probabilities are found under the names that the baseline has for them, class by class."""
    model = LogisticRegression().fit(rows, truth)
    chances = model.predict_proba(rows)[:, 1]
    names = ["chance"] if isinstance(score, str) else ["yes", "no"]
    table = {**rows, **dict(zip(names, (chances, 1 - chances), strict=False)), "label": truth}
    use_baseline(table, score=score, prediction="label")
    model.predict_proba(rows)
    watch = mw.watch_from_environment()
    assert watch is not None
    assert watch.baseline is not None
    found = captured.profile()
    wanted = {name: table[name] for name in (*rows, *names)}
    expected = mw.Profile.from_data(wanted, baseline=watch.baseline)
    for name in names:
        moments = found.features[name].moments, expected.features[name].moments
        assert moments[0] is not None
        assert moments[1] is not None
        assert moments[0].mean == pytest.approx(moments[1].mean)


def test_classes_of_the_user(captured: Captured, rows: Rows) -> None:
    """An estimator defined later, or long before, is watched; its own inner calls are not."""

    def predict(self: Any, rows: Rows) -> Any:
        return self.predict_proba(rows).argmax(axis=1)

    def predict_proba(self: Any, rows: Rows) -> Any:
        return np.column_stack([rows["age"] < 40, rows["age"] >= 40]).astype(float)

    methods = {"predict": predict, "predict_proba": predict_proba}
    rule = type("Rule", (ClassifierMixin, BaseEstimator), methods)
    for model in (rule(), copy.deepcopy(rule()), cloudpickle.loads(cloudpickle.dumps(rule()))):
        model.predict(rows)
    assert captured.calls() == 3


def test_models_and_methods_are_pickled_as_before(
    captured: Captured, rows: Rows, truth: Truth
) -> None:
    """A model, and a bound method of one, goes through pickle, and comes back watched."""
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, truth)
    pickle.loads(pickle.dumps(model)).predict(rows)
    pickle.loads(pickle.dumps(model.predict))(rows)
    assert captured.calls() == 2
    other_process = joblib.Parallel(2)(joblib.delayed(model.predict)(rows) for _ in range(2))
    assert [len(answer) for answer in other_process] == [60, 60]


@pytest.mark.parametrize("gate", ["", "false", "yes"])
def test_a_closed_gate(environment: Any, gate: str) -> None:
    """Without MODELWATCH_SERVING=true no class is touched."""
    environment.setenv("MODELWATCH_SERVING", gate)
    before = RandomForestClassifier.predict, BaseEstimator.__init_subclass__.__func__
    instrumentor: Any = EstimatorInstrumentor()
    instrumentor.instrument()
    assert (RandomForestClassifier.predict, BaseEstimator.__init_subclass__.__func__) == before
    instrumentor.uninstrument()


def test_a_model_that_nobody_named(
    environment: Any, rows: Rows, truth: Truth, caplog: pytest.LogCaptureFixture
) -> None:
    """An open gate without a model is logged once, and estimators go on as before."""
    environment.setenv("MODELWATCH_MODEL", "")
    instrumentor: Any = EstimatorInstrumentor()
    instrumentor.instrument()
    model = LogisticRegression().fit(rows, truth)
    assert len(model.predict(rows)) == len(model.predict(rows)) == 60
    instrumentor.uninstrument()
    assert caplog.text.count("nothing is watched: set MODELWATCH_MODEL.") == 1


def test_a_watched_function_around(captured: Captured, rows: Rows, truth: Truth) -> None:
    """A function of the same watch that asks an estimator is one prediction, not two."""
    model = LogisticRegression().fit(rows, truth)
    watch = mw.watch_from_environment()
    assert watch is not None

    @watch
    def predict(table: Rows) -> Any:
        return model.predict(table)

    predict(rows)
    assert captured.calls() == 1
