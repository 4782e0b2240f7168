"""``modelwatch token``: make, list and revoke the tokens that a collector asks for."""

from __future__ import annotations

import asyncio
import getpass
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer
from rich.table import Table
from rich.text import Text

from modelwatch.cli.console import print_remark, print_renderable, print_text
from modelwatch.errors import ConfigurationError

if TYPE_CHECKING:
    from modelwatch.collector.security.audit_log import AuditEntry
    from modelwatch.collector.security.token_shelf import TokenShelf
    from modelwatch.collector.security.tokens import Scope, Token

__all__ = ["commands", "token_table"]

NANOSECONDS = 1_000_000_000

commands = typer.Typer(
    name="token",
    help="Make, list and revoke the tokens that a collector asks for. They are kept in its store; "
    "a collector that runs follows within a second.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="What the token is called.")]
StoreOption = Annotated[Path, typer.Option(metavar="FILE", help="The collector's SQLite file.")]
DEFAULT_STORE = Path("modelwatch.sqlite")


@commands.command()
def create(
    name: Name,
    scope: Annotated[
        list[str],
        typer.Option(
            metavar="ingest|read|admin",
            help="What it allows: to send telemetry, to read the API and the pages, or to read and "
            "change things. More than once for several.",
        ),
    ],
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Limit reading to models of this name, or whose names match, as eu-*. More than "
            "once for several.",
        ),
    ] = None,
    expires: Annotated[
        str | None, typer.Option(metavar="TIME", help="When it ends: 12h, 90d. Never, else.")
    ] = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Make a token, and print it. It is not shown again: only a hash of it is kept.

    Once a store has a token, its collector asks everybody for one.

    \b
    Examples:
      modelwatch token create churn-service --scope ingest
      modelwatch token create dashboard --scope read --model 'eu-*' --expires 90d
    """
    from modelwatch.collector.security.tokens import mint

    now_ns = time.time_ns()
    made = mint(
        name,
        scopes=frozenset(_scope(word) for word in scope),
        models=tuple(_pattern(text) for text in model or ()),
        created_ns=now_ns,
        lifetime_ns=None if expires is None else _seconds(expires) * NANOSECONDS,
    )
    with _shelf(store, must_exist=False) as shelf:
        asyncio.run(shelf.add(made.token, entry=_entry(now_ns, "token create", name)))
    print_text(made.text)
    print_remark("This is shown once. Send it as 'Authorization: Bearer ...', or give it to")
    print_remark("modelwatch as MODELWATCH_TOKEN, and to exporters in OTEL_EXPORTER_OTLP_HEADERS.")


@commands.command()
def adopt(
    name: Name,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File that holds the token.")],
    scope: Annotated[
        list[str], typer.Option(metavar="ingest|read|admin", help="What it allows, as of create.")
    ],
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Have a token that was made elsewhere, such as a Secret's, be in use under a name.

    For what runs before each start of a collector: nothing changes where it is
    so already, and another token of that name is revoked.

    \b
    Examples:
      modelwatch token adopt services /etc/modelwatch/tokens/services --scope ingest
    """
    from modelwatch.collector.security.tokens import token_of

    now_ns = time.time_ns()
    try:
        text = file.read_text(encoding="ascii", errors="replace").strip()
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}.") from error
    scopes = frozenset(_scope(word) for word in scope)
    token = token_of(text, name, scopes=scopes, created_ns=now_ns)
    with _shelf(store, must_exist=False) as shelf:
        entry = _entry(now_ns, "token adopt", name)
        changed = asyncio.run(shelf.adopt(token, entry=entry))
    print_text(f"{name}: {'adopted' if changed else 'in use already'}")


@commands.command(name="list")
def list_(store: StoreOption = DEFAULT_STORE) -> None:
    """List the tokens, revoked ones too.

    \b
    Examples:
      modelwatch token list --store /var/lib/modelwatch/store.sqlite
    """
    with _shelf(store) as shelf:
        tokens = shelf.tokens()
    if tokens:
        print_renderable(token_table(tokens, now_ns=time.time_ns()))
    else:
        print_text(f"{store} has no token: its collector asks nobody for one.")


@commands.command()
def revoke(name: Name, store: StoreOption = DEFAULT_STORE) -> None:
    """End a token for good; its sessions in browsers end with it.

    \b
    Examples:
      modelwatch token revoke churn-service
    """
    now_ns = time.time_ns()
    with _shelf(store) as shelf:
        asyncio.run(shelf.revoke(name, now_ns=now_ns, entry=_entry(now_ns, "token revoke", name)))
    print_text(f"{name}: revoked")


def token_table(tokens: list[Token], *, now_ns: int) -> Table:
    """Return a table with one row a token."""
    table = Table(title="Tokens")
    for heading in ("name", "scopes", "models", "state", "created", "ends", "last used"):
        table.add_column(heading)
    for token in tokens:
        state = "in use" if token.is_usable(now_ns) else "ended"
        table.add_row(
            Text(token.name),
            ", ".join(sorted(token.scopes)),
            Text(", ".join(token.models) or "all"),
            "revoked" if token.revoked_ns is not None else state,
            _time(token.created_ns),
            _time(token.expires_ns),
            _time(token.last_used_ns),
        )
    return table


@contextmanager
def _shelf(store: Path, *, must_exist: bool = True) -> Iterator[TokenShelf]:
    from modelwatch.collector.security.token_shelf import TokenShelf
    from modelwatch.collector.storing.database import Database

    if must_exist and not store.exists():
        raise ConfigurationError(f"there is no store {store}: name the collector's with --store.")
    database = Database(store)
    try:
        yield TokenShelf(database)
    finally:
        database.close()


def _entry(now_ns: int, act: str, name: str) -> AuditEntry:
    from modelwatch.collector.security.audit_log import AuditEntry

    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in many containers
        user = "unknown"
    return AuditEntry(
        at_ns=now_ns,
        who=f"(command line: {user})",
        act=act,
        target=name,
        address="this machine",
        outcome="done",
    )


def _scope(word: str) -> Scope:
    from modelwatch.collector.security.tokens import SCOPES, Scope

    known: tuple[Scope, ...] = get_args(Scope)
    for scope in known:
        if scope == word:
            return scope
    raise ConfigurationError(f"--scope is {word!r}: give one of {', '.join(SCOPES)}.")


def _pattern(text: str) -> str:
    if not text or "\n" in text:
        raise ConfigurationError(f"--model is {text!r}: give a model's name or a pattern, as eu-*.")
    return text


def _seconds(text: str) -> int:
    from modelwatch.collector.windows import parse_window

    try:
        return parse_window(text)
    except ConfigurationError as error:
        raise ConfigurationError(f"--expires: {error}") from None


def _time(time_ns: int | None) -> str:
    if time_ns is None:
        return "never"
    return datetime.fromtimestamp(time_ns / NANOSECONDS, tz=UTC).strftime("%Y-%m-%d %H:%M UTC")
