"""The command line. `main` is what the installed ``modelwatch`` script calls."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

__all__ = ["main"]

_NEEDED_HERE = frozenset({"rich", "typer"})


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and end the process.

    The exit status is 0 where all went well, 1 where a command that judges found something, and 2
    on an error, a fault of our own included: a gate in a pipeline can tell the three apart.

    Args:
        arguments: the words after the program's name; those of the process where None.

    Raises:
        SystemExit: always, with the exit status.
    """
    try:
        from modelwatch.cli.application import run
    except ModuleNotFoundError as error:
        if error.name not in _NEEDED_HERE:
            raise
        sys.stderr.write(
            f"modelwatch: the command line needs {error.name}, which is not installed. "
            'Install it with: pip install "modelwatch[collector]"\n'
        )
        sys.exit(2)
    sys.exit(run(arguments))
