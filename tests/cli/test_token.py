from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import plain_http
from tests.cli.conftest import Run
from tests.collector.conftest import eventually

STORE = "store.sqlite"


def test_tokens_are_made_listed_and_revoked(run: Run, tmp_path: Path) -> None:
    """A token is printed once, listed without its secret, and revoked by its name."""
    store = tmp_path / STORE
    made = run(
        "token", "create", "web", "--scope", "read", "--scope", "ingest", "--model", "eu-*",
        "--expires", "90d", "--store", store,
    )  # fmt: skip
    assert made.status == 0, made.err
    assert re.fullmatch(r"mwt_[0-9a-f]{12}_[A-Za-z0-9_-]{43}\n", made.out)
    listed = run("token", "list", "--store", store)
    for shown in ("web", "ingest, read", "eu-*", "in use", "never"):
        assert shown in listed.out
    assert made.out.strip().split("_", 2)[2] not in listed.out
    assert run("token", "revoke", "web", "--store", store).out == "web: revoked\n"
    assert "revoked" in run("token", "list", "--store", store).out
    again = run("token", "revoke", "web", "--store", store)
    assert (again.status, "token list" in again.err) == (2, True)


def test_a_token_of_a_secret_is_adopted(run: Run, tmp_path: Path) -> None:
    """What `token create` printed once serves another store, however often that is said."""
    file = tmp_path / "token"
    file.write_text(run("token", "create", "web", "--scope", "read", "--store", tmp_path / "a").out)
    words = ("token", "adopt", "web", file, "--scope", "ingest", "--store", tmp_path / "b")
    first, second = run(*words), run(*words)
    assert (first.out, second.out) == ("web: adopted\n", "web: in use already\n")
    file.write_text("hunter2\n")
    refused = run(*words)
    assert (refused.status, "is no token" in refused.err, "hunter2" in refused.err) == (
        2, True, False,
    )  # fmt: skip
    absent = run("token", "adopt", "web", tmp_path / "no", "--scope", "read")
    assert (absent.status, "cannot be read" in absent.err) == (2, True)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("create", "a", "--scope", "write"), "--scope is 'write'"),
        (("create", "a b", "--scope", "read"), "'a b'"),
        (("create", "a", "--scope", "read", "--expires", "soon"), "--expires"),
        (("create", "a", "--scope", "admin", "--model", "x"), "--model"),
        (("create", "a", "--scope", "read", "--model", ""), "--model"),
        (("list",), "there is no store"),
        (("revoke", "a"), "there is no store"),
    ],
)
def test_wrong_words_are_named(
    run: Run, tmp_path: Path, words: tuple[str, ...], named: str
) -> None:
    """What cannot be is refused with its option, and no store is made."""
    outcome = run("token", *words, "--store", tmp_path / STORE)
    assert (outcome.status, named in outcome.err) == (2, True), outcome.err
    assert not (tmp_path / STORE).exists()


def test_a_store_without_tokens_says_so(
    run: Run, running_collector: dict[str, str], tmp_path: Path
) -> None:
    """An empty list says that nobody is asked."""
    assert "asks nobody" in run("token", "list", "--store", tmp_path / STORE).out


def test_a_running_collector_follows(
    run: Run,
    running_collector: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A token made beside a running collector is asked for, and taken from all three places."""
    url = running_collector["pages"]
    token = run("token", "create", "boss", "--scope", "admin", "--store", tmp_path / STORE).out
    assert eventually(lambda: plain_http.get(f"{url}/api/v1/models").status_code == 401)
    refused = run("status", "--collector", url)
    assert (refused.status, "a token is needed" in refused.err) == (2, True)
    file = tmp_path / "token"
    file.write_text(token)
    assert run("status", "--collector", url, "--token-file", file).status == 0
    monkeypatch.setenv("MODELWATCH_TOKEN", token)
    assert run("status", "--collector", url).status == 0
    audit = run("audit", "--collector", url)
    assert "token create" in audit.out
    assert "boss" in audit.out
    doctor = run("doctor", "--collector", url)
    assert "********" in doctor.out
    assert token.strip() not in doctor.out + doctor.err


@pytest.mark.parametrize("content", [None, b"", b"two words", b"\xff"])
def test_unusable_token_files_are_named(run: Run, tmp_path: Path, content: bytes | None) -> None:
    """A file that is absent, empty or holds something else is named."""
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    outcome = run("status", "--collector", "http://127.0.0.1:1", "--token-file", file)
    assert (outcome.status, f"--token-file {file}" in outcome.err) == (2, True)
    assert "two words" not in outcome.err


def test_unusable_tokens_are_not_shown(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that no header can carry is refused without being told."""
    monkeypatch.setenv("MODELWATCH_TOKEN", "geheim\u00e9")
    outcome = run("status", "--collector", "http://127.0.0.1:1")
    assert (outcome.status, "MODELWATCH_TOKEN" in outcome.err) == (2, True)
    assert "geheim" not in outcome.err
