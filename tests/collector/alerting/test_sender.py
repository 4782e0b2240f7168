"""Notices on their way: to real servers, in order, again until they are heard."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import logging
import random
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

import modelwatch as mw
from modelwatch.collector.alerting.alert_store import Delivery
from modelwatch.collector.alerting.channels import Channels
from modelwatch.collector.alerting.posting import Poster
from modelwatch.collector.alerting.sender import Sender
from modelwatch.collector.alerting.sqlite_alerts import MOST_WAITING
from modelwatch.collector.storing.sqlite_store import SqliteStore
from tests.collector.alerting.conftest import Configure, Desk, counted, make_alerting
from tests.collector.alerting.listening import Listener, listening
from tests.collector.alerting.test_alerting import DRIFT, play, push
from tests.collector.conftest import FEATURE, MODEL, VERSION, Traffic, eventually

Target = Callable[..., str]


@pytest.fixture
def server() -> Iterator[Listener]:
    """A server that takes all."""
    with listening() as listener:
        yield listener


def hook(listener: Listener, rest: str = "", *, name: str = "hook", kind: str = "webhook") -> str:
    """Return a target in TOML."""
    address = f"{listener.url}/path-secret?token=query-secret"
    return f'[[notify]]\nname = "{name}"\nkind = "{kind}"\nurl = "{address}"\n{rest}\n'


@asynccontextmanager
async def sending(desk: Desk) -> AsyncIterator[Sender]:
    """A sender on a desk, whose waits are drawn from a seed."""
    async with Poster() as poster:
        channels = Channels(poster=poster, pages_url=desk.alerting.pages_url)
        yield Sender(
            desk.alerts, desk.alerting, channels, clock=desk.clock, generator=random.Random(1)
        )


async def drain(desk: Desk, *, passes: int = 6) -> None:
    """Send what is due now."""
    async with sending(desk) as sender:
        for _ in range(passes):
            await sender.send_due()
            await sender.settle()


def delivery(desk: Desk, name: str = "hook") -> Delivery:
    """Return how it goes with a target."""
    return desk.alerts.deliveries()[name]


async def test_a_webhook_hears_each_transition_once_and_in_order(
    store: SqliteStore,
    baseline: mw.Baseline,
    traffic: Traffic,
    configure: Configure,
    server: Listener,
) -> None:
    """Firing, then resolved, each with the alert, its feature and cause, and a link."""
    desk = make_alerting(store, config=configure(DRIFT + hook(server)))
    await push(desk, baseline)
    await play(desk, traffic, "DD..")
    await drain(desk)
    assert [one.document["kind"] for one in server.heard] == ["firing", "resolved"]
    first = server.heard[0].document
    assert first["id"] == server.heard[0].headers["webhook-id"]
    assert first["id"] != server.heard[1].document["id"]
    alert = first["alert"]
    assert (alert["model"], alert["version"], alert["state"]) == (MODEL, VERSION, "firing")
    assert [found["name"] for found in alert["features"]] == [FEATURE]
    assert alert["causes"]
    assert alert["page"].startswith("http://pages/models/churn%2Feu/versions/")
    assert first["title"].startswith("[firing, critical] churn/eu")
    assert delivery(desk).sent == 2
    assert delivery(desk).waiting == 0


async def test_signed_as_standard_webhooks_are(
    store: SqliteStore,
    baseline: mw.Baseline,
    traffic: Traffic,
    configure: Configure,
    server: Listener,
) -> None:
    """Whoever knows the key can prove who sent it and when; headers are sent as given."""
    key = b"a key of bytes"
    secret = "whsec_" + base64.b64encode(key).decode()
    text = DRIFT + hook(server, 'secret_env = "KEY"\nheaders = { Authorization = "Bearer t1" }')
    desk = make_alerting(store, config=configure(text), environment={"KEY": secret})
    await push(desk, baseline)
    await play(desk, traffic, "DD")
    await drain(desk)
    (heard,) = server.heard
    signed = f"{heard.headers['webhook-id']}.{heard.headers['webhook-timestamp']}.".encode()
    digest = hmac.new(key, signed + heard.body, hashlib.sha256).digest()
    assert heard.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
    assert heard.headers["authorization"] == "Bearer t1"


async def test_what_fails_is_tried_again_with_the_same_key(
    store: SqliteStore,
    baseline: mw.Baseline,
    traffic: Traffic,
    configure: Configure,
    server: Listener,
) -> None:
    """After a wait, not before; and what comes after it waits its turn."""
    server.statuses = [503, 500, 200]
    desk = make_alerting(store, config=configure(DRIFT + hook(server)))
    await push(desk, baseline)
    await play(desk, traffic, "DD..")
    await drain(desk)
    assert [one.document["kind"] for one in server.heard] == ["firing"]
    assert (delivery(desk).failures, delivery(desk).waiting) == (1, 2)
    assert delivery(desk).last_error.startswith("503")
    for _ in range(4):
        desk.clock.forward(60)
        await drain(desk)
    assert [one.document["kind"] for one in server.heard] == ["firing"] * 3 + ["resolved"]
    assert len({one.headers["webhook-id"] for one in server.heard[:3]}) == 1
    assert (delivery(desk).sent, delivery(desk).given_up) == (2, 0)


async def test_a_wait_that_is_asked_for_is_kept(
    store: SqliteStore,
    baseline: mw.Baseline,
    traffic: Traffic,
    configure: Configure,
    server: Listener,
) -> None:
    """Nothing is sent before Retry-After, and all within a second of it."""
    server.statuses, server.headers = [429, 200], {"Retry-After": "600"}
    desk = make_alerting(store, config=configure(DRIFT + hook(server)))
    await push(desk, baseline)
    await play(desk, traffic, "DD")
    await drain(desk)
    desk.clock.forward(599)
    await drain(desk)
    assert len(server.heard) == 1
    desk.clock.forward(2)
    await drain(desk)
    assert len(server.heard) == 2


@pytest.mark.parametrize(("status", "tries"), [(422, 1), (404, 3)])
async def test_given_up_in_the_end_and_counted(
    store: SqliteStore,
    baseline: mw.Baseline,
    traffic: Traffic,
    configure: Configure,
    server: Listener,
    caplog: pytest.LogCaptureFixture,
    status: int,
    tries: int,
) -> None:
    """At once where the document is refused as such, else after the time that was given."""
    server.statuses = [status]
    text = DRIFT + hook(server, 'give_up_after = "10m"')
    desk = make_alerting(store, config=configure(text))
    await push(desk, baseline)
    await play(desk, traffic, "DD")
    for _ in range(3):
        await drain(desk, passes=1)
        desk.clock.forward(299)
    assert len(server.heard) == tries
    assert (delivery(desk).given_up, delivery(desk).waiting) == (1, 0)
    assert "is given up" in caplog.text


async def test_secrets_stand_in_no_log_and_no_message(
    store: SqliteStore,
    baseline: mw.Baseline,
    traffic: Traffic,
    configure: Configure,
    server: Listener,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Not even where everything is logged, and the target is not there or refuses."""
    caplog.set_level(logging.DEBUG)
    server.statuses = [500]
    gone = Listener(url="http://127.0.0.1:9")
    text = DRIFT + hook(server, 'headers = { X-Key = "header-secret" }')
    text += hook(gone, name="gone") + hook(server, name="prom", kind="alertmanager")
    desk = make_alerting(store, config=configure(text))
    await push(desk, baseline)
    await play(desk, traffic, "DD")
    await drain(desk)
    assert server.heard
    errors = [found.last_error for found in desk.alerts.deliveries().values()]
    assert len([error for error in errors if error]) == 3
    for secret in ("path-secret", "query-secret", "header-secret"):
        assert secret not in caplog.text
        assert not any(secret in error for error in errors)


