"""Bytes in parts to whole lines."""

from __future__ import annotations

from typing import Final

from modelwatch.errors import DataError

__all__ = ["MOST_LINE_BYTES", "LineBuffer"]

MOST_LINE_BYTES: Final = 1_048_576

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class LineBuffer:
    r"""Keeps what is no whole line yet. Not thread-safe. Memory: one line of `MOST_LINE_BYTES`.

    >>> lines = LineBuffer()
    >>> lines.cut(b"a\nb"), lines.cut(b"c\n"), lines.cut(b"", is_last=True)
    (b'a\n', b'bc\n', b'')
    """

    def __init__(self) -> None:
        self._rest = b""
        self._is_first = True
        self._lines = 0

    def cut(self, content: bytes, *, is_last: bool = False) -> bytes:
        """Return the lines that a part completes; the last part completes what is left.

        Raises:
            DataError: a line is too long.
        """
        content = self._rest + content
        if self._is_first and len(content) >= len(_BYTE_ORDER_MARK):
            content = content.removeprefix(_BYTE_ORDER_MARK)
            self._is_first = False
        end = len(content) if is_last else content.rfind(b"\n") + 1
        whole, self._rest = content[:end], content[end:]
        self._lines += whole.count(b"\n")
        if len(self._rest) > MOST_LINE_BYTES:
            raise DataError(
                f"line {self._lines + 1} is longer than {MOST_LINE_BYTES} bytes: write one label a "
                "line."
            )
        return whole
