"""What a tool says of the streams, as it is written down in its own environment and read in ours.

Needs the standard library alone.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

__all__ = ["ToolVerdicts"]


@dataclass(kw_only=True)
class ToolVerdicts:
    """The verdicts of one tool.

    Attributes:
        tool: its name and version.
        verdicts: for each kind of verdict and each stream, one list a window of whether each
            column is said to have drifted; one entry a window in a joint stream.
        seconds: for each stream, what the comparison of one window takes.
    """

    tool: str
    verdicts: dict[str, dict[str, list[list[bool]]]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, kind: str, stream: str, windows: list[list[bool]]) -> None:
        """Add the verdicts on one stream."""
        self.verdicts.setdefault(kind, {})[stream] = windows

    def save(self, path: Path) -> None:
        """Write a JSON file."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @staticmethod
    def load(path: Path) -> ToolVerdicts:
        """Read what `save` wrote."""
        return ToolVerdicts(**json.loads(path.read_text(encoding="utf-8")))
