from __future__ import annotations

from modelwatch.collector.showing.traffic import OTHER_ERRORS, WINDOWS_KEPT, TrafficTotals
from tests.collector.showing.reports import profile, window


def totals(most_error_types: int = 5) -> TrafficTotals:
    """Return totals of a few versions."""
    return TrafficTotals(capacity=3, most_error_types=most_error_types)


def test_windows_add_up() -> None:
    """Calls and durations of all windows are summed."""
    counted = totals()
    counted.take("m", "1", window(1), profile({"": 3, "ValueError": 1}, (0.01, 0.2)))
    counted.take("m", "1", window(2), profile({"": 2}, (0.01,)))
    found = counted.all()["m", "1"]
    assert found.predictions == {"": 5, "ValueError": 1}
    assert int(found.durations.sum()) == 3
    assert round(found.duration_seconds, 9) == 0.22


def test_window_judged_again_adds_what_is_new() -> None:
    """Late data counts once, and what was counted before not again."""
    counted = totals()
    for calls in (3, 5, 5):
        counted.take("m", "1", window(1), profile({"": calls}))
    assert counted.all()["m", "1"].predictions == {"": 5}


def test_totals_never_fall() -> None:
    """A window that is judged again on less, as of another baseline, takes nothing away."""
    counted = totals()
    counted.take("m", "1", window(1), profile({"": 5}, (0.1, 0.1)))
    counted.take("m", "1", window(1), profile({"": 2}, (0.1,)))
    found = counted.all()["m", "1"]
    assert (found.predictions[""], int(found.durations.sum())) == (5, 2)


def test_windows_of_an_earlier_process_are_not_counted_again() -> None:
    """Late data of a window that was judged before the restart is left out, not counted twice."""
    counted = totals()
    counted.known_until("m", "1", window(7).end_ns)
    counted.take("m", "1", window(7), profile({"": 100}))
    counted.take("m", "1", window(8), profile({"": 1}))
    assert counted.all()["m", "1"].predictions == {"": 1}


def test_forgotten_windows_are_not_counted_again() -> None:
    """Late data of a window that is no longer known is left out, not counted twice."""
    counted = totals()
    for number in range(WINDOWS_KEPT + 1):
        counted.take("m", "1", window(number), profile({"": 1}))
    counted.take("m", "1", window(0), profile({"": 2}))
    assert counted.all()["m", "1"].predictions == {"": WINDOWS_KEPT + 1}


def test_error_types_are_bounded() -> None:
    """Error types beyond the limit are counted together: no call is lost."""
    counted = totals(most_error_types=2)
    for number in range(10):
        counted.take("m", "1", window(number), profile({f"E{number}": 1, "": 1}))
    assert counted.all()["m", "1"].predictions == {"": 10, "E0": 1, "E1": 1, OTHER_ERRORS: 8}
    assert counted.error_types_left_out == 8


def test_versions_are_bounded() -> None:
    """No more versions are kept than were allowed."""
    counted = totals()
    for version in range(10):
        counted.take("m", str(version), window(1), profile({"": 1}))
    assert sorted(counted.all()) == [("m", "7"), ("m", "8"), ("m", "9")]
