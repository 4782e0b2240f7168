"""Bearer tokens: what one looks like, what is kept of it, and what it allows.

A token is ``mwt_ID_SECRET``: the id finds the row, the secret holds 256 random bits. Of the whole
only the SHA-256 is kept. A slow hash, as passwords need, would add nothing: it makes up for what a
person can remember, and nobody guesses 256 random bits however fast a guess is checked. It would
cost every export milliseconds instead.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final, Literal, get_args

from modelwatch.errors import ConfigurationError

__all__ = [
    "SCOPES",
    "NewToken",
    "Scope",
    "Token",
    "mint",
    "require_name",
    "token_id_of",
    "token_of",
]

Scope = Literal["ingest", "read", "admin"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)

PREFIX: Final = "mwt"
"""By which scanners for leaked secrets, and people, recognise a token."""

_ID_BYTES: Final = 6
_SECRET_BYTES: Final = 32
_FORM: Final = re.compile(rf"{PREFIX}_([0-9a-f]{{{2 * _ID_BYTES}}})_[A-Za-z0-9_-]{{43}}")
_LEAST_CHARACTERS: Final = 16
"""Different characters of a secret; 256 random bits have fewer once in 10^13 tokens."""

_NAME: Final = re.compile(r"[\w.@:/-]{1,64}")


@dataclass(frozen=True, kw_only=True)
class Token:
    """What is kept of a token. The token itself is not.

    Attributes:
        id: the part of the token that is no secret.
        name: what people call it; one of the tokens in use at a time.
        digest: SHA-256 of the whole token.
        scopes: ``ingest`` sends telemetry and labels and asks for baselines and steering, ``read``
            reads the API and the pages, ``admin`` does that, sends labels and changes things.
        models: names or shell patterns of the models that it may read; empty for all.
        created_ns: Unix nanoseconds.
        expires_ns: when it ends; None for never.
        last_used_ns: when it was last used, give or take a few minutes; None for never.
        revoked_ns: when it was revoked; None where it was not.
    """

    id: str
    name: str
    digest: bytes = field(repr=False)
    scopes: frozenset[Scope]
    models: tuple[str, ...] = ()
    created_ns: int
    expires_ns: int | None = None
    last_used_ns: int | None = None
    revoked_ns: int | None = None

    def __post_init__(self) -> None:
        require_name(self.name)
        if not self.scopes:
            raise ConfigurationError(f"a token needs a scope: give one of {', '.join(SCOPES)}.")
        if self.models and "admin" in self.scopes:
            raise ConfigurationError(
                "a token with the scope admin acts on all models: leave out --model, or --scope "
                "admin."
            )
        if self.models and "read" not in self.scopes:
            raise ConfigurationError(
                "--model limits what a token may read, and this one may not: give --scope read too."
            )

    def is_usable(self, now_ns: int) -> bool:
        """Tell whether it is neither revoked nor past its end."""
        return self.revoked_ns is None and (self.expires_ns is None or now_ns < self.expires_ns)

    def is_of(self, text: str) -> bool:
        """Tell whether this is what is kept of a token, in a time that tells nothing of it."""
        return hmac.compare_digest(self.digest, digest_of(text))

    def has(self, *scopes: Scope) -> bool:
        """Tell whether it has one of these scopes; admin includes read."""
        own = self.scopes | {"read"} if "admin" in self.scopes else self.scopes
        return not own.isdisjoint(scopes)

    def may_read(self, model: str) -> bool:
        """Tell whether what is known of a model may be told to its holder.

        >>> token = Token(
        ...     id="1", name="web", digest=b"", scopes={"read"}, models=("eu-*",), created_ns=0
        ... )
        >>> token.may_read("eu-churn"), token.may_read("us-churn")
        (True, False)
        """
        return not self.models or any(fnmatchcase(model, pattern) for pattern in self.models)


@dataclass(frozen=True, kw_only=True)
class NewToken:
    """A token that was just made: the only time that its text is there.

    Attributes:
        text: what is sent as ``Authorization: Bearer``.
        token: what is kept.
    """

    text: str = field(repr=False)
    token: Token


def mint(
    name: str,
    *,
    scopes: frozenset[Scope],
    models: tuple[str, ...] = (),
    created_ns: int,
    lifetime_ns: int | None = None,
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
) -> NewToken:
    """Make a token.

    Args:
        name: what people call it.
        scopes: what it allows.
        models: names or patterns of the models that it may read; empty for all.
        created_ns: Unix nanoseconds.
        lifetime_ns: how long it can be used; None for ever.
        random_bytes: returns that many random bytes, which nobody can foretell.

    Raises:
        ConfigurationError: the name cannot be used, or models and scopes do not go together.
    """
    token_id = random_bytes(_ID_BYTES).hex()
    text = f"{PREFIX}_{token_id}_{_as_text(random_bytes(_SECRET_BYTES))}"
    token = Token(
        id=token_id,
        name=name,
        digest=digest_of(text),
        scopes=scopes,
        models=models,
        created_ns=created_ns,
        expires_ns=None if lifetime_ns is None else created_ns + lifetime_ns,
    )
    return NewToken(text=text, token=token)


def token_of(text: str, name: str, *, scopes: frozenset[Scope], created_ns: int) -> Token:
    """Return what is kept of a token that was made elsewhere.

    Args:
        text: the token.
        name: what people call it.
        scopes: what it allows.
        created_ns: Unix nanoseconds.

    Raises:
        ConfigurationError: the text has not the form of a token or cannot be random, or the name
            cannot be used.
    """
    token_id = token_id_of(text)
    if token_id is None or len(set(text.rpartition(token_id)[2])) < _LEAST_CHARACTERS:
        raise ConfigurationError(
            f"what was given is no token: give {PREFIX}_, {2 * _ID_BYTES} hexadecimal digits, _ "
            f"and {_SECRET_BYTES} random bytes in base64url, as `modelwatch token create` does."
        )
    return Token(
        id=token_id, name=name, digest=digest_of(text), scopes=scopes, created_ns=created_ns
    )


def token_id_of(text: str) -> str | None:
    """Return the id in a token; None where the text has not the form of one.

    >>> token_id_of("mwt_0123456789ab_" + 43 * "x")
    '0123456789ab'
    >>> token_id_of("secret") is None
    True
    """
    found = _FORM.fullmatch(text)
    return found[1] if found else None


def require_name(name: str) -> None:
    """Do nothing where a name can be a token's.

    Raises:
        ConfigurationError: it is empty, too long, or holds what cannot be typed with ease.
    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"the token's name is {name!r}: give 1 to 64 letters, digits and any of _ . @ : / -"
        )


def digest_of(text: str) -> bytes:
    """Return what is kept of a token."""
    return hashlib.sha256(text.encode()).digest()


def _as_text(secret: bytes) -> str:
    return base64.urlsafe_b64encode(secret).rstrip(b"=").decode()
