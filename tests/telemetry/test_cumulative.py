from __future__ import annotations

import pytest

import modelwatch as mw
from modelwatch.telemetry.cumulative import MOST_SERIES, CumulativeProfiles
from tests.telemetry.windows import Windows


def taken(totals: CumulativeProfiles) -> list[mw.Profile]:
    """Take all that changed."""
    found = []
    while totals.is_changed:
        found.append(totals.take()[1])
    return found


def test_counts_only_rise_and_the_start_stays() -> None:
    """A counter of a backend must never go back, whatever a clock does."""
    totals, windows = CumulativeProfiles(), Windows()
    first, second, third = (windows.next(rows=rows) for rows in (1, 2, 3))
    totals.add(second)
    totals.add(first)  # the clock jumped back
    totals.add(third)
    (total,) = taken(totals)
    assert (total.rows, total.start_ns) == (6, second.start_ns)
    assert total.end_ns > max(first.end_ns, second.end_ns)


def test_times_rise_where_the_clock_went_back() -> None:
    """Two sums never bear the same time."""
    totals, windows = CumulativeProfiles(), Windows()
    early, late = windows.next(), windows.next()
    totals.add(late)
    ends = [taken(totals)[0].end_ns]
    totals.add(early)
    ends.append(taken(totals)[0].end_ns)
    assert ends[0] < ends[1]


def test_another_baseline_begins_anew() -> None:
    """The old sum is told to its end; going back to it begins with nothing."""
    totals, windows = CumulativeProfiles(), Windows()
    for baseline_id in ("a", "a", "b"):
        totals.add(windows.next(baseline_id=baseline_id))
    assert [(total.baseline_id, total.rows) for total in taken(totals)] == [("a", 2), ("b", 1)]
    totals.add(windows.next(baseline_id="b"))
    assert [(total.baseline_id, total.rows) for total in taken(totals)] == [("b", 2)]
    totals.add(windows.next(baseline_id="a"))
    assert [(total.baseline_id, total.rows) for total in taken(totals)] == [("a", 1)]


def test_segments_are_apart() -> None:
    """Each part of the traffic has a sum of its own."""
    totals, windows = CumulativeProfiles(), Windows()
    for segment in (None, "x", None, "y"):
        profile = windows.next()
        profile.segment = segment
        totals.add(profile)
    found = {total.segment: total.rows for total in taken(totals)}
    assert found == {None: 2, "x": 1, "y": 1}


def test_a_feature_that_changes_its_kind_begins_anew() -> None:
    """What cannot be added does not stop the sum."""
    totals, windows = CumulativeProfiles(), Windows()
    totals.add(windows.next())
    other = mw.Profile.empty("m", "1", start_ns=9)
    other.update({"a": ["text"]})
    totals.add(other)
    (total,) = taken(totals)
    assert (total.rows, total.start_ns) == (1, 9)


def test_what_did_not_arrive_is_taken_again() -> None:
    """untake makes a sum one that changed."""
    totals = CumulativeProfiles()
    totals.add(Windows().next())
    key, _ = totals.take()
    totals.untake(key)
    assert len(taken(totals)) == 1
    with pytest.raises(KeyError):
        totals.take()


def test_sums_are_bounded_and_what_is_lost_is_told() -> None:
    """Baselines that change through a long outage keep no more than so many sums."""
    totals, windows = CumulativeProfiles(), Windows()
    lost = [
        totals.add(windows.next(rows=2, baseline_id=str(number)))
        for number in range(MOST_SERIES + 10)
    ]
    assert sum(lost) == 20
    assert len(taken(totals)) == MOST_SERIES
