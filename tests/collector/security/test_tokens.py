from __future__ import annotations

import hashlib

import pytest

from modelwatch.collector.security.tokens import Scope, Token, mint, token_id_of, token_of
from modelwatch.errors import ConfigurationError


def token(*scopes: Scope, models: tuple[str, ...] = (), expires_ns: int | None = None) -> Token:
    """Return what is kept of a token."""
    return Token(
        id="a",
        name="t",
        digest=b"",
        scopes=frozenset(scopes),
        models=models,
        created_ns=0,
        expires_ns=expires_ns,
    )


def test_only_a_hash_is_kept() -> None:
    """What is kept knows the token it is of, and no other, and holds nothing of its secret."""
    made, other = (mint("a", scopes=frozenset({"read"}), created_ns=0) for _ in range(2))
    assert made.token.is_of(made.text)
    assert not made.token.is_of(other.text)
    assert made.token.digest == hashlib.sha256(made.text.encode()).digest()
    secret = made.text.split("_", 2)[2]
    assert secret not in repr(made)
    assert secret not in repr(made.token)
    assert repr(made.token.digest) not in repr(made)


def test_a_token_is_recognisable_and_random() -> None:
    """A token begins with its mark, names its row, and holds the 256 random bits it was given."""
    made = mint("a", scopes=frozenset({"read"}), created_ns=0, random_bytes=lambda n: b"\xff" * n)
    assert made.text == f"mwt_{'f' * 12}_{'_' * 42}8"
    assert token_id_of(made.text) == made.token.id
    texts = {mint("a", scopes=frozenset({"read"}), created_ns=0).text for _ in range(100)}
    assert len(texts) == 100


@pytest.mark.parametrize("text", ["", "mwt_", "mwt_ab_" + "x" * 43, "x" * 10_000, "mwt_é_"])
def test_other_texts_are_no_tokens(text: str) -> None:
    """What has not the form of a token names no row."""
    assert token_id_of(text) is None


def test_a_token_made_elsewhere_is_kept_alike() -> None:
    """Of the text that one made, another keeps the same."""
    made = mint("a", scopes=frozenset({"read"}), created_ns=3)
    assert token_of(made.text, "a", scopes=frozenset({"read"}), created_ns=3) == made.token


@pytest.mark.parametrize("text", ["", "secret", f"mwt_{'0' * 12}_{'x' * 43}"])
def test_what_cannot_be_random_is_refused(text: str) -> None:
    """Neither another form nor a secret of one character is taken, and neither is repeated."""
    with pytest.raises(ConfigurationError, match="is no token") as refused:
        token_of(text, "a", scopes=frozenset({"read"}), created_ns=0)
    assert not text or text not in str(refused.value)


def test_admin_includes_read_alone() -> None:
    """Who may change things may see them; telemetry is sent with a token for that."""
    assert token("admin").has("read")
    assert not token("admin").has("ingest")
    assert not token("read").has("admin")
    assert token("ingest").has("ingest", "read")


def test_models_are_names_or_patterns() -> None:
    """A limited token reads the models that it names, with the case that they have."""
    limited = token("read", models=("churn", "eu-*"))
    assert [limited.may_read(name) for name in ("churn", "eu-a/b", "Churn", "churn2", "us")] == [
        True, True, False, False, False,
    ]  # fmt: skip
    assert token("read").may_read("anything")


def test_ends_at_its_time() -> None:
    """A token can be used up to its end, not at it."""
    made = mint("a", scopes=frozenset({"read"}), created_ns=10, lifetime_ns=5).token
    assert made.is_usable(14)
    assert not made.is_usable(15)
    assert token("read").is_usable(2**62)


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "a\nb", "<b>"])
def test_odd_names_are_refused(name: str) -> None:
    """A name is one that can be typed and shown anywhere."""
    with pytest.raises(ConfigurationError, match="name is"):
        mint(name, scopes=frozenset({"read"}), created_ns=0)


def test_limits_go_with_read_alone() -> None:
    """A limit that would limit nothing, or no scope at all, is refused."""
    scopes: tuple[Scope, ...] = ("admin", "ingest")
    for scope in scopes:
        with pytest.raises(ConfigurationError, match="--model"):
            token(scope, models=("a",))
    with pytest.raises(ConfigurationError, match="scope"):
        token()
