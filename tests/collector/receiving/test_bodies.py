from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest

from modelwatch.collector.receiving.bodies import decompress
from modelwatch.errors import BodyTooLarge, UndecodableTelemetry


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "identity"])
def test_returns_what_was_compressed(encoding: str) -> None:
    """Every encoding that is taken gives back the bytes, up to the limit and including it."""
    data = bytes(range(256)) * 40
    packed = {"gzip": gzip.compress(data), "deflate": zlib.compress(data), "identity": data}
    assert decompress(packed[encoding], encoding, limit=len(data)) == data
    with pytest.raises(BodyTooLarge, match="max_decompressed_bytes"):
        decompress(packed[encoding], encoding, limit=len(data) - 1)


def test_bomb_is_never_inflated() -> None:
    """A 100 MB bomb costs no more memory than the limit."""
    bomb = gzip.compress(bytes(100 * 2**20))
    tracemalloc.start()
    with pytest.raises(BodyTooLarge):
        decompress(bomb, "gzip", limit=2**20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * 2**20


def test_several_members_are_one_body() -> None:
    """A gzip of several members is read to its end, and their sum counts against the limit."""
    body = gzip.compress(b"a" * 10) + gzip.compress(b"b" * 10)
    assert decompress(body, "gzip", limit=20) == b"a" * 10 + b"b" * 10
    with pytest.raises(BodyTooLarge):
        decompress(body, "gzip", limit=19)


def test_too_many_members_are_refused() -> None:
    """A body of thousands of empty members is refused before it costs anything."""
    with pytest.raises(UndecodableTelemetry, match="members"):
        decompress(gzip.compress(b"") * 5_000, "gzip", limit=100)


BODIES = {"empty": b"", "text": b"no gzip at all", "cut": gzip.compress(b"x" * 1_000)[:-9]}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_damaged_bodies_are_refused(body: bytes) -> None:
    """What is damaged or cut short is refused as undecodable."""
    with pytest.raises(UndecodableTelemetry):
        decompress(body, "gzip", limit=10_000)
