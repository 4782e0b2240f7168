from __future__ import annotations

import asyncio
import base64
import gzip
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import modelwatch as mw
from modelwatch.collector.storing.sqlite_store import SqliteStore
from modelwatch.collector.storing.store import Evaluation
from modelwatch.collector.windows import TimeWindow
from modelwatch.profile_format import profile_to_dict
from modelwatch.telemetry.steering import Steering
from tests.cli.conftest import Run
from tests.collector.conftest import MODEL, NOW_NS, SECOND, VERSION, Traffic, baseline, traffic

__all__ = ["baseline", "traffic"]

HOUR = TimeWindow.ending(NOW_NS, seconds=3_600)


@pytest.fixture
def file(tmp_path: Path, traffic: Traffic) -> Path:
    """A store with two minutes, one of them merged, a baseline, steering and an evaluation."""
    path = tmp_path / "store.sqlite"
    store = SqliteStore.open(path, clock=lambda: NOW_NS)

    async def fill() -> None:
        await store.write(traffic.arrivals())
        await store.tidy()
        later = traffic.profile(end_ns=NOW_NS - 90 * SECOND, instance="b")
        await store.write(traffic.arrivals(later))
        known = traffic.baseline
        await store.put_baseline(MODEL, VERSION, known.id, known.to_json())
        await store.put_steering(MODEL, VERSION, Steering(sample_rate=0.5))
        found = store.window(MODEL, VERSION, HOUR).profiles[known.id]
        report = json.dumps(mw.compare(known, found).to_dict())
        evaluation = Evaluation(
            baseline_id=known.id, window=HOUR, through_id=2, evaluated_ns=NOW_NS, report=report
        )
        await store.record_evaluation(MODEL, VERSION, evaluation)

    asyncio.run(fill())
    store.close()
    return path


def test_a_sound_store_is_said_to_be(run: Run, file: Path) -> None:
    """What it holds is told, with status 0."""
    found = run("store", "check", file)
    assert found.status == 0, found.out + found.err
    assert "is sound: versions 1, arrivals 2, merged 1" in found.out


def test_an_empty_store_is_sound(run: Run, tmp_path: Path) -> None:
    """A store that nothing was sent to is checked, copied and exported like any other."""
    SqliteStore.open(tmp_path / "s").close()
    assert "arrivals 0" in run("store", "check", tmp_path / "s").out
    assert "nothing" in run("store", "export", tmp_path / "s", tmp_path / "e.jsonl").out
    assert "nothing" in run("store", "import", tmp_path / "e.jsonl", tmp_path / "new").out


