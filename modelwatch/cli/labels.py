"""``modelwatch labels``: tell a collector what turned out to be true of predictions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelwatch.cli.collector_client import CollectorOption, Remote, TokenFileOption
from modelwatch.cli.console import print_remark, print_renderable, print_text
from modelwatch.cli.progress import progress_bar
from modelwatch.collector.labels.formats import ColumnNames, LabelFormat
from modelwatch.errors import ConfigurationError

if TYPE_CHECKING:
    from modelwatch.cli.label_pushing import Pushed

__all__ = ["commands"]

REFUSED_STATUS = 1

commands = typer.Typer(
    name="labels",
    help="Push labels of predictions, and see how many have one.",
    no_args_is_help=True,
)


@commands.command()
def push(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="CSV, NDJSON, JSON, Parquet or Arrow, text also gzipped; - for standard input.",
        ),
    ],
    model: Annotated[
        str, typer.Option(help="Name of the model; of rows that name none, where they can.")
    ] = "",
    id_name: Annotated[
        str, typer.Option("--id", metavar="COLUMN", help="The column of prediction ids.")
    ] = ColumnNames.id,
    label: Annotated[
        str, typer.Option(metavar="COLUMN", help="The column of labels.")
    ] = ColumnNames.label,
    time: Annotated[
        str,
        typer.Option(
            metavar="COLUMN",
            help="The column of when they became known: RFC 3339, Unix seconds or nanoseconds. "
            "Empty for none: then they became known now.",
        ),
    ] = ColumnNames.time,
    kind: Annotated[
        LabelFormat | None,
        typer.Option("--format", help="What the file is written in, where its name does not tell."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read and check the file; send nothing.")
    ] = False,
    collector: CollectorOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """Push the labels of a file, and tell what became of them.

    To push a file again is safe: a label that is there already is not counted twice, another one
    replaces it. Rows of a table without a label are passed over; null in JSON takes a label back.

    Status 0 where all rows were taken, 1 where some were refused, 2 where the file or the collector
    failed: what was sent until then is kept.

    \b
    Examples:
      modelwatch labels push churned.csv --model churn
      modelwatch labels push outcomes.parquet --model churn --id order_id \\
          --label churned --time known_at
      psql -c "copy (select id, churned from outcomes) to stdout csv header" |
          modelwatch labels push - --format csv --model churn --id id --label churned
    """
    from modelwatch.cli.label_pushing import checked, pushed
    from modelwatch.collector.labels.label_files import format_of

    names = ColumnNames(id=id_name, label=label, time=time)
    kind = kind or format_of(file)
    if not model and kind not in (LabelFormat.NDJSON, LabelFormat.JSON):
        raise ConfigurationError("give the name of the model with --model: the rows name none.")
    with progress_bar(f"reading {file.name}") as progress:
        if dry_run:
            found = checked(file, names, model=model, kind=kind, progress=progress)
        else:
            remote = Remote(url=collector, token_file=token_file)
            found = pushed(file, names, remote, model=model, kind=kind, progress=progress)
    _print(found)
    if found.refused:
        raise typer.Exit(REFUSED_STATUS)


@commands.command()
def status(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Name of the model.")],
    version: Annotated[
        str | None, typer.Argument(metavar="[VERSION]", help="Version of the model; else all.")
    ] = None,
    window: Annotated[
        str, typer.Option(metavar="TIME", help="Predictions of that long: 12h, 7d.")
    ] = "30d",
    collector: CollectorOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """Show how many predictions have a label, and how long these took.

    Counted are predictions that are kept to be joined: whose id somebody could know.

    \b
    Examples:
      modelwatch labels status churn
      modelwatch labels status churn 3 --window 7d
    """
    from modelwatch.cli.label_status import coverage_of, coverage_table, waiting_words

    remote = Remote(url=collector, token_file=token_file)
    found = coverage_of(model, version, window, remote)
    print_renderable(coverage_table(model, window, found))
    print_remark(waiting_words(found))


def _print(found: Pushed) -> None:
    from modelwatch.cli.label_pushing import table_of

    if found.rows:
        print_renderable(table_of(found))
    else:
        print_text("The file holds no labels.")
    for row in found.refusals:
        print_remark(f"line {row.line}: {row.problem}: {row.remedy}.")
    if found.refused > len(found.refusals):
        print_remark(f"and {found.refused - len(found.refusals):,} more.")
