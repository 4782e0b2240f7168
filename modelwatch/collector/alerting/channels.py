"""The ways by which a notice goes out: a webhook, Alertmanager, Apprise."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, assert_never

from modelwatch.collector.alerting.alert import Alert, AlertSeverity
from modelwatch.collector.alerting.notices import Notice
from modelwatch.collector.alerting.posting import Poster
from modelwatch.collector.alerting.targets import (
    AlertmanagerTarget,
    AppriseTarget,
    Target,
    WebhookTarget,
)
from modelwatch.collector.alerting.wording import (
    alert_document,
    causes_text,
    names_text,
    page_of,
    text_of,
    title_of,
    traces_text,
)
from modelwatch.collector.rollouts import wording as rollout_wording
from modelwatch.collector.rollouts.made import SuggestionNotice
from modelwatch.collector.serving.answers import iso
from modelwatch.collector.trace_links import NO_LINKS, TraceLinks
from modelwatch.collector.windows import NANOSECONDS
from modelwatch.errors import NotifyError

if TYPE_CHECKING:
    from apprise import Apprise

__all__ = ["Channels", "signature"]

LIFE_INTERVALS = 4
"""For how many intervals of telling it again Alertmanager keeps an alert that it hears no more of;
so that one lost message resolves nothing."""

TEST_SECONDS = 60
"""How long Alertmanager shows a test."""


@dataclass(frozen=True, kw_only=True)
class Channels:
    """Sends notices to targets of all kinds.

    Attributes:
        poster: sends over HTTP.
        pages_url: returns where the collector's pages are, for links.
        trace_links: where traces are looked at.
    """

    poster: Poster
    pages_url: Callable[[], str]
    trace_links: TraceLinks = NO_LINKS

    async def send(self, target: Target, notice: Notice | SuggestionNotice, *, now_ns: int) -> str:
        """Send a notice, of an alert or of a suggestion.

        Returns:
            What came back, in short.

        Raises:
            NotifyError: it was not delivered.
        """
        if isinstance(notice, SuggestionNotice):
            return await self._suggest(target, notice, now_ns)
        if isinstance(target, WebhookTarget):
            return await self._webhook(target, notice, now_ns)
        if isinstance(target, AlertmanagerTarget):
            return await self._tell_alertmanager(target, notice, now_ns)
        if isinstance(target, AppriseTarget):
            return await self._apprise(target, notice)
        assert_never(target)

    async def refresh(
        self, target: AlertmanagerTarget, alerts: Sequence[Alert], *, now_ns: int
    ) -> str:
        """Tell Alertmanager of all that is open, so that it keeps it.

        Raises:
            NotifyError: it was not delivered.
        """
        ends_ns = _ends_ns(target, now_ns)
        body = [self._am_alert(alert, alert.severity, ends_ns) for alert in alerts]
        return await self._post_alerts(target, body)

    async def _suggest(self, target: Target, notice: SuggestionNotice, now_ns: int) -> str:
        made = notice.suggestion
        if isinstance(target, WebhookTarget):
            document = rollout_wording.suggestion_document(made, pages_url=self.pages_url())
            return await self._post_hook(
                target, notice, rollout_wording.title_of(made), {"suggestion": document}, now_ns
            )
        if isinstance(target, AppriseTarget):
            text = f"{made.words}\n{rollout_wording.page_of(made, self.pages_url())}"
            title = rollout_wording.title_of(made)
            return await _tell_apprise(target, title, text, "info")
        raise NotifyError("an Alertmanager takes no suggestions", is_final=True)

    async def _webhook(self, target: WebhookTarget, notice: Notice, now_ns: int) -> str:
        document = alert_document(
            notice.alert, pages_url=self.pages_url(), trace_links=self.trace_links
        )
        return await self._post_hook(target, notice, title_of(notice), {"alert": document}, now_ns)

    async def _post_hook(
        self,
        target: WebhookTarget,
        notice: Notice | SuggestionNotice,
        title: str,
        document: dict[str, Any],
        now_ns: int,
    ) -> str:
        told = {"id": notice.key, "kind": notice.kind, "at": iso(notice.at_ns), "title": title}
        body = json.dumps({**told, **document}).encode()
        stamp = str(now_ns // NANOSECONDS)
        headers = {**target.header_values, "webhook-id": notice.key, "webhook-timestamp": stamp}
        if target.secret is not None:
            headers["webhook-signature"] = signature(target.secret, notice.key, stamp, body)
        return await self.poster.post(
            target.address, body, headers, timeout_seconds=target.timeout_seconds
        )

    async def _tell_alertmanager(
        self, target: AlertmanagerTarget, notice: Notice, now_ns: int
    ) -> str:
        alert = notice.alert
        ends_ns = _ends_ns(target, now_ns)
        if notice.kind == "resolved":
            ends_ns = alert.ended_ns or now_ns
        if notice.kind == "test":
            ends_ns = now_ns + TEST_SECONDS * NANOSECONDS
        body = [self._am_alert(alert, alert.severity, ends_ns)]
        before = notice.severity_before
        if before is not None and before != alert.severity:
            # To Alertmanager, the one of the lesser severity is another alert.
            body.append(self._am_alert(alert, before, now_ns))
        return await self._post_alerts(target, body)

    async def _post_alerts(self, target: AlertmanagerTarget, body: list[dict[str, Any]]) -> str:
        return await self.poster.post(
            f"{target.address.rstrip('/')}/api/v2/alerts",
            json.dumps(body).encode(),
            target.header_values,
            timeout_seconds=target.timeout_seconds,
        )

    def _am_alert(self, alert: Alert, severity: AlertSeverity, ends_ns: int) -> dict[str, Any]:
        page = page_of(alert, self.pages_url())
        told = replace(alert, severity=severity)
        return {
            "labels": {
                "alertname": told.rule,
                "model": told.model,
                "version": told.version,
                "severity": told.severity,
            },
            "annotations": {
                "summary": f"{told.model} {told.version}: {names_text(told)}",
                "features": ", ".join(feature.name for feature in told.features),
                "causes": causes_text(told),
                "link": page,
                "traces": traces_text(told, self.trace_links),
            },
            "startsAt": iso(told.since_ns),
            "endsAt": iso(ends_ns),
            "generatorURL": page,
        }

    async def _apprise(self, target: AppriseTarget, notice: Notice) -> str:
        kinds: dict[str, _AppriseKind] = {"resolved": "success", "test": "info"}
        of_severity: _AppriseKind = "failure" if notice.alert.severity == "critical" else "warning"
        text = text_of(notice, self.pages_url(), self.trace_links)
        return await _tell_apprise(
            target, title_of(notice), text, kinds.get(notice.kind, of_severity)
        )


_AppriseKind = Literal["info", "success", "warning", "failure"]


async def _tell_apprise(target: AppriseTarget, title: str, text: str, kind: _AppriseKind) -> str:
    if find_spec("apprise") is None:
        raise NotifyError(
            'apprise is not installed: pip install "modelwatch[alerts]"', is_final=True
        )
    # In a thread: it loads its many services at first use.
    sender = await asyncio.to_thread(_apprise_of, target.address)
    from apprise import NotifyType

    try:
        async with asyncio.timeout(target.timeout_seconds):
            sent = await sender.async_notify(title=title, body=text, notify_type=NotifyType(kind))
    except TimeoutError:
        raise NotifyError(f"no answer within {target.timeout_seconds:g} s") from None
    if not sent:
        raise NotifyError("Apprise could not deliver it: its own log says why")
    return "delivered"


def _apprise_of(address: str) -> Apprise:
    from apprise import Apprise

    sender = Apprise()
    if not sender.add(address):
        raise NotifyError("Apprise does not know such an address", is_final=True)
    return sender


def signature(secret: str, key: str, stamp: str, body: bytes) -> str:
    """Return what proves that a webhook is ours, as the Standard Webhooks specification has it.

    It is HMAC-SHA256 over ``key.stamp.body``. A secret that begins with ``whsec_`` is read as
    base64, any other as it is.
    """
    key_bytes = secret.encode()
    if secret.startswith("whsec_"):
        try:
            key_bytes = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            key_bytes = secret.encode()
    signed = b".".join((key.encode(), stamp.encode(), body))
    digest = hmac.new(key_bytes, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def _ends_ns(target: AlertmanagerTarget, now_ns: int) -> int:
    return now_ns + LIFE_INTERVALS * target.resend_interval * NANOSECONDS
