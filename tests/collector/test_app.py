from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

import modelwatch as mw
from modelwatch.collector.app import CollectorOptions
from modelwatch.collector.storing.maintenance import check
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.collector.windows import TimeWindow
from modelwatch.errors import ConfigurationError, StoreError
from tests import plain_http
from tests.collector.conftest import MODEL, NOW_NS, PROTOBUF, SECOND, VERSION, Start, Traffic

PROGRAM = """
import sys
from modelwatch.collector.app import CollectorOptions, run
from modelwatch.collector.storing import upkeep
from modelwatch.collector.storing.retention import Retention
ever = 36_500 * 86_400  # what the tests send is years old
upkeep.MERGE_SECONDS = 0.1  # so that kills hit it
retention = Retention(minutes_seconds=ever, hours_seconds=ever, days_seconds=ever)
run(CollectorOptions(
    store_path=sys.argv[1], otlp_http_port=0, api_port=0, retention=retention
))
"""


@contextmanager
def process(store: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a collector as a process of its own; yield it and its OTLP address."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(store)], stdout=subprocess.PIPE, text=True
    ) as running:
        try:
            assert running.stdout is not None
            line = running.stdout.readline()
            found = re.fullmatch(
                r"modelwatch collector: OTLP (\S+), pages (\S+), store (.+)\n", line
            )
            assert found, line
            yield running, found[1]
        finally:
            running.kill()


def send(address: str, body: bytes, client: httpx.Client | None = None) -> bool:
    """Return whether the collector acknowledged an export."""
    post = client.post if client else plain_http.post
    try:
        answer = post(f"{address}/v1/metrics", content=body, headers=PROTOBUF)
    except httpx.HTTPError:
        return False
    return answer.status_code == 200


def rows_in(path: Path) -> int:
    """Return the rows that a store holds."""
    store = SqliteStore.open(path)
    try:
        window = TimeWindow.ending(NOW_NS, seconds=86_400)
        found = store.window(MODEL, VERSION, window)
        assert found.unmergeable == 0
        return sum(profile.rows for profile in found.profiles.values())
    finally:
        store.close()


def test_acknowledged_survives_kill(tmp_path: Path, traffic: Traffic) -> None:
    """After kill -9 amid posts, all that was acknowledged is there, once; a resend adds nothing."""
    path = tmp_path / "store.sqlite"
    bodies = [
        traffic.body(traffic.profile(end_ns=NOW_NS - number * SECOND, rows=10))
        for number in range(200)
    ]
    acknowledged: list[int] = []
    enough = threading.Event()

    with process(path) as (running, address):

        def post(first: int) -> None:
            for number in range(first, len(bodies), 4):
                if not send(address, bodies[number]):
                    return
                acknowledged.append(number)
                if len(acknowledged) >= 40:
                    enough.set()

        senders = [threading.Thread(target=post, args=(first,)) for first in range(4)]
        for sender in senders:
            sender.start()
        assert enough.wait(30)
        os.kill(running.pid, signal.SIGKILL)
        for sender in senders:
            sender.join(timeout=30)

    stored = rows_in(path)
    assert len(acknowledged) < len(bodies)
    # One request of each sender may have been committed without its answer getting through.
    assert 10 * len(acknowledged) <= stored <= 10 * (len(acknowledged) + len(senders))

    with process(path) as (_, address):
        for body in bodies:
            assert send(address, body)
    assert rows_in(path) == 10 * len(bodies)


def test_killed_again_and_again(tmp_path: Path, traffic: Traffic) -> None:
    """Killed at random, merging too, and sent everything again: each export is there once.

    ``MODELWATCH_TEST_KILLS`` gives the number of rounds.
    """
    path = tmp_path / "store.sqlite"
    random = Random(5)
    bodies = [
        traffic.body(
            traffic.profile(end_ns=NOW_NS - back * SECOND, rows=10, instance=f"{back % 7}")
        )
        for back in range(300)
    ]
    for _ in range(int(os.environ.get("MODELWATCH_TEST_KILLS", "5"))):
        with process(path) as (running, address):
            timer = threading.Timer(random.uniform(0.05, 1.0), running.kill)
            timer.start()
            with httpx.Client() as client:
                for body in random.sample(bodies, len(bodies)):
                    if not send(address, body, client):
                        break
            timer.join()
        counted = rows_in(path)
        assert counted % 10 == 0
        assert counted <= 10 * len(bodies)
    with process(path) as (running, address), httpx.Client() as client:
        for body in bodies:
            assert send(address, body, client)
        running.terminate()
        assert running.wait(timeout=60) == 0
    assert rows_in(path) == 10 * len(bodies)
    assert check(path).problems == []


