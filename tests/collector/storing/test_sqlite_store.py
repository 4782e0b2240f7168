from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from modelwatch.collector.storing.database import Database
from modelwatch.collector.storing.schema import SCHEMA_VERSION
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.collector.storing.store import Evaluation, FilledWindow
from modelwatch.collector.storing.writer import GroupCommitWriter
from modelwatch.collector.windows import TimeWindow
from modelwatch.errors import StoreBusy, StoreError
from modelwatch.report.drift_report import DriftReport, FeatureDrift, Severity
from modelwatch.telemetry.wire import Arrival, SeriesSet
from tests.collector.conftest import MODEL, NOW_NS, SECOND, VERSION, Traffic

HOUR = TimeWindow.ending(NOW_NS, seconds=3_600)


def each_series(arrival: Arrival) -> list[Arrival]:
    """Cut an arrival into one a series."""
    offsets = arrival.series_set.offsets
    pieces, at = [], 0
    for number, series in enumerate(arrival.series_set.series):
        floats = slice(at, at + series.is_histogram)
        at += series.is_histogram
        pieces.append(
            replace(
                arrival,
                series_set=SeriesSet((series,)),
                counts=arrival.counts[offsets[number] : offsets[number + 1]],
                sums=arrival.sums[floats],
                minima=arrival.minima[floats],
                maxima=arrival.maxima[floats],
            )
        )
    return pieces


def report_of(severity: Severity) -> str:
    """Return the document of a report with one feature."""
    age = FeatureDrift(
        name="age", role="input", kind="numeric", rows=9, severity=severity, psi=0.5, effect=0.4
    )
    report = DriftReport(
        model=MODEL, version=VERSION, baseline_id="b", start_ns=0, end_ns=0, rows=9,
        features={"age": age},
    )  # fmt: skip
    return json.dumps(report.to_dict())


async def test_keeps_what_was_written(store: SqliteStore, traffic: Traffic) -> None:
    """What was written is in the window it ends in, with every count as sent."""
    sent = traffic.profile()
    written = await store.write(traffic.arrivals(sent))
    found = store.window(MODEL, VERSION, HOUR)
    profile = found.profiles[sent.baseline_id]
    assert (written.duplicates, written.rejected) == (0, 0)
    assert profile.rows == sent.rows
    assert {n: f.observed for n, f in profile.features.items()} == {
        n: f.observed for n, f in sent.features.items()
    }
    assert (found.instances, found.unmergeable) == (1, 0)


async def test_resend_changes_nothing(store: SqliteStore, traffic: Traffic) -> None:
    """Points that come again, alone or among new ones, are counted once."""
    first, second = traffic.profile(), traffic.profile(instance="b")
    await store.write(traffic.arrivals(first))
    again = await store.write([*traffic.arrivals(first), *traffic.arrivals(second)])
    assert again.duplicates == traffic.points(first)
    found = store.window(MODEL, VERSION, HOUR)
    assert found.profiles[first.baseline_id].rows == first.rows + second.rows
    assert store.versions()[0].rows == first.rows + second.rows


async def test_points_doubled_in_one_request_count_once(
    store: SqliteStore, traffic: Traffic
) -> None:
    """A request that holds the same points twice is stored once."""
    arrivals = traffic.arrivals()
    await store.write([*arrivals, *arrivals])
    assert store.versions()[0].rows == traffic.profile().rows


async def test_profile_split_over_requests_is_whole(store: SqliteStore, traffic: Traffic) -> None:
    """Points of one profile that come in several requests merge to the whole, in any order."""
    sent = traffic.profile()
    pieces = [piece for arrival in traffic.arrivals(sent) for piece in each_series(arrival)]
    for piece in reversed(pieces):
        assert (await store.write([piece])).stored == 1
    assert (await store.write(traffic.arrivals(sent))).stored == 0
    profile = store.window(MODEL, VERSION, HOUR).profiles[sent.baseline_id]
    assert profile.rows == sent.rows
    assert {n: f.observed for n, f in profile.features.items()} == {
        n: f.observed for n, f in sent.features.items()
    }


async def test_what_a_piece_lacked_is_added(store: SqliteStore, traffic: Traffic) -> None:
    """Of a request that overlaps one before it, the points that are new are stored."""
    sent = traffic.profile()
    first, *rest = each_series(traffic.arrivals(sent)[0])
    await store.write([first])
    whole = await store.write(traffic.arrivals(sent))
    assert (whole.stored, whole.duplicates) == (len(rest), 1)
    profile = store.window(MODEL, VERSION, HOUR).profiles[sent.baseline_id]
    assert profile.rows == sent.rows
    assert {n: f.observed for n, f in profile.features.items()} == {
        n: f.observed for n, f in sent.features.items()
    }


