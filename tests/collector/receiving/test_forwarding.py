from __future__ import annotations

import asyncio
import contextlib
import gzip
import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from modelwatch.collector.receiving.forwarding import Forwarder, ForwardOptions
from modelwatch.collector.receiving.options import ReceivingOptions
from modelwatch.errors import ConfigurationError
from tests import plain_http
from tests.collector.conftest import PROTOBUF, Start, Traffic, eventually


@dataclass
class Downstream:
    """An endpoint that answers as it is told to, and remembers what it took."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    taken: list[tuple[str, bytes, dict[str, str]]] = field(default_factory=list)


@contextlib.contextmanager
def listening() -> Iterator[Downstream]:
    """Run an endpoint."""
    state = Downstream()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status = state.statuses.pop(0) if state.statuses else 200
            if status == 200:
                headers = {name.lower(): value for name, value in self.headers.items()}
                state.taken.append((self.path, body, headers))
            self.send_response(status)
            self.send_header("content-length", "0")
            for name, value in state.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        state.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield state
        server.shutdown()
        thread.join()


def to(endpoint: Downstream) -> ReceivingOptions:
    """Return options that send on to an endpoint."""
    forward = ForwardOptions(endpoint=f"{endpoint.url}/", headers={"authorization": "Bearer x"})
    return ReceivingOptions(forward=forward)


def test_all_is_sent_on_as_it_came(start: Start, traffic: Traffic) -> None:
    """Ours and what is not ours, of all signals, arrives downstream with its bytes unchanged."""
    with listening() as endpoint:
        running = start(receiving=to(endpoint))
        packed = gzip.compress(traffic.body())
        running.post(packed, **{"Content-Encoding": "gzip"})
        json = {"Content-Type": "application/json"}
        plain_http.post(f"{running.otlp}/v1/traces", content=b'{"x": 1}', headers=json)
        plain_http.post(f"{running.otlp}/v1/logs", content=b"", headers=PROTOBUF)
        assert eventually(lambda: len(endpoint.taken) == 3)
        taken = {path: (body, headers) for path, body, headers in endpoint.taken}
        assert taken["/v1/metrics"][0] == packed
        assert taken["/v1/metrics"][1]["content-encoding"] == "gzip"
        assert taken["/v1/traces"][0] == b'{"x": 1}'
        assert taken["/v1/traces"][1]["content-type"] == "application/json"
        assert taken["/v1/logs"][1]["authorization"] == "Bearer x"
        assert eventually(lambda: running.received()["forwarded"]["sent"] == 3)


def test_an_endpoint_that_is_busy_is_asked_again(start: Start, traffic: Traffic) -> None:
    """Statuses that pass are tried again, and the service is answered meanwhile."""
    with listening() as endpoint:
        endpoint.statuses = [503]
        running = start(receiving=to(endpoint))
        assert running.post(traffic.body()).status_code == 200
        assert eventually(lambda: len(endpoint.taken) == 1)
        assert running.received()["forwarded"]["retried"] == 1


def test_losses_are_counted(start: Start, traffic: Traffic) -> None:
    """What the endpoint refuses, and what there is no place for, is counted."""
    with listening() as endpoint:
        endpoint.statuses = [400]
        options = to(endpoint)
        assert options.forward is not None
        size = len(traffic.body())
        small = replace(options.forward, max_bytes=size + 1_000)
        running = start(receiving=replace(options, forward=small))
        running.post(traffic.body())
        assert eventually(lambda: running.received()["forwarded"]["refused"] == 1)
        running.post(traffic.body() + traffic.body())
        assert running.received()["forwarded"]["overflowed"] == 1


def test_nothing_goes_in_a_circle(start: Start, traffic: Traffic) -> None:
    """What another collector sent on is taken, and not sent on again."""
    with listening() as endpoint:
        running = start(receiving=to(endpoint))
        running.post(traffic.body(), **{"modelwatch-forwarded": "1"})
        told = running.received()
        assert told["points"] > 0
        assert told["forwarded"]["waiting"] == told["forwarded"]["sent"] == 0


async def test_what_waits_at_the_end_is_counted() -> None:
    """A forwarder that is stopped while nobody answers counts what it leaves behind."""
    forwarder = Forwarder(ForwardOptions(endpoint="http://127.0.0.1:9", max_seconds=60))
    stop = asyncio.Event()
    forwarder.offer("/v1/logs", b"x", media_type="a", encoding="identity")
    stop.set()
    await forwarder.run(stop)
    assert forwarder.counts.expired == 1


async def test_a_wait_beyond_the_time_allowed_is_not_begun() -> None:
    """What the endpoint wants no sooner than it may be tried is lost to it at once, and counted."""
    with listening() as endpoint:
        endpoint.statuses, endpoint.headers = [503], {"retry-after": "3600"}
        forwarder = Forwarder(ForwardOptions(endpoint=endpoint.url, max_seconds=600))
        stop = asyncio.Event()
        running = asyncio.create_task(forwarder.run(stop))
        forwarder.offer("/v1/logs", b"x", media_type="a", encoding="identity")
        assert await asyncio.to_thread(eventually, lambda: forwarder.counts.expired == 1)
        assert forwarder.counts.retried == 0
        stop.set()
        await running


@pytest.mark.parametrize(
    "headers", [{"x key": "1"}, {"x-key": "a\r\nb"}, {"x-key": "\u00fc"}], ids=ascii
)
def test_headers_that_cannot_be_sent_are_refused(headers: dict[str, str]) -> None:
    """They are named, and their values are not repeated."""
    with pytest.raises(ConfigurationError, match="MODELWATCH_FORWARD_HEADERS") as found:
        ForwardOptions(endpoint="http://a", headers=headers)
    assert next(iter(headers.values())) not in str(found.value)


@pytest.mark.parametrize("endpoint", ["", "localhost:4318", "ftp://a", "http://a?b"])
def test_wrong_endpoints_are_refused(endpoint: str) -> None:
    """What is no address of an endpoint is refused when the options are made."""
    with pytest.raises(ConfigurationError, match="--forward-endpoint"):
        ForwardOptions(endpoint=endpoint)
    assert "Bearer" not in repr(ForwardOptions(endpoint="http://a", headers={"a": "Bearer"}))
