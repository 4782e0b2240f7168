"""Which windows of a model version must be evaluated. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from modelwatch.collector.storing.store import FilledWindow
from modelwatch.collector.windows import TimeWindow

__all__ = ["choose_windows"]


def choose_windows(
    filled: Iterable[FilledWindow],
    evaluated: Mapping[TimeWindow, int],
    *,
    seconds: int,
    before_ns: int,
) -> list[TimeWindow]:
    """Return the finished windows that must be evaluated, oldest first. Pure.

    A window is due where it holds data and was not yet evaluated, or where data came in after
    its evaluation.

    Args:
        filled: windows of the grid of ``seconds`` that hold data.
        evaluated: windows compared with the current baseline, each with the latest stored profile
            that was taken into account.
        seconds: length of a window.
        before_ns: windows that end later are not finished.

    >>> filled = [FilledWindow(number=n, through_id=7) for n in (1, 2, 3)]
    >>> evaluated = {TimeWindow.aligned(1, seconds=60): 7}
    >>> due = choose_windows(filled, evaluated, seconds=60, before_ns=190_000_000_000)
    >>> [window.start_ns // 10**9 for window in due]
    [120]
    """
    due = []
    for found in filled:
        window = TimeWindow.aligned(found.number, seconds=seconds)
        if window.end_ns <= before_ns and evaluated.get(window, -1) < found.through_id:
            due.append(window)
    return sorted(due, key=lambda window: window.end_ns)
