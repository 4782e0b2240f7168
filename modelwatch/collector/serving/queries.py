"""What a request asks for: which model version, in which window. Shared by API and pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from modelwatch.collector.security.principals import may_read
from modelwatch.collector.serving.problems import Problem
from modelwatch.collector.storing.store import VersionSeen, VersionSource
from modelwatch.collector.windows import NANOSECONDS, TimeWindow, parse_end, parse_window
from modelwatch.errors import ConfigurationError

__all__ = ["Query", "known_models", "read_window", "require_version", "visible_versions"]

GRAINS_PER_WINDOW = 360
"""A window that ends now ends on the next of this many steps of its length (10 s of an hour), so
that requests shortly after one another ask for the same window, which is computed once."""


@dataclass(frozen=True, kw_only=True)
class Query:
    """The window that was asked for, and whether it follows the clock."""

    window: TimeWindow
    live: bool


def read_window(
    window: str | None, end: str | None, *, default_seconds: int, clock: Callable[[], int]
) -> Query:
    """Read the parameters ``window`` and ``end``.

    Args:
        window: such as ``15m``; the default length where None or empty.
        end: Unix seconds or ISO 8601; now where None or empty.
        default_seconds: the default length.
        clock: Unix nanoseconds.

    Raises:
        Problem: 400 where one of them cannot be read.
    """
    try:
        seconds = parse_window(window) if window else default_seconds
        end_ns = parse_end(end) if end else _soon(clock(), seconds)
    except ConfigurationError as error:
        raise Problem(400, "invalid-window", str(error)) from error
    return Query(window=TimeWindow.ending(end_ns, seconds=seconds), live=not end)


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