async def test_one_that_hangs_holds_up_nobody(
    store: SqliteStore,
    baseline: mw.Baseline,
    traffic: Traffic,
    configure: Configure,
    server: Listener,
) -> None:
    """Evaluation goes on, and other targets hear, while one target does not answer."""
    with listening() as hanging:
        hanging.hold = threading.Event()
        text = DRIFT + hook(hanging, "timeout_seconds = 60", name="hangs") + hook(server)
        desk = make_alerting(store, config=configure(text))
        await push(desk, baseline)
        await play(desk, traffic, "DD")
        stop = asyncio.Event()
        async with sending(desk) as sender:
            running = asyncio.create_task(sender.run(stop))
            await play(desk, traffic, "..", first=2)
            assert await asyncio.to_thread(eventually, lambda: len(server.heard) == 2)
            assert hanging.heard == []
            stop.set()
            async with asyncio.timeout(20):
                await running
        assert delivery(desk, "hangs").waiting == 2


async def test_an_answer_that_takes_too_long_is_a_failure(
    store: SqliteStore,
    baseline: mw.Baseline,
    traffic: Traffic,
    configure: Configure,
    server: Listener,
) -> None:
    """It says after how long it was given up."""
    server.hold = threading.Event()
    desk = make_alerting(store, config=configure(DRIFT + hook(server, "timeout_seconds = 0.2")))
    await push(desk, baseline)
    await play(desk, traffic, "DD")
    await drain(desk, passes=1)
    assert delivery(desk).last_error in ("no answer within 0.2 s", "ReadTimeout")


