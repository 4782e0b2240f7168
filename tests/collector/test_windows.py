from __future__ import annotations

import pytest

from modelwatch.collector.windows import TimeWindow, format_window, parse_end, parse_window
from modelwatch.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("15m", 900), ("1h", 3_600), ("7d", 604_800)]
)
def test_reads_lengths(text: str, seconds: int) -> None:
    """A length is a number and a unit, and is written back as it was read."""
    assert parse_window(text) == seconds
    assert format_window(seconds) == text


@pytest.mark.parametrize(
    "text", ["", "1", "h", "0s", "-1h", "1.5h", "1w", "367d", "1h1m", "9" * 40]
)
def test_refuses_other_lengths(text: str) -> None:
    """A length that cannot be read is refused with an example of one that can."""
    with pytest.raises(ConfigurationError, match="15m"):
        parse_window(text)


def test_reads_times() -> None:
    """A time is Unix seconds or ISO 8601, in UTC where it names no zone."""
    assert parse_end("1700000000") == 1_700_000_000 * 10**9
    assert parse_end("2023-11-14T22:13:20Z") == 1_700_000_000 * 10**9
    assert parse_end("2023-11-14T22:13:20") == 1_700_000_000 * 10**9
    assert parse_end("2023-11-14T23:13:20+01:00") == 1_700_000_000 * 10**9


@pytest.mark.parametrize(
    "text", ["", "yesterday", "-5", "1e400", "nan", "9999-01-01", "99999999999"]
)
def test_refuses_other_times(text: str) -> None:
    """A time that cannot be read, or lies beyond what can be stored, is refused."""
    with pytest.raises(ConfigurationError, match="ISO 8601"):
        parse_end(text)


def test_grid_windows_touch() -> None:
    """Windows of the grid neither overlap nor leave a gap."""
    first, second = (TimeWindow.aligned(n, seconds=90) for n in (7, 8))
    assert first.end_ns == second.start_ns
    assert first.seconds == 90
