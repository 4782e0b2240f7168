"""What a tool's script measured of its cost, as it is handed over between environments."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["Cost"]


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What watching a row of 30 features takes of the processor.

    Attributes:
        tool: its name and version.
        microseconds: all CPU of the process, a row.
    """

    tool: str
    microseconds: float

    @classmethod
    def load(cls, path: Path) -> Cost:
        """Read what `save` wrote."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")
