from __future__ import annotations

from modelwatch.telemetry.wire.bounded_cache import BoundedCache


def test_neither_entries_nor_bytes_exceed_their_bounds() -> None:
    """What came first goes first."""
    cache = BoundedCache[int, int](entries=5, nbytes=100)
    for key in range(50):
        cache.put(key, key, nbytes=key % 13)
        assert len(cache) <= 5
        assert cache.nbytes <= 100
    assert cache.get(49) == 49
    assert cache.get(0) is None


def test_what_is_large_displaces_nothing() -> None:
    """One key of megabytes does not empty the cache."""
    cache = BoundedCache[str, int](entries=5, nbytes=800)
    cache.put("small", 1, nbytes=100)
    cache.put("large", 2, nbytes=101)
    assert (cache.get("small"), cache.get("large")) == (1, None)


def test_a_key_put_twice_is_counted_once() -> None:
    """Two threads may make the same value."""
    cache = BoundedCache[str, int](entries=5, nbytes=800)
    cache.put("a", 1, nbytes=50)
    cache.put("a", 2, nbytes=70)
    assert (cache.get("a"), cache.nbytes, len(cache)) == (2, 70, 1)