async def test_window_is_open_below_and_closed_above(store: SqliteStore, traffic: Traffic) -> None:
    """A profile that ends on a boundary belongs to the window before it, and to no other."""
    await store.write(traffic.arrivals())
    before = TimeWindow.ending(NOW_NS, seconds=10)
    after = TimeWindow(NOW_NS, NOW_NS + 10 * SECOND)
    assert store.window(MODEL, VERSION, before).profiles
    assert not store.window(MODEL, VERSION, after).profiles
    found = store.filled_windows(MODEL, VERSION, seconds=10, since_ns=0)
    assert [TimeWindow.aligned(w.number, seconds=10) for w in found] == [before]
    assert store.through_id(MODEL, VERSION, before) == found[0].through_id
    assert store.through_id(MODEL, VERSION, after) == 0


async def test_other_bins_are_kept_apart(store: SqliteStore, traffic: Traffic) -> None:
    """Profiles counted without the baseline are a group of their own."""
    await store.write(traffic.arrivals())
    await store.write(traffic.arrivals(traffic.profile(instance="b", on_baseline=False)))
    found = store.window(MODEL, VERSION, HOUR)
    assert set(found.profiles) == {traffic.baseline.id, None}
    assert found.rows_apart(traffic.baseline.id) == 500


async def test_damaged_row_is_counted(store: SqliteStore, traffic: Traffic) -> None:
    """A damaged row is left out and counted; the others still answer."""
    await store.write(traffic.arrivals())
    await store.write(traffic.arrivals(traffic.profile(instance="b")))
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute("UPDATE arrivals SET counts = x'00' WHERE id = 1")
        connection.commit()
    found = store.window(MODEL, VERSION, HOUR)
    assert found.unmergeable == 1
    assert found.profiles[traffic.baseline.id].rows == 500


async def test_impossible_times_are_rejected(store: SqliteStore, traffic: Traffic) -> None:
    """A time beyond signed 64 bit is rejected, and does not fail what came with it."""
    good, bad = traffic.arrivals()[0], traffic.arrivals(traffic.profile(instance="b"))[0]
    bad = replace(bad, window=replace(bad.window, end_ns=2**64 - 1))
    written = await store.write([good, bad])
    assert (written.stored, written.rejected) == (good.points, bad.points)


async def test_what_cannot_be_stored_fails_alone(store: SqliteStore, traffic: Traffic) -> None:
    """A request that SQLite cannot take is refused whole; others in its batch are committed."""
    good = traffic.arrivals()
    bad = traffic.arrivals(traffic.profile(instance="b"))[0]
    unwritable = replace(bad, window=replace(bad.window, segment="\ud800"))
    results = await asyncio.gather(
        store.write(good),
        store.write([unwritable]),
        store.write([bad]),
        return_exceptions=True,
    )
    assert isinstance(results[1], UnicodeEncodeError)
    assert store.versions()[0].rows == 1_000


async def test_forgotten_keys_are_purged(tmp_path: Path, traffic: Traffic) -> None:
    """Keys are kept for the time that was asked for, and not without end."""
    now = [NOW_NS]
    store = SqliteStore(Database(tmp_path / "s"), dedupe_seconds=60, clock=lambda: now[0])
    await store.write(traffic.arrivals())
    now[0] += 7_200 * SECOND
    recent = traffic.arrivals(traffic.profile(end_ns=now[0]))
    await store.write(recent)
    await store.tidy()
    assert (await store.write(recent)).stored == 0
    assert (await store.write(traffic.arrivals())).duplicates == 0
    store.close()


async def test_newest_baseline_is_current(store: SqliteStore) -> None:
    """The baseline that was pushed last is the current one, though it was pushed before."""
    assert store.baseline(MODEL, VERSION) is None
    for content in ("one", "two", "one"):
        await store.put_baseline(MODEL, VERSION, content, f"{{{content}}}")
    found = store.baseline(MODEL, VERSION)
    assert found is not None
    assert (found.id, found.content) == ("one", "{one}")
    assert store.versions()[0].baseline_id == "one"


async def test_keeps_evaluations(store: SqliteStore) -> None:
    """An evaluation replaces that of the same window and baseline; the oldest comes first."""
    windows = [TimeWindow.aligned(n, seconds=60) for n in range(3)]
    report = report_of("drift")
    for number, window in enumerate([*windows, windows[2]]):
        evaluation = Evaluation(
            baseline_id="b", window=window, through_id=number, evaluated_ns=number, report=report
        )
        await store.record_evaluation(MODEL, VERSION, evaluation)
    found = store.evaluations(MODEL, VERSION, limit=2)
    assert [item.window for item in found] == windows[1:]
    assert found[-1].through_id == 3
    until = store.evaluations(MODEL, VERSION, limit=2, until_ns=windows[1].end_ns)
    assert [item.window for item in until] == windows[:2]
    known = store.evaluated(MODEL, VERSION, baseline_id="b", since_ns=0)
    assert known == dict(zip(windows, (0, 1, 3), strict=True))
    assert not store.evaluated(MODEL, VERSION, baseline_id="other", since_ns=0)


