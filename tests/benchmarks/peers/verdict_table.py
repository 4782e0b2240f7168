"""Every tool's verdicts on the same streams, side by side, as a Markdown document."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.benchmarks.peers.streams import COLUMNS, STREAMS, Stream
from tests.benchmarks.peers.verdicts import ToolVerdicts

__all__ = ["document"]

TIMED = "N(0,1), reference 50,000, window 10,000, shift 0.2 sd"
INTRODUCTION = f"""# Other tools' verdicts beside ours

Made by `make peers`. All tools judge the same seeded windows with their default settings: Evidently
by its data drift preset, nannyml by Jensen-Shannon distance with one window a chunk. A baseline has
{COLUMNS} columns of one law, and a stream says what happens to all of them. Ours are: severity
"drift"; severity "warning" or "drift"; q-value of at most .01, which is evidence whatever the size.
"""
Verdicts = Sequence[Sequence[bool]]
Part = tuple[str, ToolVerdicts, str]


def document(peers: Sequence[ToolVerdicts], ours: ToolVerdicts) -> str:
    """Return the whole document."""
    parts: list[Part] = [(peer.tool, peer, "drift") for peer in peers]
    parts += [("ours, drift", ours, "drift"), ("ours, warning", ours, "warning or drift")]
    parts.append(("ours, evidence", ours, "evidence"))
    by_column = [stream for stream in STREAMS if not stream.is_joint]
    undrifted = [stream for stream in by_column if stream.change is None]
    joint = [stream for stream in STREAMS if stream.is_joint]
    kinds = [name for name, found in ours.verdicts.items() if found.keys() & {joint[0].name}]
    joint_parts: list[Part] = [
        (peer.tool, peer, "drift") for peer in peers if joint[0].name in peer.verdicts["drift"]
    ]
    joint_parts += [(f"ours, {kind} (p <= .01)", ours, kind) for kind in kinds]
    sections = (
        INTRODUCTION,
        _section("Share of columns found, over all windows", by_column, parts, _of_columns),
        _section(
            "False verdicts: share of undrifted windows in which any column is found",
            undrifted,
            parts,
            _of_windows,
        ),
        _section("The columns together: share of windows found", joint, joint_parts, _of_windows),
        _costs(peers, ours),
    )
    return "\n".join(sections)


def _section(
    title: str,
    streams: Sequence[Stream],
    parts: Sequence[Part],
    share: Callable[[Verdicts], float],
) -> str:
    header = ["stream", "windows", *(name for name, _, _ in parts)]
    lines = [f"## {title}", "", _row(header), _row(["---"] * len(header))]
    for stream in streams:
        found = [tool.verdicts.get(kind, {}).get(stream.name) for _, tool, kind in parts]
        sizes = sorted({len(windows) for windows in found if windows})
        shares = [f"{share(windows):.3f}" if windows else "" for windows in found]
        lines.append(_row([stream.name, " / ".join(map(str, sizes)), *shares]))
    return "\n".join([*lines, ""])


def _of_columns(windows: Verdicts) -> float:
    return sum(map(sum, windows)) / sum(map(len, windows))


def _of_windows(windows: Verdicts) -> float:
    return sum(map(any, windows)) / len(windows)


def _costs(peers: Sequence[ToolVerdicts], ours: ToolVerdicts) -> str:
    """Return what one comparison takes, as multiples of ours."""
    floor = ours.seconds[TIMED]
    lines = [
        "## Time of one comparison",
        "",
        (
            f"{TIMED}, {COLUMNS} columns, from a frame; fitting is left "
            "out. Of nannyml it is the mean over all windows at once, as chunks of one call."
        ),
        "",
        _row(["tool", "seconds", "ratio to ours"]),
        _row(["---"] * 3),
    ]
    for tool in (*peers, ours):
        if TIMED in tool.seconds:
            seconds = tool.seconds[TIMED]
            lines.append(_row([tool.tool, f"{seconds:.4f}", f"{seconds / floor:.1f}"]))
    return "\n".join([*lines, ""])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
