"""The timeline: features by windows, each cell a severity and its PSI. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from modelwatch.collector.storing.evaluation_summary import EvaluationSummary
from modelwatch.collector.windows import NANOSECONDS, TimeWindow
from modelwatch.report.wording import MARKS, WORDS, number, tone_of

__all__ = ["Cell", "Column", "Timeline", "timeline_of"]

MOST_COLUMNS = 24


@dataclass(frozen=True, kw_only=True)
class Column:
    """One window of the timeline."""

    heading: str
    title: str
    href: str
    shown: bool


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One feature in one window; ``tone`` is "absent" where it was not evaluated."""

    tone: str
    text: str
    title: str
    href: str


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """Columns from old to new, and a row of cells a feature."""

    columns: list[Column]
    rows: list[tuple[str, list[Cell]]]


def timeline_of(
    evaluated: Sequence[tuple[TimeWindow, EvaluationSummary]],
    names: Sequence[str],
    *,
    address: Callable[[TimeWindow], str],
    shown: TimeWindow,
) -> Timeline | None:
    """Return the timeline of the latest windows, or None where none was evaluated.

    Windows without data are columns too, up to `MOST_COLUMNS` in all: a gap is seen as a gap.

    Args:
        evaluated: windows and what they came to, oldest first; of windows that were evaluated
            against several baselines, the last counts.
        names: features in the order of the rows; those of the latest window where empty.
        address: the page of a window.
        shown: the window that the page shows.
    """
    if not evaluated:
        return None
    summaries = dict(evaluated)
    latest_window, latest = evaluated[-1]
    windows = _columns(summaries, latest_window)
    rows = names or latest.ranked()
    return Timeline(
        columns=[_column(window, address, shown=window == shown) for window in windows],
        rows=[
            (name, [_cell(name, summaries.get(window), window, address) for window in windows])
            for name in rows
        ],
    )


def _columns(
    summaries: Mapping[TimeWindow, EvaluationSummary], latest: TimeWindow
) -> list[TimeWindow]:
    """Return the grid that ends with the latest window, from the first one that was evaluated."""
    seconds = latest.seconds
    first_ns = min(window.start_ns for window in summaries)
    back = (latest.end_ns - first_ns) // (seconds * NANOSECONDS)
    return [
        TimeWindow.ending(latest.end_ns - step * seconds * NANOSECONDS, seconds=seconds)
        for step in reversed(range(max(1, min(MOST_COLUMNS, back))))
    ]


def _column(window: TimeWindow, address: Callable[[TimeWindow], str], *, shown: bool) -> Column:
    end = datetime.fromtimestamp(window.end_ns // NANOSECONDS, tz=UTC)
    if window.seconds >= 86_400:
        form = "%d %b"
    else:
        form = "%H:%M" if window.seconds % 60 == 0 else "%H:%M:%S"
    return Column(
        heading=end.strftime(form),
        title=f"window that ended {end:%Y-%m-%d %H:%M:%S} UTC",
        href=address(window),
        shown=shown,
    )


def _cell(
    name: str,
    summary: EvaluationSummary | None,
    window: TimeWindow,
    address: Callable[[TimeWindow], str],
) -> Cell:
    feature = summary.features.get(name) if summary else None
    href = address(window)
    if feature is None:
        return Cell(tone="absent", text="", title="not evaluated: no data", href=href)
    tone = tone_of(feature)
    mark = f"{MARKS[tone]}\u2009" if feature.severity in ("drift", "warning") else ""
    psi = "\u2013" if feature.psi is None else f"{feature.psi:.2f}"
    title = f"{name}: {WORDS[tone]}, PSI {number(feature.psi)}"
    if feature.diagnosis:
        title = f"{title}; {feature.diagnosis}"
    return Cell(tone=tone, text=f"{mark}{psi}", title=title, href=href)
