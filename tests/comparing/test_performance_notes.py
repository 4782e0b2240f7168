"""What is said beside the figures of performance."""

from __future__ import annotations

from modelwatch.comparing.performance_notes import absence_note, unknown_classes_note
from modelwatch.performance.labelled_summary import MAX_CLASSES, LabelledSummary


def test_nothing_absent_is_nothing_said() -> None:
    """Without a fault there is no note."""
    assert absence_note({}) == ""


def test_each_reason_is_said_once() -> None:
    """What is absent for one reason is told together, other reasons apart."""
    faults = {"no a": "too few.", "no b": "too many", "no c": "too few."}
    assert absence_note(faults) == "no a, and no c: too few; no b: too many"


def test_many_classes_are_shortened() -> None:
    """Five classes are named, the others counted."""
    classes = [f"c{at}" for at in range(9)]
    summary = LabelledSummary.empty(classes)
    summary.update(["z"], ["c0"])
    note = unknown_classes_note(summary, LabelledSummary.empty(classes))
    assert note.endswith("it knows c0, c1, c2, c3, c4, 4 more")


def test_classes_beyond_those_told_apart_are_not_called_unknown() -> None:
    """Where the baseline had more classes than are named, an unnamed one may be known."""
    classes = [f"c{at}" for at in range(MAX_CLASSES + 2)]
    reference, summary = LabelledSummary.empty(classes), LabelledSummary.empty(classes)
    for one in (reference, summary):
        one.update(classes, classes)
    assert unknown_classes_note(summary, reference) == ""
