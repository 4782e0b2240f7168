"""``modelwatch capture``: show and set how a running service captures."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from modelwatch.cli.collector_client import (
    Collector,
    CollectorOption,
    Remote,
    TokenFileOption,
    delete,
    get_text,
    put_json,
    version_path,
)
from modelwatch.cli.console import print_remark, print_text
from modelwatch.errors import CollectorError, ConfigurationError, FormatError

if TYPE_CHECKING:
    from modelwatch.telemetry.steering import FeatureLimits, Steering

__all__ = ["commands", "parse_limit"]

commands = typer.Typer(
    name="capture",
    help="Show and set how running services capture a model version: on or off, sampling, limits.",
    no_args_is_help=True,
)

Model = Annotated[str, typer.Argument(metavar="MODEL", help="Name of the model.")]
Version = Annotated[str, typer.Argument(metavar="VERSION", help="Version of the model.")]


@commands.command()
def show(
    model: Model,
    version: Version,
    collector: CollectorOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """Show how capture is steered, as JSON; null is as the service's code says.

    \b
    Examples:
      modelwatch capture show churn 3
    """
    remote = Remote(url=collector, token_file=token_file)
    print_text(_current(model, version, remote).to_json())


@commands.command(name="set")
def set_(
    model: Model,
    version: Version,
    enabled: Annotated[
        bool | None, typer.Option("--enabled/--disabled", help="Capture, or capture nothing.")
    ] = None,
    sample_rate: Annotated[
        float | None,
        typer.Option(metavar="SHARE", help="Share of calls whose rows are captured, 0 to 1."),
    ] = None,
    max_rows_per_second: Annotated[
        float | None, typer.Option(metavar="ROWS", help="Rows captured a second in each process.")
    ] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FEATURE=LOWER:UPPER",
            help="Limits of a numeric feature, beyond which a value is an outlier; either may be "
            "left out. Once for each feature.",
        ),
    ] = None,
    collector: CollectorOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """Steer capture; what is not named here stays as it was set before.

    Services that ask this collector for their baseline, or were given its address, follow within
    their export interval.

    \b
    Examples:
      modelwatch capture set churn 3 --sample-rate 0.1
      modelwatch capture set churn 3 --limit age=18:110 --limit income=0:
      modelwatch capture set churn 3 --disabled
    """
    remote = Remote(url=collector, token_file=token_file)
    steering = _current(model, version, remote)
    steering = replace(
        steering,
        enabled=steering.enabled if enabled is None else enabled,
        sample_rate=steering.sample_rate if sample_rate is None else sample_rate,
        max_rows_per_second=(
            steering.max_rows_per_second if max_rows_per_second is None else max_rows_per_second
        ),
        outlier_limits={**steering.outlier_limits, **dict(map(parse_limit, limit or []))},
    )
    put_json(f"{version_path(model, version)}/capture", remote, steering.to_json())
    print_text(steering.to_json())
    print_remark("Services follow within their export interval.")


@commands.command()
def clear(
    model: Model,
    version: Version,
    collector: CollectorOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """Steer no more: all is as the service's code says.

    \b
    Examples:
      modelwatch capture clear churn 3
    """
    remote = Remote(url=collector, token_file=token_file)
    delete(f"{version_path(model, version)}/capture", remote)
    print_text(f"{model} {version}: capture is as the service's code says")


def _current(model: str, version: str, collector: Collector) -> Steering:
    from modelwatch.telemetry.steering import Steering

    text = get_text(f"{version_path(model, version)}/capture", collector)
    try:
        return Steering.from_json(text)
    except FormatError as error:
        raise CollectorError(f"the collector's answer cannot be used: {error}") from error


def parse_limit(text: str) -> tuple[str, FeatureLimits]:
    """Read a value of ``--limit``.

    >>> parse_limit("age=18:")
    ('age', FeatureLimits(lower=18.0, upper=None))

    Raises:
        ConfigurationError: where it names no feature, or its limits are no numbers.
    """
    from modelwatch.telemetry.steering import FeatureLimits

    name, _, limits = text.rpartition("=")
    lower, colon, upper = limits.partition(":")
    try:
        found = [float(limit) if limit.strip() else None for limit in (lower, upper)]
    except ValueError:
        found = []
    if not (name and colon and found):
        raise ConfigurationError(
            f"--limit is {text!r}: give FEATURE=LOWER:UPPER, as in age=18:110 or age=18:."
        )
    return name, FeatureLimits(lower=found[0], upper=found[1])