@pytest.mark.parametrize(
    ("table", "column"),
    [("arrivals", "counts"), ("merged", "floats"), ("baselines", "content"),
     ("evaluations", "report"), ("evaluation_summaries", "content")],
)  # fmt: skip
def test_damaged_rows_are_named(run: Run, file: Path, table: str, column: str) -> None:
    """A row that cannot be read is named by table and number, with status 1."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"UPDATE {table} SET {column} = x'0102'")
        connection.commit()
    found = run("store", "check", file)
    assert found.status == 1
    assert f"{table} " in found.out
    assert "damaged" in found.err


def test_a_damaged_page_is_found(run: Run, file: Path) -> None:
    """Bytes overwritten in the middle of the file are told, with status 1, not as a crash."""
    content = bytearray(file.read_bytes())
    middle = len(content) // 2 // 8192 * 8192
    content[middle : middle + 8192] = b"\xa5" * 8192
    file.write_bytes(content)
    found = run("store", "check", file)
    assert found.status == 1, found.err
    assert found.out


@pytest.mark.parametrize("command", ["check", "vacuum", "backup", "export"])
def test_no_store_is_a_clear_error(run: Run, tmp_path: Path, command: str) -> None:
    """A file that is not there, or no store, is named, with status 2 and no traceback."""
    text = tmp_path / "text"
    text.write_text("no store " * 2_000)
    for wrong in (tmp_path / "absent", text, tmp_path):
        to = [tmp_path / "to"] if command in ("backup", "export") else []
        found = run("store", command, wrong, *to)
        assert (found.status, found.out) == (2, "")
        assert str(wrong) in found.err
        assert "Traceback" not in found.err
        assert not (tmp_path / "to").exists()


def test_backup_is_a_store_of_its_own(run: Run, file: Path, tmp_path: Path) -> None:
    """The copy is sound and holds the same, though the store is open and written meanwhile."""
    store = SqliteStore.open(file, clock=lambda: NOW_NS)
    found = run("store", "backup", file, tmp_path / "copy")
    expected = store.window(MODEL, VERSION, HOUR)
    store.close()
    assert found.status == 0, found.err
    assert run("store", "check", tmp_path / "copy").status == 0
    copy = SqliteStore.open(tmp_path / "copy")
    for key, profile in copy.window(MODEL, VERSION, HOUR).profiles.items():
        assert profile.to_json() == expected.profiles[key].to_json()
    copy.close()
    again = run("store", "backup", file, tmp_path / "copy")
    assert (again.status, "there already" in again.err) == (2, True)


@pytest.mark.parametrize("name", ["e.jsonl", "e.jsonl.gz"])
def test_an_export_comes_back(run: Run, file: Path, tmp_path: Path, name: str) -> None:
    """What is imported answers as the store that was exported did."""
    assert run("store", "export", file, tmp_path / name).status == 0
    taken = run("store", "import", tmp_path / name, tmp_path / "new")
    assert taken.status == 0, taken.err
    assert "version 1, baseline 1, steering 1, profile 2, evaluation 1" in taken.out
    old, new = SqliteStore.open(file), SqliteStore.open(tmp_path / "new")
    before, after = (each.window(MODEL, VERSION, HOUR).profiles for each in (old, new))
    assert {key: profile_to_dict(profile) for key, profile in before.items()} == {
        key: profile_to_dict(profile) for key, profile in after.items()
    }
    assert old.versions() == new.versions()
    assert old.baseline(MODEL, VERSION) == new.baseline(MODEL, VERSION)
    assert old.steering(MODEL, VERSION) == new.steering(MODEL, VERSION)
    before_told, after_told = (each.summaries(MODEL, VERSION, limit=9) for each in (old, new))
    assert [told.summary for told in before_told] == [told.summary for told in after_told]
    old.close()
    new.close()


def test_what_would_count_twice_is_refused(run: Run, file: Path, tmp_path: Path) -> None:
    """A second import of the same is refused, and changes nothing."""
    run("store", "export", file, tmp_path / "e.jsonl")
    found = run("store", "import", tmp_path / "e.jsonl", file)
    assert (found.status, "twice" in found.err) == (2, True)
    assert "is sound: versions 1, arrivals 2" in run("store", "check", file).out


def test_a_damaged_export_is_refused_whole(run: Run, file: Path, tmp_path: Path) -> None:
    """Where one line cannot be read, it is named, and nothing is taken."""
    export = tmp_path / "e.jsonl"
    run("store", "export", file, export)
    lines = export.read_text().splitlines()
    for damaged in (
        ["{}", *lines[1:]],
        [*lines[:-1], lines[-1][:-20]],
        [*lines, json.dumps({"kind": "moon"})],
        [*lines, json.dumps({"kind": "profile", "content": {}})],
        [],
    ):
        export.write_text("\n".join(damaged) + "\n")
        found = run("store", "import", export, tmp_path / "new")
        assert found.status == 2
        assert "Traceback" not in found.err
        assert "versions 0" in run("store", "check", tmp_path / "new").out
    cut = tmp_path / "cut.jsonl.gz"
    cut.write_bytes(gzip.compress("\n".join(lines).encode())[:-30])
    assert run("store", "import", cut, tmp_path / "new").status == 2


def test_vacuum_keeps_all(run: Run, file: Path) -> None:
    """A store that was written anew holds the same."""
    found = run("store", "vacuum", file)
    assert found.status == 0, found.err
    assert "is sound: versions 1, arrivals 2, merged 1" in run("store", "check", file).out


def test_tokens_are_in_a_backup_and_in_no_export(run: Run, file: Path, tmp_path: Path) -> None:
    """Not even their hashes or names are exported; a copy of the file has them as it is."""
    secret = run("token", "create", "web-services", "--scope", "read", "--store", file).out.strip()
    with closing(sqlite3.connect(file)) as connection:
        ((token_id, digest),) = connection.execute("SELECT id, digest FROM tokens").fetchall()
    assert run("store", "export", file, tmp_path / "e.jsonl").status == 0
    exported = (tmp_path / "e.jsonl").read_text()
    encoded = base64.b64encode(digest).decode().rstrip("=")
    for told in (secret, token_id, digest.hex(), encoded, "web-services", "token create"):
        assert told not in exported
    assert run("store", "import", tmp_path / "e.jsonl", tmp_path / "new").status == 0
    assert "asks nobody" in run("token", "list", "--store", tmp_path / "new").out
    assert run("store", "backup", file, tmp_path / "copy").status == 0
    assert "web-services" in run("token", "list", "--store", tmp_path / "copy").out
    assert secret.encode() not in (tmp_path / "copy").read_bytes()


def test_help_says_what_travels(run: Run) -> None:
    """Who copies or exports a store reads whether its tokens go along."""
    assert "tokens (as hashes)" in " ".join(run("store", "backup", "--help").out.split())
    assert "Not tokens, in any form" in " ".join(run("store", "export", "--help").out.split())
