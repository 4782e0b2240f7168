"""A process that is killed between any two steps neither loses nor doubles an alert."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from modelwatch.collector.alerting.sqlite_alerts import SqliteAlerts
from modelwatch.collector.storing.database import Database
from tests.collector.alerting.conftest import Configure
from tests.collector.alerting.listening import listening
from tests.collector.alerting.test_alerting import DRIFT

ROOT = Path(__file__).parents[3]


def run(store: Path, config: Path, *end: str) -> int:
    """Run the process, and return its exit status."""
    module = "tests.collector.alerting.dying_process"
    command = [sys.executable, "-m", module, str(store), str(config), *end]
    return subprocess.run(command, cwd=ROOT, timeout=120, check=False).returncode


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "when", "number"),
    [
        ("commit", "before", 2),
        ("commit", "after", 2),
        ("delivered", "before", 1),
        ("delivered", "after", 1),
        ("commit", "before", 4),
        ("commit", "after", 4),
    ],
)
def test_kill_9(tmp_path: Path, configure: Configure, method: str, when: str, number: int) -> None:
    """Each notice is heard, by the next process where need be, and twice only with one key."""
    path = tmp_path / "store.sqlite"
    with listening() as server:
        config = configure(
            f'{DRIFT}[[notify]]\nname = "hook"\nkind = "webhook"\nurl = "{server.url}"\n'
        )
        assert run(path, config, method, when, str(number)) == -signal.SIGKILL
        assert run(path, config, "never") == 0
        heard = [(one.document["kind"], one.headers["webhook-id"]) for one in server.heard]
    assert [kind for kind, _ in dict.fromkeys(heard)] == ["firing", "resolved"]
    assert len(heard) - len(set(heard)) == ((method, when) == ("delivered", "before"))
    database = Database(path)
    try:
        alerts = SqliteAlerts(database)
        states = ("pending", "firing", "resolved")
        (alert,) = alerts.alerts(
            states=states, model=None, may_read=lambda _: True, limit=9, before=None
        ).alerts
        history = [event.kind for event in alerts.history(alert.id)]
        assert history == ["pending", "firing", "resolved"]
        assert alerts.next_due_ns() is None
    finally:
        database.close()
