"""Tries whether notices reach who is to be told."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from modelwatch.collector.alerting.alert import Alert, AlertFeature
from modelwatch.collector.alerting.channels import Channels
from modelwatch.collector.alerting.configuration import Configuration
from modelwatch.collector.alerting.notices import Notice
from modelwatch.collector.alerting.posting import Poster
from modelwatch.errors import ConfigurationError, NotifyError

__all__ = ["Outcome", "try_targets"]

PAGES_URL = "http://127.0.0.1:4319"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a test of one target."""

    name: str
    kind: str
    delivered: bool
    said: str


async def try_targets(configuration: Configuration, *, only: str | None = None) -> list[Outcome]:
    """Send a notice that is marked as a test to each target, once.

    Args:
        configuration: who is told.
        only: name of the one target to try; all where None.

    Raises:
        ConfigurationError: there is no target, or none of that name.
    """
    targets = [one for one in configuration.notify if only in (None, one.name)]
    if not targets:
        known = ", ".join(one.name for one in configuration.notify) or "none"
        raise ConfigurationError(
            f"no target to test: the configuration has {known}. Add a [[notify]] table, or give "
            "--notify one of these names."
        )
    notice = _test_notice(time.time_ns())
    outcomes = []
    async with Poster() as poster:
        pages_url = configuration.alerting.pages_url or PAGES_URL
        channels = Channels(poster=poster, pages_url=lambda: pages_url)
        for target in targets:
            try:
                said = await channels.send(target, notice, now_ns=notice.at_ns)
                outcome = Outcome(name=target.name, kind=target.kind, delivered=True, said=said)
            except NotifyError as error:
                said = f"failed: {error}"
                outcome = Outcome(name=target.name, kind=target.kind, delivered=False, said=said)
            outcomes.append(outcome)
    return outcomes


def _test_notice(now_ns: int) -> Notice:
    alert_id = f"test-{secrets.token_hex(4)}"
    feature = AlertFeature(
        name="test", severity="warning", cause="this is a test: nothing is wrong"
    )
    alert = Alert(
        id=alert_id,
        model="test",
        version="test",
        rule="modelwatch test",
        on="drift",
        state="firing",
        severity="warning",
        since_ns=now_ns,
        opened_ns=now_ns,
        last_seen_ns=now_ns,
        fired_ns=now_ns,
    ).concerning([feature])
    return Notice(key=f"{alert_id}-1", kind="test", alert=alert, at_ns=now_ns)
