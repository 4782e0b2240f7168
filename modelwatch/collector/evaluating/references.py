"""What a window may be compared with: the baseline, or another live window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from modelwatch.collector.windows import NANOSECONDS, TimeWindow
from modelwatch.errors import ConfigurationError

__all__ = ["BASELINE", "Against", "parse_reference"]

WEEK_NS = 7 * 86_400 * NANOSECONDS

VERSION = "version:"


@dataclass(frozen=True, kw_only=True)
class Against:
    """What a window is compared with.

    Attributes:
        kind: the baseline; the window of the same length right before; the same time a week ago;
            or the same window of another version of the model.
        version: that other version, empty for the others.
    """

    kind: Literal["baseline", "previous", "last_week", "version"] = "baseline"
    version: str = ""

    def window(self, window: TimeWindow) -> TimeWindow:
        """Return which window this one is compared with."""
        if self.kind == "previous":
            return _back(window, window.end_ns - window.start_ns)
        return _back(window, WEEK_NS) if self.kind == "last_week" else window

    def __str__(self) -> str:
        return f"{VERSION}{self.version}" if self.kind == "version" else self.kind


BASELINE = Against()


def parse_reference(text: str) -> Against:
    """Read what `str` of an `Against` gives.

    Raises:
        ConfigurationError: where the text is anything else.

    >>> parse_reference("version:2"), str(parse_reference("last_week"))
    (Against(kind='version', version='2'), 'last_week')
    """
    if text.startswith(VERSION) and len(text) > len(VERSION):
        return Against(kind="version", version=text.removeprefix(VERSION))
    match text:
        case "baseline" | "previous" | "last_week":
            return Against(kind=text)
    raise ConfigurationError(
        f"reference is {text!r}: give baseline, previous (the window before), last_week (the same "
        "time a week ago) or version: and the name of another version, such as version:2."
    )


def _back(window: TimeWindow, duration_ns: int) -> TimeWindow:
    return TimeWindow(window.start_ns - duration_ns, window.end_ns - duration_ns)
