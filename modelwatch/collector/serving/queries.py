"""What a request asks for: which model version, in which window. Shared by API and pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from modelwatch.collector.evaluating.evaluation import Assessment
from modelwatch.collector.evaluating.live_comparison import LiveComparisons
from modelwatch.collector.evaluating.references import BASELINE, Against, parse_reference
from modelwatch.collector.security.principals import may_read
from modelwatch.collector.serving.problems import Problem
from modelwatch.collector.storing.store import VersionSeen, VersionSource
from modelwatch.collector.windows import NANOSECONDS, TimeWindow, parse_end, parse_window
from modelwatch.errors import ConfigurationError

__all__ = [
    "Query",
    "assess_asked",
    "known_models",
    "read_window",
    "require_version",
    "visible_versions",
]

GRAINS_PER_WINDOW = 360
"""A window that ends now ends on the next of this many steps of its length (10 s of an hour), so
that requests shortly after one another ask for the same window, which is computed once."""


MOST_ROWS = 100_000_000
"""More of the latest rows than that are not asked for at once."""


@dataclass(frozen=True, kw_only=True)
class Query:
    """What was asked for.

    Attributes:
        window: the window in time; where rows were asked for, what it would be without them.
        live: whether it follows the clock.
        rows: so many of the latest rows in place of the window; None for the window.
        against: what it is compared with.
    """

    window: TimeWindow
    live: bool
    rows: int | None = None
    against: Against = BASELINE


def read_window(
    window: str | None,
    end: str | None,
    *,
    rows: int | None = None,
    reference: str | None = None,
    default_seconds: int,
    clock: Callable[[], int],
) -> Query:
    """Read the parameters ``window``, ``end``, ``rows`` and ``reference``.

    Args:
        window: such as ``15m``; the default length where None or empty.
        end: Unix seconds or ISO 8601; now where None or empty.
        rows: so many of the latest rows, in place of both.
        reference: what is compared with; the baseline where None or empty.
        default_seconds: the default length.
        clock: Unix nanoseconds.

    Raises:
        Problem: 400 where one of them cannot be read, or two contradict each other.
    """
    if rows is not None and (window or end):
        detail = "rows asks for the latest rows, whenever they came: leave window and end out."
        raise Problem(400, "invalid-window", detail)
    if rows is not None and not 1 <= rows <= MOST_ROWS:
        raise Problem(400, "invalid-window", f"rows is {rows}: give 1 to {MOST_ROWS}.")
    try:
        seconds = parse_window(window) if window else default_seconds
        end_ns = parse_end(end) if end else _soon(clock(), seconds)
    except ConfigurationError as error:
        raise Problem(400, "invalid-window", str(error)) from error
    try:
        against = parse_reference(reference) if reference else BASELINE
    except ConfigurationError as error:
        raise Problem(400, "invalid-reference", str(error)) from error
    asked = TimeWindow.ending(end_ns, seconds=seconds)
    return Query(window=asked, live=not end, rows=rows, against=against)


def assess_asked(
    comparisons: LiveComparisons, source: VersionSource, model: str, version: str, asked: Query
) -> Assessment:
    """Return the assessment of what was asked for. Blocking.

    Raises:
        Problem: 404 where another version that it is to be compared with is unknown.
    """
    if asked.against.version:
        require_version(source, model, asked.against.version)
    if asked.rows is not None:
        return comparisons.assess_rows(model, version, asked.rows, asked.against)
    return comparisons.assess(model, version, asked.window, asked.against)


def _soon(now_ns: int, seconds: int) -> int:
    grain_ns = max(1, seconds // GRAINS_PER_WINDOW) * NANOSECONDS
    return -(-now_ns // grain_ns) * grain_ns


def require_version(source: VersionSource, model: str, version: str) -> VersionSeen:
    """Return a known model version. Blocking.

    Raises:
        Problem: 404, naming the known models, or the known versions of the model.
    """
    seen = visible_versions(source)
    for found in seen:
        if (found.model, found.version) == (model, version):
            return found
    known = known_models(seen)
    if model in known:
        raise Problem(
            404,
            "unknown-version",
            f"model {model!r} has no version {version!r}; it has {', '.join(known[model])}.",
            known_versions=known[model],
        )
    names = ", ".join(known) or "none: nothing was received yet"
    raise Problem(
        404,
        "unknown-model",
        f"there is no model {model!r}. Known models: {names}.",
        known_models=list(known),
    )


def visible_versions(source: VersionSource) -> list[VersionSeen]:
    """Return every model version that may be told to whom this is done for. Blocking."""
    return [seen for seen in source.versions() if may_read(seen.model)]


def known_models(seen: list[VersionSeen]) -> dict[str, list[str]]:
    """Return the versions of each model."""
    known: dict[str, list[str]] = {}
    for found in seen:
        known.setdefault(found.model, []).append(found.version)
    return known
