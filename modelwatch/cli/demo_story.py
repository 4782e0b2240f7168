"""The story of the demo: its phases, what must be found in each, and how that is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rich import box
from rich.table import Table
from rich.text import Text

from modelwatch.report.drift_report import DriftReport, FeatureDrift
from modelwatch.report.text import STYLES
from modelwatch.report.wording import MARKS, WORDS, number, p_value

__all__ = ["ALERT_RULES", "STORY", "Chapter", "faults_of_report", "findings_table"]

ALERT_RULES = """
[[rules]]
name = "drift"
on = "drift"
k = 1
m = 1

[[rules]]
name = "concept drift"
on = "concept_drift"
k = 1
m = 1
"""
"""A phase is hardly longer than a window, so that one window must do."""

SHOWN_WITHOUT_FINDING = 3
"""How many of the features without a finding a table shows, the largest PSI first."""


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """One phase of the story.

    Attributes:
        phase: its name in ``examples/flight_delays/data.py``.
        month: of which month its flights are.
        told: what happens in it, in words.
        expected: the features that must be at "drift", each with words that its diagnosis must
            hold. No other feature or output may be at "drift".
        relation_changed: whether what the inputs say of the truth is another in it, so that labels
            must tell concept drift; in all others they must not.
    """

    phase: str
    month: str
    told: str
    expected: Mapping[str, str] = field(default_factory=dict)
    relation_changed: bool = False


STORY = (
    Chapter(
        phase="calm",
        month="December",
        told="December flights. Winter again, as in training: nothing may be found.",
    ),
    Chapter(
        phase="seasonal",
        month="July",
        told="July flights. The model has only seen a winter: it is warm, and the air is moist.",
        expected={"temp": "mean went", "dewp": "mean went"},
    ),
    Chapter(
        phase="broken pipeline",
        month="December",
        told="December flights. Distance comes in kilometres instead of miles, and visibility "
        "no longer comes at all.",
        expected={"distance": "miles to kilometres", "visib": "missing"},
    ),
    Chapter(
        phase="outliers",
        month="December",
        told="December flights. LaGuardia's broken anemometer reports 9999 as the wind speed in "
        "every third hour, which is one flight in ten.",
        expected={"wind_speed": "values outside"},
    ),
    Chapter(
        phase="new relation",
        month="December",
        told="December flights. All is sent as in training, so nothing may be found; but who "
        "leaves early is late now, which no input shows.",
        relation_changed=True,
    ),
)


def faults_of_report(chapter: Chapter, report: DriftReport) -> list[str]:
    """Return in what the report differs from what was done; empty where it tells just that."""
    at_drift = {name for name, drift in report.features.items() if drift.severity == "drift"}
    faults = [
        f"{chapter.phase}: {name} is at drift, though nothing was done to it."
        for name in sorted(at_drift - set(chapter.expected))
    ]
    for name, words in chapter.expected.items():
        drift = report.features.get(name)
        if drift is None:
            faults.append(f"{chapter.phase}: {name} is not in the report.")
        elif drift.severity != "drift":
            faults.append(f"{chapter.phase}: {name} is at {drift.severity}, not at drift.")
        elif words not in (drift.diagnosis or ""):
            faults.append(
                f"{chapter.phase}: {name} is diagnosed as {drift.diagnosis!r}, not as {words!r}."
            )
        elif drift.origin == "skew":
            faults.append(f"{chapter.phase}: {name} is taken for skew since the deployment.")
    return faults


def findings_table(chapter: Chapter, report: DriftReport) -> Table:
    """Return what was found in a phase: each finding, and a few features without one."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("phase", max_width=max(map(len, ["phase", *chapter.phase.split()])))
    table.add_column("feature", no_wrap=True)
    for heading in ("PSI", "KS", "p"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("severity", no_wrap=True)
    table.add_column("what was found", overflow="fold")
    for number_of_row, drift in enumerate(_shown(report)):
        table.add_row(
            "" if number_of_row else chapter.phase,
            drift.name,
            number(drift.psi),
            number(drift.ks),
            p_value(drift.p_value),
            Text(f"{MARKS[drift.severity]} {WORDS[drift.severity]}", style=STYLES[drift.severity]),
            Text(drift.diagnosis or ""),
        )
    return table


def _shown(report: DriftReport) -> list[FeatureDrift]:
    ranked = report.ranked()
    found = [drift for drift in ranked if drift.severity != "none"]
    quiet = [drift for drift in ranked if drift.severity == "none"]
    quiet.sort(key=lambda drift: drift.psi or 0.0, reverse=True)
    return found + quiet[:SHOWN_WITHOUT_FINDING]
