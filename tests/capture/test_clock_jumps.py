from __future__ import annotations

from typing import Any

import pytest

from tests.watched import MakeWatch


@pytest.mark.parametrize("jump_seconds", [-86_400, -3_600, -1, 0, 1, 3_600, 86_400])
def test_windows_have_a_length_whatever_the_clock_does(
    make_watch: MakeWatch,
    row: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    jump_seconds: int,
) -> None:
    """A clock that is set, before, within or after a window, leaves windows that can be read."""
    watched = make_watch()
    folder = watched.watch.recorder.folder
    now = [1_700_000_000_000_000_000]
    monkeypatch.setattr(folder, "_clock_ns", lambda: now[0])

    @watched.watch
    def predict(features: dict[str, Any]) -> dict[str, Any]:
        return {"late": False, "score": 0.5}

    def minute() -> None:
        predict(row)
        assert watched.watch.flush(30)
        now[0] += 60_000_000_000

    minute()
    now[0] += jump_seconds * 1_000_000_000
    minute()
    predict(row)
    folder.fold()
    now[0] += jump_seconds * 1_000_000_000
    minute()
    minute()
    profiles = watched.transport.profiles()
    assert sum(profile.rows for profile in profiles) == 5
    assert all(profile.start_ns < profile.end_ns for profile in profiles)
