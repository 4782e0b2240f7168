"""``modelwatch baseline``: build one from data, look at it, push it to a collector."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from modelwatch.cli.collector_client import (
    CollectorOption,
    Remote,
    TokenFileOption,
    put_baseline,
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
    help="Build, show and push baselines: what a model was trained on.",
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
