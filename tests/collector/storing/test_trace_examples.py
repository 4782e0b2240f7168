from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelwatch.collector.storing.database import Database
from modelwatch.collector.storing.importing import import_store
from modelwatch.collector.storing.maintenance import check
from modelwatch.collector.storing.retention import Retention
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.collector.storing.trace_examples import MOST_EACH, MOST_OF_SPAN
from modelwatch.collector.storing.transfer import export_store
from modelwatch.collector.windows import TimeWindow
from modelwatch.errors import StoreError
from modelwatch.telemetry.wire.examples import Example, ExampleKind
from tests.collector.conftest import MODEL, NOW_NS, SECOND, VERSION, Traffic

HOUR = TimeWindow.ending(NOW_NS, seconds=3_600)
DAY_NS = 86_400 * SECOND


def example(
    number: int, *, at_ns: int = NOW_NS, kind: ExampleKind = "outlier", name: str = "age"
) -> Example:
    """Return an example whose trace id is a number."""
    return Example(MODEL, VERSION, kind, name, number.to_bytes(16, "big"), bytes(8), at_ns)


def trace(number: int) -> str:
    """Return the trace id that is a number."""
    return f"{number:032x}"


@pytest.fixture
async def known(store: SqliteStore, traffic: Traffic) -> SqliteStore:
    """A store that has data of the model version."""
    await store.write(traffic.arrivals())
    return store


async def test_the_latest_few_of_each_feature_stay(known: SqliteStore) -> None:
    """Of many in a span of time the latest are kept, those of outliers first, and each once."""
    many = [example(n + 1, at_ns=NOW_NS - (100 - n) * SECOND) for n in range(100)]
    assert await known.keep_examples(many[:50]) == MOST_EACH
    await known.keep_examples(many[50:])
    assert await known.keep_examples(many[95:]) == 0
    await known.keep_examples([example(500, kind="shift"), example(501, name="b", kind="shift")])
    found = known.traces(MODEL, VERSION, HOUR)
    assert found.features["age"] == tuple(trace(n) for n in (100, 99, 98, 97, 96))
    assert found.features["b"] == (trace(501),)
    assert found.outliers == found.features["age"]
    assert known.database.read("SELECT count(*) FROM trace_examples") == [(MOST_EACH + 2,)]


async def test_a_window_shows_its_own(known: SqliteStore) -> None:
    """What ended at its start is of the window before; errors are told by their type."""
    edges = (HOUR.start_ns, HOUR.start_ns + 1, HOUR.end_ns, HOUR.end_ns + 1)
    for number, at_ns in enumerate(edges, start=1):
        await known.keep_examples([example(number, at_ns=at_ns)])
        await known.keep_examples([example(9 + number, at_ns=at_ns, kind="error", name="E")])
    found = known.traces(MODEL, VERSION, HOUR)
    assert found.features == {"age": (trace(3), trace(2))}
    assert found.errors == {"E": (trace(12), trace(11))}
    assert known.traces(MODEL, "other", HOUR).features == {}


async def test_versions_without_data_have_none(store: SqliteStore) -> None:
    """Who sends examples alone makes no model of it."""
    assert await store.keep_examples([example(1)]) == 0
    assert store.versions() == []


async def test_many_features_of_one_span_are_bounded(known: SqliteStore) -> None:
    """However many features are named, a span holds so many examples and no more."""
    named = [example(n + 1, name=f"f{n}", at_ns=NOW_NS - n) for n in range(MOST_OF_SPAN + 500)]
    await known.keep_examples(named)
    assert known.database.read("SELECT count(*) FROM trace_examples") == [(MOST_OF_SPAN,)]
    assert "f0" in known.traces(MODEL, VERSION, HOUR).features


async def test_old_ones_are_thinned_and_let_go(tmp_path: Path, traffic: Traffic) -> None:
    """With the minutes, the latest of each hour stay; with the hours, of each day; then none."""
    now = [NOW_NS // DAY_NS * DAY_NS + DAY_NS]
    store = SqliteStore(
        Database(tmp_path / "s"),
        retention=Retention(days_seconds=60 * 86_400),
        clock=lambda: now[0],
    )
    await store.write(traffic.arrivals(traffic.profile(end_ns=now[0])))
    day = TimeWindow(now[0] - DAY_NS, now[0])
    minutes = range(0, 24 * 60, 2)
    for minute in minutes:
        at_ns = day.start_ns + (minute * 60 + 1) * SECOND
        await store.keep_examples([example(minute + 1, at_ns=at_ns)])

    def count() -> int:
        return int(store.database.read("SELECT count(*) FROM trace_examples")[0][0])

    await store.tidy()
    assert count() == len(minutes)
    latest = store.traces(MODEL, VERSION, day)
    now[0] += 3 * DAY_NS
    await store.tidy()
    assert count() == 24 * MOST_EACH
    first_hour = TimeWindow(day.start_ns, day.start_ns + 3_600 * SECOND)
    assert store.traces(MODEL, VERSION, first_hour).features["age"] == tuple(
        trace(minute + 1) for minute in (58, 56, 54, 52, 50)
    )
    now[0] += 40 * DAY_NS
    await store.tidy()
    assert count() == MOST_EACH
    assert store.traces(MODEL, VERSION, day) == latest
    now[0] += 60 * DAY_NS
    await store.tidy()
    assert count() == 0
    store.close()


async def test_a_file_that_is_too_large_lets_them_go(tmp_path: Path, traffic: Traffic) -> None:
    """They are detail, and go before what windows are made of."""
    store = SqliteStore(
        Database(tmp_path / "s"),
        retention=Retention(max_store_bytes=2**20),
        clock=lambda: NOW_NS,
    )
    await store.write(traffic.arrivals())
    for span in range(20):
        at_ns = NOW_NS - span * 600 * SECOND
        await store.keep_examples(
            [example(n + 1, name=f"{n}" * 30, at_ns=at_ns) for n in range(1_000)]
        )
    await store.tidy()
    assert store.database.read("SELECT count(*) FROM trace_examples")[0][0] < 20_000
    minute = TimeWindow.ending(NOW_NS, seconds=60)
    assert store.window(MODEL, VERSION, minute).profiles[traffic.baseline.id].rows == 500
    store.close()
    assert check(tmp_path / "s").problems == []


async def test_an_export_carries_them(known: SqliteStore, tmp_path: Path) -> None:
    """Another store shows the same after it has taken the file; a damaged one is refused."""
    await known.keep_examples([example(1), example(2, kind="error", name="E")])
    target = tmp_path / "export.jsonl"
    assert export_store(known.path, target)["trace_example"] == 2
    assert import_store(target, tmp_path / "other")["trace_example"] == 2
    other = SqliteStore.open(tmp_path / "other")
    assert other.traces(MODEL, VERSION, HOUR) == known.traces(MODEL, VERSION, HOUR)
    other.close()
    lines = target.read_text().splitlines()
    for change in ({"about": "moon"}, {"trace_id": "xyz"}, {"trace_id": "ab"}, {"at_ns": "now"}):
        body = {**json.loads(lines[-1]), **change}
        (tmp_path / "bad.jsonl").write_text("\n".join([*lines[:-1], json.dumps(body)]))
        with pytest.raises(StoreError):
            import_store(tmp_path / "bad.jsonl", tmp_path / "third")
