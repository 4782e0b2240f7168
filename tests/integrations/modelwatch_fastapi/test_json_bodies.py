from __future__ import annotations

import gzip
import json

import pytest

from modelwatch_fastapi import json_bodies
from modelwatch_fastapi.json_bodies import JsonBody

JSON = [(b"content-type", b"application/json")]
GZIP = [(b"content-encoding", b"gzip")]


@pytest.fixture(params=["pydantic's", "Python's"], autouse=True)
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Either of the parsers; Python's is taken where there is no pydantic."""
    if request.param == "Python's":
        monkeypatch.setattr(json_bodies, "_parse", json.loads)


@pytest.mark.parametrize("value", [None, 0.5, "text", [], {"a": [1, None]}, True])
def test_any_value_is_read(value: object) -> None:
    """JSON is read as the json module reads it, in chunks of any kind of bytes."""
    body = JsonBody(JSON, 100)
    text = json.dumps(value).encode()
    body.add(memoryview(text[:1]))
    body.add(bytearray(text[1:]))
    assert body.read() == value
    assert body.refusal == ""


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"9" * 100_000])
def test_hostile_text_is_refused(text: bytes) -> None:
    """Text that the json module stumbles over, in whatever way, is a refusal."""
    body = JsonBody(JSON, 1_000_000)
    body.add(text)
    assert body.read() is None
    assert body.refusal == "not JSON"


@pytest.mark.parametrize("value", [b"101", b"9" * 5_000])
def test_a_length_above_the_most_is_refused_before_a_chunk_comes(value: bytes) -> None:
    """What the headers tell is believed, in numbers of any size."""
    assert JsonBody([(b"content-length", value)], 100).refusal == "too large"


@pytest.mark.parametrize("value", [b"100", b"0", b"-7", b"many", b"", b"1e9"])
def test_a_length_that_fits_or_is_none_is_taken(value: bytes) -> None:
    """A wrong length is the server's concern; the chunks are counted anyway."""
    assert JsonBody([(b"content-length", value)], 100).refusal == ""


def test_a_body_is_measured_once_unpacked() -> None:
    """What is packed well is given up at the cap, and memory does not follow its size."""
    bomb = gzip.compress(b'"' + b" " * 50_000_000 + b'"')
    body = JsonBody(GZIP, 100_000)
    body.add(bomb)
    assert body.read() is None
    assert body.refusal == "too large"
    exact = JsonBody(GZIP, 100)
    exact.add(gzip.compress(b'"' + b"x" * 98 + b'"'))
    assert exact.read() == "x" * 98


def test_what_is_packed_badly_is_refused() -> None:
    """A packed body that ends early is no JSON."""
    body = JsonBody(GZIP, 1_000)
    body.add(gzip.compress(b'{"a": 1, "b": 2}')[:-12])
    assert body.read() is None
    assert body.refusal == "not JSON"
