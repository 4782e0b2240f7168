"""What the commands print, and where: results on stdout, errors and remarks on stderr."""

from __future__ import annotations

from rich.console import Console, RenderableType
from rich.text import Text

__all__ = ["print_error", "print_remark", "print_renderable", "print_text"]


def print_renderable(renderable: RenderableType) -> None:
    """Print a table or another rich object on stdout."""
    Console().print(renderable)


def print_text(text: str) -> None:
    """Print a text on stdout as it is: not wrapped, no markup read."""
    Console(soft_wrap=True, highlight=False, markup=False, emoji=False).print(text)


def print_remark(text: str) -> None:
    """Print a line on stderr that is for a person, not for a pipe."""
    Console(stderr=True, soft_wrap=True).print(Text(text, style="dim"))


def print_error(text: str) -> None:
    """Print what went wrong on stderr, in red."""
    Console(stderr=True, soft_wrap=True).print(Text(f"error: {text}", style="red"))
