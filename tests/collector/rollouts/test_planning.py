"""Which suggestions are made, kept and ended."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch.collector.rollouts.made import MadeSuggestion, SuggestionNotice, figures_of
from modelwatch.collector.rollouts.planning import JudgedModel, Plan, plan
from modelwatch.errors import FormatError
from modelwatch.rollout.suggestion import Suggestion, SuggestionKind
from tests.rollout.test_evidence import evidence

IDS = itertools.count()


def suggestion(kind: SuggestionKind, version: str = "4", stable: str | None = "3") -> Suggestion:
    """Return a suggestion with a reason and figures."""
    found = evidence(-0.05, 0.005)
    return Suggestion(
        kind=kind, version=version, stable=stable, reasons=("why",), evidence=(found,)
    )


def retraining(version: str = "3") -> Suggestion:
    """Return a suggestion of a version alone."""
    return Suggestion(kind="retrain", version=version, reasons=("why",))


def step(standing: list[MadeSuggestion], *judged: JudgedModel, now_ns: int = 5) -> Plan:
    """Plan the next step."""
    return plan(standing, judged, now_ns=now_ns, new_id=lambda: f"id-{next(IDS)}")


def holding(kind: SuggestionKind) -> list[MadeSuggestion]:
    """Return one suggestion that holds."""
    found = retraining() if kind == "retrain" else suggestion(kind)
    return [MadeSuggestion.of("m", found, suggestion_id="one", now_ns=1)]


def test_a_suggestion_is_made_once() -> None:
    """What was said and still holds is not said again, whatever its figures are now."""
    judged = JudgedModel(model="m", rollout=suggestion("promote"), retrain={"3": retraining()})
    first = step([], judged)
    assert [one.kind for one in first.made] == ["promote", "retrain"]
    assert step(first.made, judged) == Plan([], [])
    other = JudgedModel(
        model="m",
        rollout=Suggestion(kind="promote", version="4", stable="3", reasons=("other",)),
        retrain={"3": retraining()},
    )
    assert step(first.made, other) == Plan([], [])


def test_keep_watching_is_no_suggestion_and_ends_none() -> None:
    """What was surely so once stays said while the figures move on."""
    watched = JudgedModel(model="m", rollout=suggestion("keep_watching"))
    assert step([], watched) == Plan([], [])
    assert step(holding("promote"), watched) == Plan([], [])


def test_the_contrary_takes_its_place() -> None:
    """A candidate to be promoted that turns out worse is to be rolled back, and that is told."""
    found = step(holding("promote"), JudgedModel(model="m", rollout=suggestion("roll_back")))
    assert [one.kind for one in found.made] == ["roll_back"]
    assert [(one.id, one.ended_ns, one.ended_by) for one in found.ended] == [
        ("one", 5, "the figures say otherwise now")
    ]


@pytest.mark.parametrize(
    ("judged", "reason"),
    [
        ((), "no version of m is live"),
        ((JudgedModel(model="m"),), "4 and 3 are not compared any more"),
        (
            (JudgedModel(model="m", rollout=suggestion("promote", "5", "4")),),
            "4 and 3 are not compared any more",
        ),
        ((JudgedModel(model="other", rollout=suggestion("promote")),), "no version of m is live"),
    ],
)
def test_a_rollout_that_is_over_ends_its_suggestion(
    judged: tuple[JudgedModel, ...], reason: str
) -> None:
    """Once the two are not live together any more, nothing is left to be done."""
    found = step(holding("promote"), *judged)
    assert [one.ended_by for one in found.ended] == [reason]


@pytest.mark.parametrize(
    ("judged", "reason"),
    [
        (JudgedModel(model="m", retrain={"3": None}), "its reasons hold no more"),
        (JudgedModel(model="m", retrain={"4": None}), "3 is not the version that serves"),
    ],
)
def test_retraining_is_suggested_while_its_reasons_hold(judged: JudgedModel, reason: str) -> None:
    """A version that does well again, or serves no more, needs no retraining."""
    assert [one.ended_by for one in step(holding("retrain"), judged).ended] == [reason]


@given(st.lists(st.sampled_from(["promote", "roll_back", "keep_watching", None]), max_size=20))
def test_at_most_one_suggestion_holds_for_a_candidate(kinds: list[SuggestionKind | None]) -> None:
    """However the figures go, two contrary suggestions never hold at a time."""
    standing: list[MadeSuggestion] = []
    for kind in kinds:
        rollout = None if kind is None else suggestion(kind)
        found = step(standing, JudgedModel(model="m", rollout=rollout))
        gone = {one.id for one in found.ended}
        standing = [one for one in standing if one.id not in gone] + found.made
        assert len(standing) <= 1
        if kind in ("promote", "roll_back"):
            assert [one.kind for one in standing] == [kind]


def test_suggestions_round_trip_as_json() -> None:
    """What the store keeps is read back, figures too; damage is told as such."""
    (made,) = holding("roll_back")
    assert MadeSuggestion.from_dict(json.loads(made.to_json())) == made
    notice = SuggestionNotice(suggestion=made, at_ns=7)
    assert SuggestionNotice.from_json(notice.to_json()) == notice
    assert notice.key == "suggestion-one"
    for damaged in ("{}", "no", '{"suggestion":{},"at_ns":1}', '{"suggestion":[],"at_ns":1}'):
        with pytest.raises(FormatError):
            SuggestionNotice.from_json(damaged)


def test_figures_are_those_of_the_evidence() -> None:
    """The gain is that of the candidate; what is not known is null."""
    told = figures_of(evidence(0.02, 0.004, name="mae"))
    assert (told["name"], told["gain"]) == ("mae", pytest.approx(-0.02))
    assert told["gain_lower"] < told["gain"] < told["gain_upper"]
    unknown = figures_of(evidence(0.02, float("inf")))
    assert (unknown["gain_lower"], unknown["standing"]) == (None, "open")
    json.dumps(unknown, allow_nan=False)
