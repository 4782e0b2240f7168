from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import data

if TYPE_CHECKING:
    import pandas as pd


@pytest.mark.parametrize("name", list(data.PHASES))
def test_a_phase_holds_the_flights_that_it_names(flights: pd.DataFrame, name: str) -> None:
    """A phase is a fourth of the first thirty days of its month, in time order."""
    sent = data.phase_flights(flights, name)
    month = flights[(flights["month"] == data.PHASES[name].month) & (flights["day"] <= 30)]
    assert len(sent) == pytest.approx(len(month) / 4, abs=1)
    assert sent.index.isin(month.index).all()
    assert sent["time_hour"].is_monotonic_increasing


def test_no_flight_is_used_twice(flights: pd.DataFrame) -> None:
    """Phases share no flight with each other, nor with the training rows."""
    indexes = [data.training_flights(flights).index]
    indexes += [data.phase_flights(flights, name).index for name in data.PHASES]
    together = sum(len(index) for index in indexes)
    assert len(indexes[0].append(indexes[1:]).unique()) == together


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("calm", set()),
        ("seasonal", set()),
        ("broken pipeline", {"distance", "visib"}),
        ("outliers", {"wind_speed"}),
        ("new relation", {"arrived_late"}),
    ],
)
def test_only_what_is_said_is_changed(flights: pd.DataFrame, name: str, changed: set[str]) -> None:
    """A phase changes the columns that its story names and no other."""
    sent = data.phase_flights(flights, name)
    source = flights.loc[sent.index]
    assert {column for column in sent if not sent[column].equals(source[column])} == changed


def test_the_pipeline_is_broken_as_told(flights: pd.DataFrame) -> None:
    """Distance comes in kilometres, visibility not at all."""
    sent = data.phase_flights(flights, "broken pipeline")
    ratio = sent["distance"] / flights.loc[sent.index, "distance"]
    assert ratio.to_numpy() == pytest.approx(1.609344)
    assert sent["visib"].isna().all()


def test_one_flight_in_ten_carries_the_error_code(flights: pd.DataFrame) -> None:
    """LaGuardia's error code is in 8 to 12 of 100 flights, and nobody else reports it."""
    sent = data.phase_flights(flights, "outliers")
    broken = sent["wind_speed"] == data.SENSOR_ERROR
    assert 0.08 < broken.mean() < 0.12
    assert set(sent.loc[broken, "origin"]) == {"LGA"}


def test_the_relation_changes_and_nothing_else_does(flights: pd.DataFrame) -> None:
    """As many flights are late and as many never arrive, but who leaves early is late."""
    sent = data.phase_flights(flights, "new relation")
    before = flights.loc[sent.index, "arrived_late"]
    counts = [one.value_counts(dropna=False).to_dict() for one in (sent["arrived_late"], before)]
    assert counts[0] == counts[1]
    hour = sent["dep_minute"]
    known = before.notna() & sent["arrived_late"].notna()
    assert hour[known].corr(before[known].astype(float), method="spearman") > 0.1
    assert hour[known].corr(sent["arrived_late"][known].astype(float), method="spearman") < -0.1


def test_training_rows_have_an_answer(flights: pd.DataFrame) -> None:
    """The model is trained on flights of January to March that arrived, in time order."""
    rows = data.training_flights(flights)
    assert set(rows["month"]) == {1, 2, 3}
    assert rows["arrived_late"].dtype == bool
    assert rows["time_hour"].is_monotonic_increasing


def test_weather_is_joined_by_airport_and_hour(flights: pd.DataFrame) -> None:
    """Flights of one airport and hour share their weather, and nearly all have some."""
    assert flights["temp"].isna().mean() < 0.01
    groups = flights.groupby(["origin", "time_hour"])["temp"]
    assert groups.nunique().max() == 1