async def test_targets_hear_what_they_ask_for(
    store: SqliteStore,
    baseline: mw.Baseline,
    traffic: Traffic,
    configure: Configure,
    server: Listener,
) -> None:
    """By rule, model and severity; and that it is resolved only where they want to know."""
    text = DRIFT + 'severity = "warning"\n'
    text += hook(server, 'min_severity = "critical"', name="critical only")
    text += hook(server, 'rules = "other"', name="other rule")
    text += hook(server, 'models = "fraud*"', name="other model")
    text += hook(server, "send_resolved = false", name="openings")
    desk = make_alerting(store, config=configure(text))
    await push(desk, baseline)
    await play(desk, traffic, "DD..")
    await drain(desk)
    assert [one.document["kind"] for one in server.heard] == ["firing"]
    assert list(desk.alerts.deliveries()) == ["openings"]


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
async def test_apprise_delivers_what_people_read(
    store: SqliteStore,
    baseline: mw.Baseline,
    traffic: Traffic,
    configure: Configure,
    server: Listener,
) -> None:
    """Title, causes, since when and a link, and the kind of message by severity."""
    address = server.url.replace("http://", "json://") + "/apprise"
    text = f'{DRIFT}[[notify]]\nname = "hook"\nkind = "apprise"\nurl = "{address}"\n'
    desk = make_alerting(store, config=configure(text))
    await push(desk, baseline)
    await play(desk, traffic, "DD..")
    await drain(desk)
    first, last = (one.document for one in server.heard)
    assert first["title"].startswith("[firing, critical] churn/eu")
    assert "Since 2023-11-14" in first["message"]
    assert "http://pages/models/churn%2Feu" in first["message"]
    assert [first["type"], last["type"]] == ["failure", "success"]
    server.statuses = [500]
    await play(desk, traffic, "DD", first=4)
    await drain(desk, passes=1)
    assert "Apprise could not deliver it" in delivery(desk).last_error


async def test_notices_for_a_target_that_is_gone_are_given_up(
    store: SqliteStore,
    baseline: mw.Baseline,
    traffic: Traffic,
    configure: Configure,
    server: Listener,
) -> None:
    """They wait for nobody."""
    desk = make_alerting(store, config=configure(DRIFT + hook(server)))
    await push(desk, baseline)
    await play(desk, traffic, "DD")
    configure(DRIFT)
    await desk.alerting.reload()
    await drain(desk)
    assert (server.heard, delivery(desk).given_up, delivery(desk).waiting) == ([], 1, 0)


async def test_what_waits_is_bounded(
    store: SqliteStore, baseline: mw.Baseline, traffic: Traffic, configure: Configure
) -> None:
    """The oldest notices give way, and are counted."""
    gone = Listener(url="http://127.0.0.1:9")
    text = DRIFT + 'repeat_interval = "1s"\n' + hook(gone)
    desk = make_alerting(store, config=configure(text), new_id=counted())
    await push(desk, baseline)
    await play(desk, traffic, "DD")
    for _ in range(MOST_WAITING + 4):
        desk.clock.forward(1)
        await desk.alerting.round_ended()
    assert (delivery(desk).waiting, delivery(desk).given_up) == (MOST_WAITING, 5)
