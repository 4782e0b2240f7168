"""Bounds how many wrong tokens an address may show.

That bounds the work and the log lines that a client out of order makes, not the odds of a guess,
which 256 random bits see to. So a right token is always let in: clients behind one proxy, or on one
machine, do not lock each other out.
"""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

__all__ = ["FailureLimiter"]

MOST_FAILURES: Final = 10
REFILL_SECONDS: Final = 6.0
"""An address may fail ten times at once, and then once in six seconds."""

MOST_ADDRESSES: Final = 4_096
"""Addresses that are remembered, some 200 bytes each; the one that failed longest ago goes."""

_IPV6_SUBNET: Final = 64
"""One client has a whole subnet of this length to choose its addresses from."""


class FailureLimiter:
    """Counts failures by address. One event loop uses it.

    Args:
        monotonic: seconds.
    """

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._seen: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._seen)

    def fail(self, address: str) -> float:
        """Count a failure.

        Returns:
            Seconds to wait before the next try; 0 where this one was within the bounds.
        """
        now = self._monotonic()
        key = _subnet(address)
        failures, at = self._seen.pop(key, (0.0, now))
        failures = max(0.0, failures - (now - at) / REFILL_SECONDS)
        over = failures + 1 - MOST_FAILURES
        self._seen[key] = (min(failures + 1, MOST_FAILURES), now)
        if len(self._seen) > MOST_ADDRESSES:
            self._seen.popitem(last=False)
        return over * REFILL_SECONDS if over > 0 else 0.0


def _subnet(address: str) -> str:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if found.version == 4:
        return str(found)
    return str(ipaddress.ip_network((found, _IPV6_SUBNET), strict=False))
