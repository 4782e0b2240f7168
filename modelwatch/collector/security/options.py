"""How the collector's two servers are kept safe."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from modelwatch.collector.security.tls import TlsFiles
from modelwatch.errors import ConfigurationError

__all__ = ["SecurityOptions", "tls_files"]


@dataclass(frozen=True, kw_only=True)
class SecurityOptions:
    """What both servers have in common. Checked when it is made.

    Attributes:
        tls: certificate and key; None where the servers speak plain HTTP.
        allowed_hosts: names by which the servers may be called besides those of the loopback
            interface, without ports. On another interface, names are only checked where some are
            given.
        trusted_proxies: addresses of reverse proxies whose X-Forwarded-For and X-Forwarded-Proto
            are believed.

    Raises:
        ConfigurationError: a name or an address cannot be one.
    """

    tls: TlsFiles | None = None
    allowed_hosts: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        for host in self.allowed_hosts:
            if not host or any(sign in host for sign in "/*@ ") or host.endswith(":"):
                raise ConfigurationError(
                    f"--allowed-host is {host!r}: give a name without scheme, port or path, as in "
                    "modelwatch.example.org."
                )


def tls_files(
    certificate: Path | None, key: Path | None, client_ca: Path | None
) -> TlsFiles | None:
    """Return the files of TLS, or None where none is given.

    Raises:
        ConfigurationError: one of them is given without another that it needs.
    """
    if certificate is None and key is None and client_ca is None:
        return None
    if certificate is None or key is None:
        raise ConfigurationError("TLS needs both --tls-certificate FILE and --tls-key FILE.")
    return TlsFiles(certificate=certificate, key=key, client_ca=client_ca)
