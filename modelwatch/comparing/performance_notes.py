"""What has to be known of performance beside its figures: what is not told and why. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from modelwatch.performance.labelled_summary import LabelledSummary
from modelwatch.report.wording import percent

__all__ = ["absence_note", "unknown_classes_note"]

MOST_CLASSES = 5


def absence_note(faults: Mapping[str, str]) -> str:
    """Say which measures are not told, and why; empty where there is no reason.

    Args:
        faults: by what is not told: why, in words.

    >>> absence_note({"nothing is estimated": "no score.", "no loss is realised": "no score."})
    'nothing is estimated, and no loss is realised: no score'
    """
    by_reason: dict[str, list[str]] = {}
    for what, why in faults.items():
        by_reason.setdefault(why.rstrip("."), []).append(what)
    return "; ".join(f"{', and '.join(whats)}: {why}" for why, whats in by_reason.items())


def unknown_classes_note(labelled: LabelledSummary, reference: LabelledSummary) -> str:
    """Say what share of labels and predictions are of classes that the baseline does not know.

    Args:
        labelled: current rows whose truth is known.
        reference: those of the baseline.

    Returns:
        Empty where there are none, or where the baseline had more classes than are told apart.

    >>> summary = LabelledSummary.empty(["no", "yes"])
    >>> summary.update(["no", "z"], ["no", "no"])
    >>> unknown_classes_note(summary, LabelledSummary.empty(["no", "yes"]))
    '50.0% of labels are of classes that the baseline does not know: it knows no, yes'
    """
    if reference.unknown_labels or reference.unknown_predictions:
        return ""
    counts = {
        "labels": (labelled.unknown_labels, labelled.rows),
        "predictions": (labelled.unknown_predictions, int(labelled.confusion.sum())),
    }
    shares = [
        f"{percent(count / rows)} of {what}" for what, (count, rows) in counts.items() if count
    ]
    if not shares:
        return ""
    known = _listed(reference.classes)
    told = " and ".join(shares)
    return f"{told} are of classes that the baseline does not know: it knows {known}"


def _listed(classes: Sequence[str]) -> str:
    rest = len(classes) - MOST_CLASSES
    return ", ".join([*classes[:MOST_CLASSES], *([f"{rest} more"] if rest > 0 else [])])
