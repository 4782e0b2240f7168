"""All that stands between the network and the two applications, put together."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

from starlette.types import ASGIApp

from modelwatch.collector.security.acts import Audited
from modelwatch.collector.security.audit_log import AuditLog
from modelwatch.collector.security.door import Door
from modelwatch.collector.security.failures import FailureLimiter
from modelwatch.collector.security.gate import Gate
from modelwatch.collector.security.keyring import Keyring
from modelwatch.collector.security.options import SecurityOptions
from modelwatch.collector.security.origins import HostNames, is_loopback
from modelwatch.collector.security.refusals import as_problem, as_rpc_status
from modelwatch.collector.security.rules import api_need, otlp_need
from modelwatch.collector.security.safe_headers import SafeHeaders
from modelwatch.collector.security.sessions import Sessions
from modelwatch.collector.security.sign_in import SignIn
from modelwatch.collector.security.token_shelf import TokenShelf
from modelwatch.collector.storing.database import Database
from modelwatch.errors import ConfigurationError

__all__ = ["Fence", "require_closable"]

logger = logging.getLogger(__name__)


class Fence:
    """Puts the layers before an application. One event loop uses it.

    Args:
        database: where tokens and the audit log are.
        host: the address that the servers listen on.
        options: names and proxies.
        clock: Unix nanoseconds.
    """

    def __init__(
        self,
        database: Database,
        *,
        host: str,
        options: SecurityOptions,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._host = host
        self._options = options
        self._clock = clock
        self._keyring = Keyring(TokenShelf(database), clock=clock)
        self._door = Door(self._keyring, Sessions(), FailureLimiter())
        self._names = HostNames(host, options.allowed_hosts)
        self._log = AuditLog(database)

    async def require_closed(self, *, insecure: bool) -> None:
        """Do nothing where only those get in who should.

        Raises:
            ConfigurationError: others can reach the address, and nobody is asked for a token.
            StoreError: the tokens cannot be read.
        """
        await self._keyring.refresh()
        if is_loopback(self._host):
            return
        if not insecure and not self._keyring.is_usable:
            raise _open_to_all(self._host)
        if self._options.tls is None and not self._options.trusted_proxies:
            logger.warning(
                "%s can be reached by others, and all, tokens too, goes there unencrypted: give "
                "--tls-certificate and --tls-key, or have a proxy do that.",
                self._host,
            )

    def around_receiver(self, app: ASGIApp) -> ASGIApp:
        """Return the OTLP receiver with what stands before it."""
        gate = Gate(
            app,
            door=self._door,
            needs=otlp_need,
            names=self._names,
            refuse=as_rpc_status,
            leads_to_sign_in=False,
        )
        return SafeHeaders(gate, varies=False)

    def around_api(self, app: ASGIApp) -> ASGIApp:
        """Return the API and the pages with what stands before them."""
        inner = SignIn(Audited(app, log=self._log, clock=self._clock), door=self._door)
        gate = Gate(
            inner,
            door=self._door,
            needs=api_need,
            names=self._names,
            refuse=as_problem,
            leads_to_sign_in=True,
        )
        return SafeHeaders(gate, varies=True)


def require_closable(host: str, store_path: str | Path, *, insecure: bool) -> None:
    """Do nothing where a collector may have tokens, or needs none, before anything is opened.

    Raises:
        ConfigurationError: others can reach the address, and there is no store with tokens.
    """
    if not (insecure or is_loopback(host) or Path(store_path).exists()):
        raise _open_to_all(host)


def _open_to_all(host: str) -> ConfigurationError:
    return ConfigurationError(
        f"host is {host!r}, which others can reach, and the store has no token that could be asked "
        "for: make one with `modelwatch token create NAME --scope ... --store FILE`, or give "
        "insecure=True (--insecure) on a network that you trust."
    )
