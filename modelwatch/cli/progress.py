"""A bar for work that takes a while, where a person looks on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

__all__ = ["progress_bar"]


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[float], None] | None]:
    """Show a bar on stderr for the time of a block, and remove it at its end.

    Yields:
        What is to be told the share done, in [0, 1]; None where stderr is no terminal.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    with Progress(console=console, transient=True) as bars:
        bar = bars.add_task(escape(label), total=1.0)
        yield lambda share: bars.update(bar, completed=share)
