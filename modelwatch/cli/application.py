"""The tree of commands, and the one place where an error becomes a line and an exit status."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from typing import Annotated

import typer

import modelwatch
from modelwatch.cli import (
    alerts,
    audit,
    baseline,
    capture,
    collector,
    compare,
    doctor,
    evaluate,
    labels,
    report,
    rollout,
    skew,
    status,
    store,
    token,
)
from modelwatch.cli.console import drop_unwritable_output, print_error, print_text
from modelwatch.errors import ModelwatchError

__all__ = ["application", "run"]

ERROR_STATUS = 2

application = typer.Typer(
    name="modelwatch",
    help="Watch deployed models and tell what drifted.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="rich",
)
application.add_typer(alerts.commands, name="alerts")
application.add_typer(baseline.commands, name="baseline")
application.add_typer(capture.commands, name="capture")
application.add_typer(labels.commands, name="labels")
application.add_typer(store.commands, name="store")
application.add_typer(token.commands, name="token")
application.command(name="compare")(compare.compare)
application.command(name="report")(report.report)
application.command(name="skew")(skew.skew)
application.command(name="collector")(collector.collector)
application.command(name="evaluate")(evaluate.evaluate)
application.command(name="rollout")(rollout.rollout)
application.command(name="status")(status.status)
application.command(name="audit")(audit.audit)
application.command(name="doctor")(doctor.doctor)


def _print_version(wanted: bool) -> None:
    if wanted:
        print_text(modelwatch.__version__)
        raise typer.Exit


@application.callback()
def _options_of_all(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Watch deployed models and tell what drifted."""


@application.command()
def demo(
    exit_when_done: Annotated[
        bool,
        typer.Option("--exit", help="End when the story is told; status 1 if it went wrong."),
    ] = False,
    otlp_port: Annotated[int, typer.Option(help="Port of the collector's OTLP receiver.")] = 4318,
    api_port: Annotated[int, typer.Option(help="Port of the collector's API and pages.")] = 4319,
    app_port: Annotated[int, typer.Option(help="Port of the watched service.")] = 8000,
) -> None:
    """Show drift being found on real flights, from training to page.

    Needs pip install "modelwatch\\[demo]".
    """
    from modelwatch.cli import demo as story

    ports = story.Ports(otlp_http=otlp_port, api=api_port, app=app_port)
    raise typer.Exit(story.run(exit_when_done=exit_when_done, ports=ports))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: the words after the program's name; those of the process where None.

    Returns:
        The exit status, see `modelwatch.cli.main`.
    """
    try:
        application(args=None if arguments is None else list(arguments), prog_name="modelwatch")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except ModelwatchError as error:
        print_error(str(error))
    except OSError as error:  # such as a full disk behind stdout
        drop_unwritable_output()
        print_error(f"{error}.")
    except Exception:  # the edge of the process: a crash must not look like a finding (status 1)
        traceback.print_exc()
    return ERROR_STATUS