def test_stops_in_order(tmp_path: Path, traffic: Traffic) -> None:
    """On SIGTERM and SIGINT the process commits, ends with status 0 and leaves no lock."""
    path = tmp_path / "store.sqlite"
    for number, name in enumerate((signal.SIGTERM, signal.SIGINT), start=1):
        with process(path) as (running, address):
            profile = traffic.profile(end_ns=NOW_NS - number * SECOND)
            assert send(address, traffic.body(profile))
            running.send_signal(name)
            assert running.wait(timeout=20) == 0
        assert not path.with_name("store.sqlite-wal").exists()
    assert rows_in(path) == 1_000


def begin(address: str, body: bytes) -> tuple[socket.socket, bytes]:
    """Send an export but for its last bytes; return the connection, and what is left."""
    host, port = address.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=60)
    head = (
        f"POST /v1/metrics HTTP/1.1\r\nHost: {host}:{port}\r\n"
        f"Content-Type: {PROTOBUF['Content-Type']}\r\nContent-Length: {len(body)}\r\n"
        "Expect: 100-continue\r\n\r\n"
    )
    connection.sendall(head.encode())
    assert b"100 Continue" in connection.recv(1_024)  # the collector reads the body now
    connection.sendall(body[:-10])
    return connection, body[-10:]


def test_requests_under_way_are_answered_before_the_end(tmp_path: Path, traffic: Traffic) -> None:
    """What was begun before SIGTERM is taken, committed and acknowledged; then the process ends."""
    path = tmp_path / "store.sqlite"
    with process(path) as (running, address):
        connection, rest = begin(address, traffic.body())
        with connection:
            running.send_signal(signal.SIGTERM)
            while send(address, b""):  # until the port is closed to others
                pass
            connection.sendall(rest)
            assert connection.recv(1_024).startswith(b"HTTP/1.1 200 OK")
            assert running.wait(timeout=30) == 0
    assert rows_in(path) == 500


def test_taken_port_is_a_clear_error(tmp_path: Path, start: Start) -> None:
    """A port in use is named, with what to do."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"port {port}.*api_port"):
            start(api_port=port)


def test_listens_on_ipv6(start: Start) -> None:
    """The loopback of IPv6 is served, and its address is written as one that works."""
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    collector = start(host="::1")
    assert collector.api.startswith("http://[::1]:")
    assert plain_http.get(f"{collector.api}/healthz").status_code == 200


def test_unwritable_store_is_a_clear_error(tmp_path: Path, start: Start) -> None:
    """A store that cannot be made is named, with what to do, and the ports are free again."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be opened"):
        start(store_path=tmp_path / "file" / "store.sqlite")
    start()


@pytest.mark.parametrize(
    "options",
    [
        {"window_seconds": 0},
        {"window_seconds": 367 * 86_400},
        {"api_port": 65_536},
        {"otlp_http_port": -1},
        {"evaluation_interval_seconds": 0},
        {"evaluation_interval_seconds": float("nan")},
        {"lateness_seconds": -1},
        {"max_body_bytes": 0},
        {"max_decompressed_bytes": 0},
        {"max_requests": 0},
        {"write_queue_size": 0},
        {"dedupe_seconds": 0},
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any]) -> None:
    """An option out of range is refused when it is given, by name."""
    (name,) = options
    with pytest.raises(ConfigurationError, match=name):
        CollectorOptions(store_path="s", **options)


def test_restart_keeps_everything(
    start: Start, baseline: mw.Baseline, traffic: Traffic, tmp_path: Path
) -> None:
    """A second collector on the same file knows what the first one was told."""
    first = start()
    first.push(baseline)
    first.post(traffic.body())
    second = start()
    assert plain_http.get(second.version("/drift")).json()["rows"] == 500
