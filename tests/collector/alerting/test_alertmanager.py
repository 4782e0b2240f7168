"""Against Prometheus's own Alertmanager, read back by its own API."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any

import httpx
import pytest

import modelwatch as mw
from modelwatch.collector.alerting.alert import Alert
from modelwatch.collector.alerting.channels import Channels
from modelwatch.collector.alerting.notices import tell
from modelwatch.collector.alerting.posting import Poster
from modelwatch.collector.alerting.targets import AlertmanagerTarget
from modelwatch.collector.storing.sqlite_store import SqliteStore
from tests import plain_http
from tests.collector.alerting.conftest import WINDOW, Clock, Configure, feature, make_alerting
from tests.collector.alerting.test_alerting import DRIFT, play, push
from tests.collector.alerting.test_sender import delivery, drain
from tests.collector.conftest import FEATURE, MODEL, SECOND, VERSION, Traffic, eventually
from tests.servers import debian_program

ROUTES = "route:\n  receiver: nobody\nreceivers:\n- name: nobody\n"


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running Alertmanager."""
    program = debian_program("prometheus-alertmanager", "usr/bin/prometheus-alertmanager")
    folder = tmp_path_factory.mktemp("alertmanager")
    (folder / "routes.yml").write_text(ROUTES)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [
        *program,
        f"--config.file={folder / 'routes.yml'}",
        f"--storage.path={folder}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        assert eventually(lambda: is_ready(address), seconds=20), (folder / "log").read_text()
        yield address
    finally:
        process.terminate()
        process.wait(timeout=30)


def is_ready(address: str) -> bool:
    """Return whether it answers."""
    try:
        return plain_http.get(f"{address}/-/ready").is_success
    except httpx.TransportError:
        return False


def active(address: str, model: str = MODEL) -> list[dict[str, Any]]:
    """Return the alerts of a model that it holds to be going on."""
    found: list[dict[str, Any]] = plain_http.get(f"{address}/api/v2/alerts").json()
    return [alert for alert in found if alert["labels"]["model"] == model]


async def test_it_holds_what_is_open_and_nothing_else(
    store: SqliteStore,
    baseline: mw.Baseline,
    traffic: Traffic,
    configure: Configure,
    alertmanager: str,
) -> None:
    """An alert appears with its labels, is kept by telling it again, and ends.

    Its windows end now, by the true clock, which Alertmanager goes by.
    """
    text = f'{DRIFT}[[notify]]\nname = "hook"\nkind = "alertmanager"\nurl = "{alertmanager}/"\n'
    clock = Clock()
    desk = make_alerting(store, config=configure(text + 'resend_interval = "30s"\n'), clock=clock)
    await push(desk, baseline)
    now_ns = int(time.time()) * SECOND
    shift = now_ns // (WINDOW * SECOND) - clock.now_ns // (WINDOW * SECOND) - 4
    await play(desk, traffic, "DD", first=shift)
    clock.now_ns = now_ns
    await drain(desk, passes=1)
    (found,) = active(alertmanager)
    assert found["labels"] == {
        "alertname": "drift",
        "model": MODEL,
        "version": VERSION,
        "severity": "critical",
    }
    assert found["annotations"]["features"] == FEATURE
    assert FEATURE in found["annotations"]["causes"]
    assert found["annotations"]["link"] == found["generatorURL"]
    assert found["generatorURL"].startswith("http://pages/models/churn%2Feu/")
    ends = datetime.fromisoformat(found["endsAt"]).timestamp()
    assert ends == pytest.approx(now_ns / SECOND + 4 * 30, abs=1)
    clock.now_ns += 31 * SECOND
    await drain(desk, passes=1)
    (again,) = active(alertmanager)
    assert again["fingerprint"] == found["fingerprint"]
    assert datetime.fromisoformat(again["endsAt"]).timestamp() == pytest.approx(ends + 31, abs=1)
    clock.now_ns = now_ns - SECOND
    await play(desk, traffic, "..", first=shift + 2)
    clock.now_ns = now_ns
    await drain(desk)
    assert eventually(lambda: active(alertmanager) == [], seconds=30)
    assert delivery(desk).given_up == 0


async def test_one_that_gets_worse_is_one_alert(alertmanager: str) -> None:
    """To Alertmanager another severity is another alert: that of the lesser one is ended."""
    now_ns = time.time_ns()
    alert = Alert(
        id="w1",
        model="worse",
        version="1",
        rule="drift",
        on="drift",
        state="firing",
        severity="warning",
        since_ns=now_ns - SECOND,
        opened_ns=now_ns,
        last_seen_ns=now_ns,
    ).concerning([feature("age", "warning")])
    alert, first = tell(alert, "firing", now_ns=now_ns)
    _, worse = tell(alert.concerning([feature("age")]), "escalated", now_ns=now_ns)
    target = AlertmanagerTarget.model_validate(
        {"name": "prom", "kind": "alertmanager", "url": alertmanager}
    )
    async with Poster() as poster:
        channels = Channels(poster=poster, pages_url=lambda: "http://pages")
        for notice, severity in ((first, "warning"), (worse, "critical")):
            await channels.send(target, notice, now_ns=time.time_ns())
            assert eventually(partial(shows, alertmanager, [severity]), seconds=30)


def shows(address: str, severities: list[str]) -> bool:
    """Return whether the alerts of a model have these severities."""
    return [one["labels"]["severity"] for one in active(address, "worse")] == severities
