"""Which scopes a request needs, by its method and path. What no rule knows is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from modelwatch.collector.security.tokens import Scope

__all__ = ["LABELS_PATH", "OPEN", "PROBE", "Need", "api_need", "otlp_need"]

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

_PROBES: Final = frozenset({"/healthz", "/readyz"})
_OPEN_PATHS: Final = frozenset({"/assets/style.css", "/sign-in", "/sign-out"})

_OF_SERVICES: Final = re.compile(r"/api/v1/models/[^/]+/versions/[^/]+/(baseline|capture)")
"""What a watched service asks for, with the token that it sends its telemetry with."""

LABELS_PATH: Final = "/api/v1/labels"
"""Takes what services tell, as the OTLP receiver does; no act of an admin."""

_OF_ADMINS: Final = frozenset({"/api/v1/audit"})

_BY_MODEL: Final = re.compile(
    r"/|/openapi\.json|/api/v1/models|(/api/v1)?/models/.+|/charts/(distribution|performance)\.svg"
    r"|/api/v1/alerts(/[^/]+)?|/api/v1/suggestions"
)
"""What tells of the models alone that the token may read; handlers of these paths see to it."""


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a request needs.

    Attributes:
        scopes: one of these; empty where it is open to all.
        by_model: whether a token that may read some models only will do.
        by_any_name: whether it does not matter by which name the server is called, as
            orchestrators call it by an address of their own.
    """

    scopes: tuple[Scope, ...]
    by_model: bool = True
    by_any_name: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it is open to all."""
        return not self.scopes


OPEN: Final = Need(scopes=())
PROBE: Final = Need(scopes=(), by_any_name=True)

_SEND: Final = Need(scopes=("ingest",))
_LABEL: Final = Need(scopes=("ingest", "admin"))
_CHANGE: Final = Need(scopes=("admin",))


def otlp_need(_method: str, _path: str) -> Need:
    """Return what a request to the OTLP receiver needs.

    >>> otlp_need("POST", "/v1/metrics").scopes
    ('ingest',)
    """
    return _SEND


def api_need(method: str, path: str) -> Need:
    """Return what a request to the API and the pages needs.

    Args:
        method: of HTTP.
        path: as it was sent, percent-encoded.

    >>> api_need("GET", "/api/v1/models/churn/versions/3/baseline").scopes
    ('ingest', 'read')
    >>> api_need("PUT", "/api/v1/models/churn/versions/3/baseline").scopes
    ('admin',)
    >>> api_need("POST", "/api/v1/labels").scopes
    ('ingest', 'admin')
    """
    if path in _PROBES:
        return PROBE
    if path in _OPEN_PATHS:
        return OPEN
    if method == "POST" and path == LABELS_PATH:
        return _LABEL
    if method not in SAFE_METHODS or path in _OF_ADMINS:
        return _CHANGE
    if _OF_SERVICES.fullmatch(path):
        return Need(scopes=("ingest", "read"))
    return Need(scopes=("read",), by_model=_BY_MODEL.fullmatch(path) is not None)
