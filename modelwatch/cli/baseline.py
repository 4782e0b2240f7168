"""``modelwatch baseline``: build one from data, look at it, push it to a collector."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from modelwatch.cli.collector_client import (
    CollectorOption,
    Remote,
    TokenFileOption,
    get_json,
    post_json,
    put_baseline,
    version_path,
)
from modelwatch.cli.console import print_remark, print_renderable, print_text, writing
from modelwatch.cli.progress import progress_bar
from modelwatch.errors import ConfigurationError

__all__ = ["commands"]


class SeasonUse(StrEnum):
    """When features are compared with the same hours or weekdays."""

    ROWS = "rows"
    CLOCK = "clock"
    NONE = "none"


commands = typer.Typer(
    name="baseline",
    help="Build, show, push and promote baselines: what a model is judged against.",
    no_args_is_help=True,
)

BaselineFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="A file made by 'modelwatch baseline build'.")
]


@commands.command()
def build(
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="Training data: CSV, Parquet or Arrow.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The baseline file to write.")
    ],
    model: Annotated[str, typer.Option(help="Name of the model.")],
    version: Annotated[str, typer.Option(help="Version of the model.")],
    prediction: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The column of predictions.")
    ] = None,
    score: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN",
            help="The column of scores; or CLASS=COLUMN, once for each class.",
        ),
    ] = None,
    label: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The column of true outcomes.")
    ] = None,
    timestamp: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The column of times; else rows in order.")
    ] = None,
    segment: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="The column of segments, each watched on its own."),
    ] = None,
    seasons: Annotated[
        SeasonUse,
        typer.Option(
            help="Compare features with a daily or weekly cycle with the same times: where rows "
            "have times, also by a service's clock, or never."
        ),
    ] = SeasonUse.ROWS,
    model_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The model's file: a service that serves another is told of.",
        ),
    ] = None,
    library: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="A library that the model needs, once for each: likewise."
        ),
    ] = None,
    bins: Annotated[int, typer.Option(min=10, help="Bins of a numeric feature.")] = 120,
) -> None:
    """Build a baseline from a data file.

    All columns without another role are features.

    \b
    Examples:
      modelwatch baseline build train.csv -o churn.json --model churn --version 3
      modelwatch baseline build train.parquet -o churn.json --model churn \\
          --version 3 --prediction predicted --score score --timestamp ts
      modelwatch baseline build train.csv -o churn.json --model churn \\
          --version 3 --segment country
      modelwatch baseline build train.csv -o churn.json --model churn \\
          --version 3 --model-file churn.joblib --library scikit-learn
    """
    from modelwatch.baseline import Baseline
    from modelwatch.model_fingerprint import fingerprint

    taken = fingerprint(model_file, libraries=library) if model_file or library else None
    scores = parse_score(score or [])
    with progress_bar(f"reading {data.name}") as progress:
        built = Baseline.fit(
            data,
            model=model,
            version=version,
            prediction=prediction,
            score=scores,
            label=label,
            timestamp=timestamp,
            segment=segment,
            seasons=seasons.value,
            fingerprint=taken,
            bins=bins,
            progress=progress,
        )
    with writing(output):
        built.save(output)
    print_text(f"wrote {output}: {len(built.features)} features of {built.rows} rows")


@commands.command()
def show(file: BaselineFile) -> None:
    """Show what a baseline holds: one line a feature.

    \b
    Examples:
      modelwatch baseline show churn.json
    """
    from modelwatch.baseline import Baseline
    from modelwatch.cli.baseline_table import baseline_table

    print_renderable(baseline_table(Baseline.load(file)))


@commands.command()
def push(
    file: BaselineFile,
    collector: CollectorOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """Give a collector the baseline to judge the model against.

    \b
    Examples:
      modelwatch baseline push churn.json
      modelwatch baseline push churn.json --collector http://10.0.0.5:4319
    """
    from modelwatch.baseline import Baseline

    baseline = Baseline.load(file)
    address = put_baseline(baseline, Remote(url=collector, token_file=token_file))
    print_text(f"{baseline.model} {baseline.version}: baseline {baseline.id} is now at {address}")
    print_remark("Windows that the collector evaluates from now on are judged against it.")


ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="Name of the model.")]
ModelVersion = Annotated[str, typer.Argument(metavar="VERSION", help="Version of the model.")]


@commands.command()
def promote(
    model: ModelName,
    version: ModelVersion,
    window: Annotated[
        str | None,
        typer.Option(help="Make the traffic of that long the baseline: 1d, 7d.", metavar="TIME"),
    ] = None,
    end: Annotated[
        str | None, typer.Option(help="End of that window, ISO 8601; now where not given.")
    ] = None,
    back_to: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Put that earlier baseline back in force instead."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Even while drift from the current one holds.")
    ] = False,
    collector: CollectorOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """Make live traffic the baseline, or put an earlier one back in force.

    \b
    Examples:
      modelwatch baseline promote churn 3 --window 7d
      modelwatch baseline promote churn 3 --back-to 1f0c3a9d2b4e5f60
    """
    if (window is None) == (back_to is None):
        raise ConfigurationError(
            "give either --window (live traffic) or --back-to (an earlier one)."
        )
    path = version_path(model, version)
    remote = Remote(url=collector, token_file=token_file)
    if back_to is not None:
        post_json(f"{path}/baselines/{quote(back_to, safe='')}/promote", remote, {})
        print_text(f"{model} {version}: baseline {back_to} is in force again")
        return
    traffic = {"window": window, **({"end": end} if end else {})}
    made = post_json(f"{path}/baseline/promote", remote, {"from": traffic, "force": force})
    print_text(f"{model} {version}: baseline {made['id']} of {made['rows']} live rows is in force")
    if made["carried_over"]:
        print_remark(f"Taken over from the one before: {', '.join(made['carried_over'])}.")


@commands.command()
def history(
    model: ModelName,
    version: ModelVersion,
    collector: CollectorOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """List the baselines that were in force, the current one first.

    \b
    Examples:
      modelwatch baseline history churn 3
    """
    from rich.table import Table

    table = Table(title=f"{model} {version}")
    for heading in ("baseline", "in force since", "rows", "made of"):
        table.add_column(heading, justify="right" if heading == "rows" else "left")
    remote = Remote(url=collector, token_file=token_file)
    for one in get_json(f"{version_path(model, version)}/baselines", remote)["baselines"]:
        origin = one["promoted_from"]
        table.add_row(
            f"{one['id']} (current)" if one["current"] else one["id"],
            one["in_force_since"],
            f"{one['rows']:,}",
            "training data" if origin is None else f"traffic up to {origin['end']}",
        )
    print_renderable(table)


def parse_score(texts: list[str]) -> str | Mapping[str, str] | None:
    """Read the values of ``--score``.

    >>> parse_score(["p"]), parse_score(["yes=p_yes", "no=p_no"]), parse_score([])
    ('p', {'yes': 'p_yes', 'no': 'p_no'}, None)

    Raises:
        ConfigurationError: where one of several texts names no class, or a class comes twice.
    """
    if not texts:
        return None
    if len(texts) == 1 and "=" not in texts[0]:
        return texts[0]
    pairs = [text.partition("=") for text in texts]
    scores = {name: column for name, equals, column in pairs if name and equals and column}
    if len(scores) < len(texts):
        raise ConfigurationError(
            f"--score is {', '.join(texts)}: give one column, or CLASS=COLUMN once for each class."
        )
    return scores
