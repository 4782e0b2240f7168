"""What the pages say of a window: its verdict, what to do, and what was left out. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from modelwatch.collector.evaluating.evaluation import Assessment, State
from modelwatch.collector.storing.store import VersionSeen
from modelwatch.collector.windows import NANOSECONDS
from modelwatch.persistence import FeatureHistory, Persistence
from modelwatch.report.remarks import Remark
from modelwatch.report.wording import Verdict, verdict
from modelwatch.telemetry.steering import Steering

__all__ = ["ago", "holding", "notes_of", "said_of", "steered"]

MOST_HOLDING = 6

_EXPLAINED: dict[State, tuple[str, str]] = {
    "no_baseline": (
        "No baseline to compare with",
        "Fit one on the training data and push it: modelwatch baseline push FILE.",
    ),
    "no_reference": (
        "Nothing to compare with was sent",
        "Compare with another window, or with the baseline.",
    ),
    "incomparable": (
        "What was received cannot be compared with the baseline",
        (
            "It holds other types of values than in training, or was counted on other bins. Give "
            "the service's Watch the current baseline, or fit one on data of these types."
        ),
    ),
}


def said_of(found: Assessment, seen: VersionSeen, *, now_ns: int) -> tuple[Verdict, str]:
    """Return the verdict on a window, and the remedy where it could not be judged.

    Args:
        found: what is known of the window.
        seen: the model version.
        now_ns: Unix nanoseconds.
    """
    if found.state == "no_data":
        return _unjudged(*_without_data(seen, now_ns))
    if found.report is None or found.state in _EXPLAINED:
        return _unjudged(*_EXPLAINED[found.state])
    return verdict(found.report), ""


def holding(histories: Sequence[FeatureHistory], persistence: Persistence) -> list[Remark]:
    """Say which findings hold over the finished windows; nothing where none does."""
    names = [
        f"{history.name} (harmless)" if history.harmless else history.name
        for history in histories
        if history.persists
    ]
    if not names:
        return []
    if len(names) > MOST_HOLDING:
        names = [*names[:MOST_HOLDING], f"{len(names) - MOST_HOLDING} more"]
    text = (
        f"in {persistence.k} or more of the last {persistence.m} finished windows: "
        f"{', '.join(names)}"
    )
    return [Remark(subject="Persistent", text=text)]


def notes_of(found: Assessment) -> list[str]:
    """Return what was left out of a comparison or is approximate, a sentence each."""
    notes = []
    if found.other_bins:
        notes.append(
            f"Counted on other bins than the baseline's, so not judged: "
            f"{', '.join(found.other_bins)}. Give the service's Watch this baseline."
        )
    if found.rebinned:
        most = max(found.rebinned.values())
        notes.append(
            f"Counted on other bins than the baseline's, and put onto those with an error of at "
            f"most {most:.2%} of the values: {', '.join(found.rebinned)}."
        )
    if found.rows_apart:
        notes.append(
            f"{found.rows_apart:,} rows were counted on the bins of another baseline and are "
            "left out."
        )
    if found.unmergeable:
        notes.append(
            f"{found.unmergeable:,} received profiles are damaged or contradict the others and "
            "are left out."
        )
    if found.against is not None and found.against.dependence == "independent":
        notes.append(
            "There is no baseline that tells how much rows depend on one another: they are taken "
            "as independent, so that rows that come in clusters may look like drift."
        )
    if found.report is not None and found.report.note:
        notes.append(f"{found.report.note[:1].upper()}{found.report.note[1:]}.")
    return notes


def steered(steering: Steering | None) -> list[str]:
    """Say how the capture of a model version is steered; nothing where it is not.

    >>> steered(Steering(sample_rate=0.1))
    ['Capture is steered: 10% of the calls.']
    """
    if steering is None or steering.changes_nothing:
        return []
    words = [] if steering.enabled else ["off"]
    if steering.sample_rate is not None:
        words.append(f"{100 * steering.sample_rate:g}% of the calls")
    if steering.max_rows_per_second is not None:
        words.append(f"at most {steering.max_rows_per_second:g} rows a second")
    if steering.outlier_limits:
        words.append(f"other limits of {', '.join(sorted(steering.outlier_limits))}")
    return [f"Capture is steered: {', '.join(words)}."]


def ago(duration_ns: int) -> str:
    """Return how long ago in one unit.

    >>> ago(90 * 10**9), ago(3 * 86_400 * 10**9), ago(-1)
    ('1 min ago', '3 d ago', 'just now')
    """
    seconds = duration_ns // NANOSECONDS
    for length, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        if seconds >= max(length, 5):
            return f"{seconds // length} {unit} ago"
    return "just now"


def _unjudged(sentence: str, remedy: str) -> tuple[Verdict, str]:
    return Verdict(severity="insufficient_data", sentence=sentence, names=""), remedy


def _without_data(seen: VersionSeen, now_ns: int) -> tuple[str, str]:
    if seen.last_seen_ns is None:
        remedy = (
            "The baseline is here. Give the service's Watch this model and version, and point "
            "OTEL_EXPORTER_OTLP_ENDPOINT at this collector."
        )
        return "No data yet", remedy
    last = ago(now_ns - seen.last_seen_ns)
    remedy = (
        f"The last data came {last}. Choose a longer or an earlier window, or look whether the "
        "service still sends."
    )
    return "No data in this window", remedy
