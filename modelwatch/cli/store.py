"""``modelwatch store``: looks after the collector's file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelwatch.cli.console import print_remark, print_text

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["backup", "check", "commands", "export", "import_", "vacuum"]

PROBLEMS_STATUS = 1

StoreFile = Annotated[Path, typer.Argument(metavar="FILE", help="The collector's store.")]

commands = typer.Typer(
    help="Look after the collector's store.", no_args_is_help=True, rich_markup_mode="rich"
)


@commands.command()
def check(file: StoreFile) -> None:
    """Read a whole store, and tell what is damaged. Status 1 if anything is.

    A collector may have it open. What is damaged is left out of windows and
    counted there; a backup from before the damage, or what is left of the
    store, exported and imported into a new file, cures it.

    \b
    Example:
      modelwatch store check modelwatch.sqlite
    """
    from modelwatch.collector.storing import maintenance

    found = maintenance.check(file)
    for problem in found.problems:
        print_text(problem)
    if found.more:
        print_text(f"and {found.more} more")
    rows = _listed(found.rows)
    if found.problems:
        print_remark(f"{file} is damaged; it holds {rows}.")
        raise typer.Exit(PROBLEMS_STATUS)
    print_text(f"{file} is sound: {rows}.")


@commands.command()
def vacuum(file: StoreFile) -> None:
    """Write a store anew, without the space that is free in it.

    Stop the collector first. Needs room for a copy. A store that an older
    release made is given the form by which free space is given back as the
    collector runs.

    \b
    Example:
      modelwatch store vacuum modelwatch.sqlite
    """
    from modelwatch.collector.storing import maintenance

    before, after = maintenance.vacuum(file)
    print_text(f"{file} takes {after} bytes, {before} before.")


@commands.command()
def backup(
    file: StoreFile,
    to: Annotated[Path, typer.Argument(metavar="TO", help="A new file.")],
) -> None:
    """Copy a store, whole and as of one moment, while the collector runs.

    All of it: tokens (as hashes), the log of who changed what, alerts, and what
    cumulative points are subtracted from. Keep the copy as the store itself.

    \b
    Example:
      modelwatch store backup modelwatch.sqlite /backups/modelwatch.sqlite
    """
    from modelwatch.collector.storing import maintenance

    print_text(f"{to} has {maintenance.backup(file, to)} bytes.")


@commands.command()
def export(
    file: StoreFile,
    to: Annotated[Path, typer.Argument(metavar="TO", help="A new file, such as store.jsonl.gz.")],
) -> None:
    """Write what a store holds as lines of JSON, while the collector runs.

    Versions, baselines, steering, evaluations, and what was observed, as
    merged profiles. Not tokens, in any form, nor the log of who changed what,
    alerts, and the latest cumulative points of senders. A name that ends in .gz
    is compressed.

    \b
    Example:
      modelwatch store export modelwatch.sqlite store.jsonl.gz
    """
    from modelwatch.collector.storing.transfer import export_store

    counts = export_store(file, to)
    damaged = counts.pop("damaged", 0)
    print_text(f"{to} holds {_listed(counts)}.")
    if damaged:
        print_remark(f"{damaged} damaged rows were left out: see modelwatch store check {file}.")
        raise typer.Exit(PROBLEMS_STATUS)


@commands.command(name="import")
def import_(
    source: Annotated[
        Path, typer.Argument(metavar="FROM", help="What modelwatch store export wrote.")
    ],
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The store; it is made where it is absent.")
    ],
) -> None:
    """Take what was exported into a store: all of it, or nothing.

    Stop the collector first. Versions that the store holds rows of already are
    refused, as they would count twice. Tokens do not travel: make new ones
    with modelwatch token create before others can reach the collector. Senders
    of cumulative points begin anew: what each counts between its last point
    before the export and its first one afterwards is not counted.

    \b
    Example:
      modelwatch store import store.jsonl.gz modelwatch.sqlite
    """
    from modelwatch.collector.storing.importing import import_store

    print_text(f"{file} took {_listed(import_store(source, file))}.")


def _listed(counts: Mapping[str, int]) -> str:
    """Say how many of what there are.

    >>> _listed({"version": 1, "profile": 20})
    'version 1, profile 20'
    """
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "nothing"
