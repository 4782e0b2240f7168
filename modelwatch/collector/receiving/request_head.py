"""What the headers of an export say of its body."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import Scope

from modelwatch.collector.receiving.bodies import ENCODINGS
from modelwatch.collector.receiving.forwarding import FORWARDED
from modelwatch.collector.receiving.rpc_status import JSON, PROTOBUF
from modelwatch.errors import UndecodableTelemetry

__all__ = ["RequestHead", "UnsupportedMedia"]


_FORWARDED = FORWARDED.encode()


class UnsupportedMedia(UndecodableTelemetry):
    """The content type or encoding is not taken."""


@dataclass(slots=True)
class RequestHead:
    """The headers that matter.

    Attributes:
        media_type: of the body, without parameters; empty where it is not told.
        encoding: how it is compressed; identity where it is not.
        length: its bytes as sent, in digits, as far as they are told.
        is_forwarded: whether another collector sent it on.
    """

    media_type: str = ""
    encoding: str = "identity"
    length: str = "0"
    is_forwarded: bool = False

    @classmethod
    def of(cls, scope: Scope) -> RequestHead:
        """Read the headers of a request."""
        head = cls()
        for name, value in scope["headers"]:
            if name == b"content-type":
                head.media_type = value.decode("latin-1").partition(";")[0].strip().lower()
            elif name == b"content-encoding":
                head.encoding = value.decode("latin-1").strip().lower() or "identity"
            elif name == b"content-length":
                head.length = value.decode("latin-1")
            elif name == _FORWARDED:
                head.is_forwarded = True
        return head

    def require_taken(self) -> None:
        """Do nothing where the body is of a type and encoding that are taken.

        Raises:
            UnsupportedMedia: where it is not.
        """
        if self.media_type not in (JSON, PROTOBUF):
            raise UnsupportedMedia(
                f"content type {self.media_type!r} is not taken: send {PROTOBUF} or {JSON}."
            )
        if self.encoding not in ENCODINGS:
            raise UnsupportedMedia(
                f"content encoding {self.encoding!r} is not taken: send one of "
                f"{', '.join(ENCODINGS)}."
            )
