"""``modelwatch alerts`` and what the collector command takes of a configuration."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from modelwatch.cli.alerts import alerts_table, config_path
from modelwatch.cli.console import print_renderable
from tests import plain_http
from tests.cli.conftest import Run
from tests.collector.alerting.listening import listening
from tests.collector.conftest import eventually

GOOD = '[[rules]]\nname = "drift"\non = "drift"\n'


@contextmanager
def collector(folder: Path, *options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run a collector as a process; yields the address of its API."""
    with collector_and_otlp(folder, *options) as (api, _, process):
        yield api, process


@contextmanager
def collector_and_otlp(
    folder: Path, *options: str
) -> Iterator[tuple[str, str, subprocess.Popen[str]]]:
    """Run a collector as a process; yields the addresses of its API and of OTLP/HTTP."""
    command = [
        sys.executable, "-c", "from modelwatch.cli import main; main()", "collector",
        "--otlp-http-port", "0", "--otlp-grpc-port", "0", "--api-port", "0",
        "--store", str(folder / "store.sqlite"),
        *options,
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            url = r"(http://127\.0\.0\.1:\d+)"
            found = re.search(rf"OTLP {url} .*pages {url}", line)
            assert found, line
            yield found[2], found[1], process
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=30) == 0


def configuration(address: str) -> dict[str, object]:
    """Return what a collector says of its configuration."""
    found: dict[str, object] = plain_http.get(f"{address}/api/v1/alerting").json()
    return found


def test_sighup_reads_the_file_anew(tmp_path: Path) -> None:
    """What is right comes into force; what is wrong is told, and changes nothing."""
    path = tmp_path / "modelwatch.toml"  # found by itself in the folder that it runs in
    path.write_text(GOOD)

    def names(address: str) -> list[str]:
        rules = configuration(address)["rules"]
        assert isinstance(rules, list)
        return [rule["name"] for rule in rules]

    with collector(tmp_path) as (address, process):
        assert names(address) == ["drift"]
        path.write_text(GOOD.replace('"drift"\non', '"other"\non'))
        process.send_signal(signal.SIGHUP)
        assert eventually(lambda: names(address) == ["other"], seconds=30)
        path.write_text(GOOD + "kk = 1\n")
        process.send_signal(signal.SIGHUP)
        assert eventually(
            lambda: "did you mean k?" in str(configuration(address)["configuration"]), seconds=30
        )
        assert names(address) == ["other"]
        not_ready = plain_http.get(f"{address}/readyz")
        assert (not_ready.status_code, "config: " in not_ready.text) == (503, True)
        path.write_text(GOOD)
        process.send_signal(signal.SIGHUP)
        assert eventually(lambda: plain_http.get(f"{address}/readyz").text == "ready\n", seconds=30)
        path.write_text(GOOD + "[limits]\nmodels = 0\n")
        process.send_signal(signal.SIGHUP)
        wrong = "[limits].models is 0"
        assert eventually(lambda: wrong in plain_http.get(f"{address}/readyz").text, seconds=30)
        assert wrong in str(configuration(address)["configuration"])


def test_a_silence_is_set_listed_and_ended(run: Run, tmp_path: Path) -> None:
    """The commands say what became of it, and what is wrong."""
    with collector(tmp_path) as (address, _):
        there = ("--collector", address)
        assert "No open alerts." in run("alerts", "list", *there).out
        assert "No silences." in run("alerts", "silences", *there).out
        made = run("alerts", "silence", "--model", "churn*", "--for", "2h", "--by", "ann", *there)
        assert made.status == 0
        silence_id = made.out.split(":")[0]
        listed = run("alerts", "silences", *there).out
        assert silence_id in listed
        assert "model churn*" in listed
        assert run("alerts", "unsilence", silence_id, *there).status == 0
        assert "No silences." in run("alerts", "silences", *there).out
        wrong = run("alerts", "silence", "--model", "*", "--for", "soon", "--by", "a", *there)
        assert (wrong.status, "such as 15m" in wrong.err) == (2, True)
        assert "--model" in run("alerts", "silence", "--for", "1h", *there).err
        for command in ("show", "ack"):
            outcome = run("alerts", command, "none", *there)
            assert (outcome.status, "there is no alert" in outcome.err) == (2, True)


def test_the_table_tells_state_and_since_when(capsys: pytest.CaptureFixture[str]) -> None:
    """Who acknowledged an alert and what mutes it stand beside its state."""
    alert = {
        "id": "a1",
        "severity": "critical",
        "model": "churn",
        "version": "3",
        "summary": "drift in age",
        "state": "firing",
        "since": "2026-01-01T00:00:00.000Z",
        "acknowledged": {"by": "ann"},
        "silenced_by": "silence s1",
    }
    print_renderable(alerts_table([alert]))
    out = capsys.readouterr().out
    for said in ("a1", "critical", "drift in age", "acknowledged by ann", "muted by silence s1"):
        assert said in out


def test_a_file_is_checked(run: Run, tmp_path: Path) -> None:
    """Status 0 and what it comes to, or 2 and what is wrong, by both commands."""
    path = tmp_path / "rules.toml"
    for command in (("alerts", "check"), ("collector", "--check-config")):
        path.write_text(GOOD)
        outcome = run(*command, path)
        assert (outcome.status, "rules: drift" in outcome.out) == (0, True)
        path.write_text(GOOD + 'servity = "x"\n')
        outcome = run(*command, path)
        assert outcome.status == 2
        assert "[[rules]][1].servity: unknown; did you mean severity?" in outcome.err


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
def test_a_test_says_what_came_back_of_each(run: Run, tmp_path: Path) -> None:
    """It is marked as a test; the status is 1 where one target fails, and one may be chosen."""
    path = tmp_path / "modelwatch.toml"
    with listening() as good, listening() as bad:
        bad.statuses = [403]
        path.write_text(
            f'[[notify]]\nname = "good"\nkind = "webhook"\nurl = "{good.url}/hook-secret"\n'
            f'[[notify]]\nname = "bad"\nkind = "alertmanager"\nurl = "{bad.url}"\n'
            f'[[notify]]\nname = "chat"\nkind = "apprise"\n'
            f'url = "{good.url.replace("http", "json")}"\n'
        )
        outcome = run("alerts", "test", "--config", path)
        assert outcome.status == 1
        assert "good (webhook): 200 OK" in outcome.out
        assert "bad (alertmanager): failed: 403 Forbidden" in outcome.out
        assert "chat (apprise): delivered" in outcome.out
        assert "hook-secret" not in outcome.out + outcome.err
        assert good.heard[0].document["kind"] == "test"
        assert good.heard[0].document["title"].startswith("[test] test")
        assert bad.heard[0].document[0]["labels"]["alertname"] == "modelwatch test"
        assert run("alerts", "test", "--config", path, "--notify", "good").status == 0
        unknown = run("alerts", "test", "--config", path, "--notify", "x")
        assert (unknown.status, "good, bad, chat" in unknown.err) == (2, True)


def test_the_file_in_the_folder_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is given comes first, then modelwatch.toml where it is there, then none."""
    monkeypatch.chdir(tmp_path)
    assert config_path(None) is None
    (tmp_path / "modelwatch.toml").touch()
    assert config_path(None) == Path("modelwatch.toml")
    assert config_path(Path("other.toml")) == Path("other.toml")
