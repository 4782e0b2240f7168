"""The bar that is shown while files are read."""

from __future__ import annotations

import io
import sys

import pytest

from modelwatch.cli.progress import progress_bar


class Terminal(io.StringIO):
    """A stderr that a person looks at."""

    def isatty(self) -> bool:
        """Return that it is a terminal."""
        return True


def test_a_terminal_shows_the_share_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """The label is shown as it is, markup or not, and the bar is removed at the end."""
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    with progress_bar("reading [red]a.csv") as progress:
        assert progress is not None
        for share in (0.0, 0.5, 1.0):
            progress(share)
    shown = screen.getvalue()
    assert "reading [red]a.csv" in shown
    assert "100%" in shown


def test_a_pipe_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody looks on, so there is nothing to be told."""
    with progress_bar("reading a.csv") as progress:
        assert progress is None
    assert capsys.readouterr().err == ""