async def test_summaries_tell_what_reports_do(store: SqliteStore) -> None:
    """A list of evaluations tells what the reports come to, those of older files too."""
    severities: tuple[Severity, ...] = ("drift", "none")
    for number, severity in enumerate(severities):
        evaluation = Evaluation(
            baseline_id="b",
            window=TimeWindow.aligned(number, seconds=60),
            through_id=number,
            evaluated_ns=number,
            report=report_of(severity),
        )
        await store.record_evaluation(MODEL, VERSION, evaluation)
    told = store.summaries(MODEL, VERSION, limit=2)
    assert [item.summary.verdict for item in told] == ["drift", "none"]
    assert [item.summary.features["age"].psi for item in told] == [0.5, 0.5]
    assert [item.window for item in told] == [
        item.window for item in store.evaluations(MODEL, VERSION, limit=2)
    ]
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute("DELETE FROM evaluation_summaries")
        connection.commit()
    assert store.summaries(MODEL, VERSION, limit=2) == told


async def test_survives_reopening(tmp_path: Path, traffic: Traffic) -> None:
    """What was committed is there when the store is opened again."""
    first = SqliteStore.open(tmp_path / "deep" / "store.sqlite")
    await first.write(traffic.arrivals())
    first.close()
    second = SqliteStore.open(tmp_path / "deep" / "store.sqlite")
    again = await second.write(traffic.arrivals())
    second.close()
    assert again.stored == 0
    assert second.filled_windows(MODEL, VERSION, seconds=60, since_ns=0) == [
        FilledWindow(number=(NOW_NS - 1) // (60 * SECOND), through_id=1)
    ]


def test_refuses_newer_schema(tmp_path: Path) -> None:
    """A store of a later release is refused, untouched, with what to do."""
    path = tmp_path / "store.sqlite"
    SqliteStore.open(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    with pytest.raises(StoreError, match="upgrade modelwatch"):
        SqliteStore.open(path)


def test_refuses_foreign_database(tmp_path: Path) -> None:
    """Another program's database is never written to."""
    path = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    with pytest.raises(StoreError, match="another program"):
        SqliteStore.open(path)


def test_refuses_what_is_no_database(tmp_path: Path) -> None:
    """A file that is no database, and a folder, are refused."""
    path = tmp_path / "text"
    path.write_text("no database " * 100)
    for wrong in (path, tmp_path):
        with pytest.raises(StoreError, match="cannot be opened"):
            SqliteStore.open(wrong)


async def test_full_queue_is_busy(tmp_path: Path) -> None:
    """Where more waits than was allowed, the next write is refused at once, and stores nothing."""
    connection = sqlite3.connect(tmp_path / "x", isolation_level=None, check_same_thread=False)
    writer = GroupCommitWriter(connection, queue_size=2)
    held, entered = threading.Event(), threading.Event()

    def block(_: sqlite3.Connection) -> None:
        entered.set()
        held.wait(20)

    futures = [writer.submit(block)]
    assert entered.wait(20)
    futures += [writer.submit(lambda c: None) for _ in range(2)]
    with pytest.raises(StoreBusy, match="send again"):
        writer.submit(lambda c: None)
    held.set()
    for future in futures:
        future.result(timeout=20)
    writer.close()
    with pytest.raises(StoreError, match="closed"):
        writer.submit(lambda c: None)


async def test_failed_commit_fails_every_write_in_it(tmp_path: Path, traffic: Traffic) -> None:
    """Where the database fails, nobody is told that a write succeeded."""
    store = SqliteStore.open(tmp_path / "store.sqlite")
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute("DROP TABLE seen")
    with pytest.raises(StoreError, match="store failed"):
        await store.write(traffic.arrivals())
    store.close()


@pytest.mark.parametrize("replaced", [False, True])
async def test_a_lost_file_takes_no_writes(
    tmp_path: Path, traffic: Traffic, replaced: bool
) -> None:
    """Where the file is removed or replaced while it is open, writes and reads fail and say so."""
    store = SqliteStore.open(tmp_path / "store.sqlite")
    await store.write(traffic.arrivals())
    store.path.rename(tmp_path / "moved.sqlite")
    if replaced:
        SqliteStore.open(store.path).close()
    match = "replaced" if replaced else "gone"
    with pytest.raises(StoreError, match=match):
        await store.write(traffic.arrivals(traffic.profile(instance="b")))
    with pytest.raises(StoreError, match=match):
        store.versions()
    store.close()


async def test_a_file_that_comes_back_is_written_again(tmp_path: Path, traffic: Traffic) -> None:
    """Where the removed file is put back, nothing that was acknowledged is lost."""
    store = SqliteStore.open(tmp_path / "store.sqlite")
    await store.write(traffic.arrivals())
    away = store.path.rename(tmp_path / "moved.sqlite")
    with pytest.raises(StoreError, match="gone"):
        await store.write(traffic.arrivals(traffic.profile(instance="b")))
    away.rename(store.path)
    await store.write(traffic.arrivals(traffic.profile(instance="b")))
    assert store.versions()[0].rows == 1_000
    store.close()
