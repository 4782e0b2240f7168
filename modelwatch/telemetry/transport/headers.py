"""Headers that are sent with every request, as environment variables tell them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

from modelwatch import settings
from modelwatch.errors import ConfigurationError

__all__ = ["read_headers", "require_sendable"]

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+")
_VALUE: Final = re.compile(r"[ -~]*")


def read_headers(variable: str) -> tuple[tuple[str, str], ...]:
    """Read ``name=value,name=value`` with URL-encoded values, as OpenTelemetry has it.

    Args:
        variable: a name of `settings.SETTINGS`.

    Raises:
        ConfigurationError: where it tells something else; no value is repeated.
    """
    headers = []
    for pair in filter(None, (part.strip() for part in settings.read(variable).split(","))):
        name, separator, value = pair.partition("=")
        if not separator or not name.strip():
            raise ConfigurationError(
                f"{settings.deciding(variable)} cannot be read: give name=value pairs joined by "
                "commas."
            )
        headers.append((unquote(name.strip()), unquote(value.strip())))
    return tuple(headers)


def require_sendable(headers: Iterable[tuple[str, str]], *, source: str) -> None:
    """Do nothing where all headers can be sent.

    Args:
        headers: names and values.
        source: the variable that they are from, for the message.

    Raises:
        ConfigurationError: where one cannot; no value is repeated.
    """
    for name, value in headers:
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise ConfigurationError(
                f"{source} has a header {name!r} that cannot be sent: names are of letters, "
                "digits, '-', '_' and '.', values of printable ASCII."
            )
