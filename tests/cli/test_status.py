from __future__ import annotations

from rich.console import Console

from modelwatch.cli.status import VersionStatus, status_table


def version_status(state: str, *features: str) -> VersionStatus:
    """Return the status of a version of one model."""
    return VersionStatus(
        model="[churn]",
        version="3",
        rows=120,
        last_seen="2026-01-31T12:00:00.000Z",
        state=state,
        features=features,
    )


def printed(*versions: VersionStatus) -> str:
    """Return the table as a wide terminal shows it."""
    console = Console(width=160, record=True, file=None, quiet=False)
    with console.capture() as capture:
        console.print(status_table(list(versions)))
    return capture.get()


def test_names_are_no_markup() -> None:
    """A model's name is shown as it is, brackets too."""
    assert "[churn]" in printed(version_status("no_drift"))


def test_many_features_are_counted() -> None:
    """Four features are named, the others counted."""
    shown = printed(version_status("drift", "a", "b", "c", "d", "e", "f"))
    assert "a, b, c, d, 2 more" in shown


def test_every_state_is_words() -> None:
    """Too few rows and no baseline are said as such, never as no drift."""
    shown = printed(version_status("insufficient_data"), version_status("no_baseline"))
    assert "insufficient data" in shown
    assert "no baseline" in shown
