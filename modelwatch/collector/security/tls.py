"""TLS of all servers, from PEM files that may be replaced while the collector runs."""

from __future__ import annotations

import logging
import ssl
from dataclasses import dataclass
from pathlib import Path

import grpc

from modelwatch.errors import ConfigurationError

__all__ = ["ServerTls", "TlsFiles"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class TlsFiles:
    """PEM files.

    Attributes:
        certificate: the servers' certificate, and those that lead from it to its authority.
        key: its private key, without a password.
        client_ca: where given, clients need a certificate of one of these authorities.
    """

    certificate: Path
    key: Path
    client_ca: Path | None = None


class ServerTls:
    """One context that all servers shake hands with.

    Args:
        files: the PEM files.

    Raises:
        ConfigurationError: one of the files cannot be used.
    """

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._problem = ""
        self._load(self.context)

    def reload(self) -> None:
        """Read the files again, for handshakes from now on; keep what was where they are wrong.

        The authorities of clients are added to, never taken from: that needs a restart.
        """
        try:
            self._load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))  # a try, that spoils nothing
            self._load(self.context)
        except ConfigurationError as error:
            self._problem = str(error)
            logger.warning("the certificate stays as it was: %s", error)
        else:
            self._problem = ""
            logger.info("the certificate was read again from %s", self._files.certificate)

    def grpc_credentials(self) -> grpc.ServerCredentials:
        """Return what a gRPC server shakes hands with; it follows `reload` too."""
        return grpc.dynamic_ssl_server_credentials(
            self._grpc_certificates(),
            self._grpc_certificates,
            require_client_authentication=self._files.client_ca is not None,
        )

    def _grpc_certificates(self) -> grpc.ServerCertificateConfiguration:
        return self._for_grpc

    async def check(self) -> str:
        """Return why the files could not be used when they were last read; empty if they were."""
        return self._problem

    def _load(self, context: ssl.SSLContext) -> None:
        files = self._files
        for option, path in (("certificate", files.certificate), ("key", files.key)):
            _require_readable(f"--tls-{option}", path)
        try:
            context.load_cert_chain(files.certificate, files.key, password=_refuse_password)
        except (ssl.SSLError, ValueError) as error:
            raise ConfigurationError(
                f"--tls-certificate {files.certificate} and --tls-key {files.key} cannot be used: "
                f"{_reason(error)}. Give PEM files that belong together, the key without a "
                "password."
            ) from error
        if files.client_ca is not None:
            _require_readable("--tls-client-ca", files.client_ca)
            _require_clients(context, files.client_ca)
        self._for_grpc = grpc.ssl_server_certificate_configuration(
            [(files.key.read_bytes(), files.certificate.read_bytes())],
            files.client_ca.read_bytes() if files.client_ca is not None else None,
        )


def _require_clients(context: ssl.SSLContext, path: Path) -> None:
    try:
        context.load_verify_locations(path)
    except (ssl.SSLError, ValueError) as error:
        raise ConfigurationError(
            f"--tls-client-ca {path} cannot be used: {_reason(error)}. Give a PEM file of "
            "certificates."
        ) from error
    context.verify_mode = ssl.CERT_REQUIRED


def _require_readable(option: str, path: Path) -> None:
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise ConfigurationError(f"{option} {path} cannot be read: {error.strerror}.") from error


def _refuse_password() -> str:
    raise ValueError("the key has a password")


def _reason(error: Exception) -> str:
    known = isinstance(error, ssl.SSLError) and error.reason
    return str(known).lower().replace("_", " ") if known else str(error)
