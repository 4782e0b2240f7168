"""Addresses under which traces are looked at, by a template that the user gives."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from modelwatch.errors import ConfigurationError

__all__ = ["NO_LINKS", "TraceLinks"]

_PLACE: Final = "{trace_id}"
_ADDRESS: Final = re.compile(r"https?://[^\s/?#\\{}\"'<>@]+[/?#][^\s\\\"'<>]*", re.ASCII)
_LONGEST: Final = 2_000


@dataclass(frozen=True)
class TraceLinks:
    """Makes links of trace ids. Checked when it is made.

    Attributes:
        template: an http or https address with ``{trace_id}`` after its host; empty for no links.

    Raises:
        ConfigurationError: the template is no such address. It is not repeated in full, as it may
            hold a secret.

    >>> TraceLinks("https://tempo.example/trace/{trace_id}").of("4bf9")
    'https://tempo.example/trace/4bf9'
    """

    template: str = ""

    def __post_init__(self) -> None:
        template = self.template
        if not template:
            return
        rest = template.replace(_PLACE, "")
        is_filled = _PLACE in template and "{" not in rest and "}" not in rest
        is_address = template.isprintable() and _ADDRESS.fullmatch(template) is not None
        if not is_filled or not is_address or len(template) > _LONGEST:
            raise ConfigurationError(
                f"the address of traces (--trace-url, MODELWATCH_TRACE_URL) begins with "
                f"{template[:12]!r}: give an http or https address with {_PLACE} in its path or "
                f"after, such as https://tempo.example/trace/{_PLACE}."
            )

    def of(self, trace_id: str) -> str:
        """Return the address of a trace; empty where there are no links."""
        return self.template.replace(_PLACE, trace_id)


NO_LINKS: Final = TraceLinks()
