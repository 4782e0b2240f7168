from __future__ import annotations

import logging
import sqlite3
from contextlib import closing

import pytest

import modelwatch as mw
from modelwatch.collector.security.options import SecurityOptions
from tests import plain_http
from tests.collector.conftest import Start
from tests.collector.security.conftest import StoreTokens, bearer


def acts(api: str, **parameters: str) -> list[dict[str, str]]:
    """Return what the audit log of an open collector tells."""
    entries: list[dict[str, str]] = plain_http.get(f"{api}/api/v1/audit", params=parameters).json()[
        "entries"
    ]
    return entries


def test_each_change_is_kept(
    start: Start, baseline: mw.Baseline, caplog: pytest.LogCaptureFixture
) -> None:
    """What was changed, and what was tried in vain, is kept with who, when, what and from where."""
    collector = start()
    with caplog.at_level(logging.INFO, "modelwatch"):
        assert collector.push(baseline).status_code == 201
        assert plain_http.put(collector.version("/capture"), content=b"no").status_code == 422
        assert plain_http.delete(collector.version("/capture")).status_code == 204
        assert plain_http.get(collector.version("/capture")).status_code == 200
    deleted, refused, pushed = acts(collector.api)
    assert [entry["outcome"] for entry in (pushed, refused, deleted)] == [
        "done", "refused with 422", "done",
    ]  # fmt: skip
    assert (pushed["act"], pushed["address"], pushed["who"]) == ("PUT", "127.0.0.1", "(no token)")
    assert pushed["target"].endswith("/baseline")
    assert pushed["at"] == "2023-11-14T22:13:20.000Z"
    told = [record for record in caplog.records if record.getMessage().startswith("audit: ")]
    assert [vars(record)["act"] for record in told] == ["PUT", "PUT", "DELETE"]


def test_an_act_and_its_note_are_one_transaction(start: Start, baseline: mw.Baseline) -> None:
    """Where the note cannot be written, nothing is changed either."""
    collector = start()
    with closing(sqlite3.connect(collector.store)) as connection:
        connection.execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
        connection.commit()
        assert collector.push(baseline).status_code == 503
        assert connection.execute("SELECT count(*) FROM baselines").fetchone() == (0,)
        connection.execute("DROP TRIGGER refuse")
        connection.commit()
    assert collector.push(baseline).status_code == 201


def test_baselines_put_back_are_kept_with_their_note(start: Start, baseline: mw.Baseline) -> None:
    """An earlier baseline comes back with its note in the log, and not without it."""
    collector = start()
    assert collector.push(baseline).status_code == 201
    address = collector.version(f"/baselines/{baseline.id}/promote")
    with closing(sqlite3.connect(collector.store)) as connection:
        (before,) = connection.execute("SELECT number FROM baselines").fetchone()
        connection.execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
        connection.commit()
        assert plain_http.post(address).status_code == 503
        assert connection.execute("SELECT number FROM baselines").fetchone() == (before,)
        connection.execute("DROP TRIGGER refuse")
        connection.commit()
    assert plain_http.post(address).status_code == 200
    latest = acts(collector.api)[0]
    assert (latest["act"], latest["outcome"]) == ("POST", "done")
    assert latest["target"].endswith(f"/baselines/{baseline.id}/promote")


def test_only_admins_fill_the_log_and_read_it(
    start: Start, tokens: StoreTokens, baseline: mw.Baseline
) -> None:
    """Who may change nothing can push nothing out of the log, and does not see it."""
    reader, admin = tokens.make("reader", "read"), tokens.make("boss", "admin")
    collector = start()
    put = plain_http.put(
        collector.version("/baseline"), content=baseline.to_json(), headers=bearer(reader)
    )
    assert put.status_code == 403
    audit = f"{collector.api}/api/v1/audit"
    assert plain_http.get(audit, headers=bearer(reader)).status_code == 403
    plain_http.delete(collector.version("/capture"), headers=bearer(admin))
    entries = plain_http.get(audit, headers=bearer(admin)).json()["entries"]
    assert [(entry["who"], entry["act"]) for entry in entries] == [
        ("boss", "DELETE"), ("(test)", "token create"), ("(test)", "token create"),
    ]  # fmt: skip


@pytest.mark.parametrize(("trusted", "address"), [((), "127.0.0.1"), (("127.0.0.1",), "192.0.2.7")])
def test_addresses_are_believed_of_trusted_proxies_alone(
    start: Start, trusted: tuple[str, ...], address: str
) -> None:
    """Where a client comes from is what the connection says, unless a named proxy says more."""
    collector = start(security=SecurityOptions(trusted_proxies=trusted))
    claimed = {"X-Forwarded-For": "192.0.2.7"}
    plain_http.delete(collector.version("/capture"), headers=claimed)
    (entry,) = acts(collector.api)
    assert entry["address"] == address


def test_the_log_is_paged(start: Start) -> None:
    """Pages follow one another by their cursor, and the last has none."""
    collector = start()
    for _ in range(5):
        plain_http.delete(collector.version("/capture"))
    audit = f"{collector.api}/api/v1/audit"
    first = plain_http.get(audit, params={"limit": 3})
    second = plain_http.get(audit, params={"limit": 3, "cursor": first.json()["next_cursor"]})
    assert [len(page.json()["entries"]) for page in (first, second)] == [3, 2]
    assert second.json()["next_cursor"] is None
    assert first.headers["cache-control"] == "no-store"
