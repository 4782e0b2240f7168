"""A clock that the soak sets and the collector reads, in a file that both have in memory."""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

__all__ = ["SimulatedClock"]

_TIMES = struct.Struct("<qq")


class SimulatedClock:
    """Two numbers: how much time has gone by, and by how much the system's clock has jumped.

    Args:
        path: the file; it is made where it is absent.
    """

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(_TIMES.size))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _TIMES.size)

    def now_ns(self) -> int:
        """Return Unix nanoseconds, as the system's clock tells them."""
        passed_ns, jumped_ns = _TIMES.unpack_from(self._memory)
        return int(passed_ns + jumped_ns)

    def passed_ns(self) -> int:
        """Return the true time, which never jumps."""
        return int(_TIMES.unpack_from(self._memory)[0])

    def set_ns(self, passed_ns: int) -> None:
        """Let time go by until a moment."""
        _TIMES.pack_into(self._memory, 0, passed_ns, self.now_ns() - self.passed_ns())

    def jump(self, seconds: float) -> None:
        """Set the system's clock by so much."""
        passed_ns, jumped_ns = _TIMES.unpack_from(self._memory)
        _TIMES.pack_into(self._memory, 0, passed_ns, jumped_ns + int(seconds * 10**9))
