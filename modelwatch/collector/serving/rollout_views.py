"""What the page of two versions shows, computed apart from how it looks. Pure."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Final

from modelwatch.collector.rollouts.comparison import Side
from modelwatch.collector.serving.encoded_paths import path_of
from modelwatch.collector.serving.page_views import Link
from modelwatch.collector.serving.rollout_reading import ReadRollout
from modelwatch.collector.windows import TimeWindow
from modelwatch.report.findings import FeatureDrift
from modelwatch.report.html import time_span
from modelwatch.report.sections import STRIP_MARGIN, Strip
from modelwatch.report.wording import metric_name, number
from modelwatch.rollout.evidence import ERRORS, LATENCY, Evidence, Standing
from modelwatch.rollout.pair_summary import PairSummary
from modelwatch.rollout.suggestion import SuggestionKind

__all__ = ["MeasureRow", "RolloutView", "rollout_view"]

MOST_FEATURES: Final = 10

_TITLES: Final[dict[SuggestionKind, str]] = {
    "promote": "Promote",
    "roll_back": "Roll back",
    "keep_watching": "Keep watching",
    "retrain": "Retrain",
}
_TONES: Final[dict[SuggestionKind, str]] = {
    "promote": "none",
    "roll_back": "drift",
    "keep_watching": "insufficient_data",
    "retrain": "drift",
}
_STANDINGS: Final[dict[Standing, tuple[str, str]]] = {
    "better": ("harmless", "better"),
    "no_worse": ("none", "no worse"),
    "worse": ("drift", "worse"),
    "open": ("insufficient_data", "not told yet"),
}
_NAMES: Final = {ERRORS: "Failed calls", LATENCY: "Time of a call, s"}


@dataclass(frozen=True, kw_only=True)
class MeasureRow:
    """One measure of both versions, in words.

    Attributes:
        basis: how many rows it rests on.
        strip: the gain with its limits, between the margin and none; None while there are none.
    """

    name: str
    tone: str
    stable: str
    candidate: str
    gain: str
    limits: str
    standing: str
    basis: str
    strip: Strip | None


@dataclass(frozen=True, kw_only=True)
class RolloutView:
    """The page of two versions.

    Attributes:
        title: what should be done.
        tone: how the verdict is coloured.
        reasons: why, a sentence each.
        sides: the versions, with the facts of each.
        span: the time that is compared.
        measures: what was measured of both.
        agreement: how both predict the same things, a sentence each; empty where they do not.
        drift: features whose distributions differ, in words.
        drift_state: what comparing the distributions came to.
        send: what to do where there are no labels.
        swap: the same with the two versions swapped.
    """

    model: str
    title: str
    tone: str
    reasons: list[str]
    sides: list[tuple[str, Link, list[tuple[str, str]]]]
    span: str
    measures: list[MeasureRow]
    agreement: list[str]
    drift: list[str]
    drift_state: str
    send: str
    swap: Link


def rollout_view(read: ReadRollout, *, swap: str) -> RolloutView:
    """Return what the page shows.

    Args:
        read: what the two versions come to.
        swap: path of the page with the two swapped.
    """
    found = read.rollout
    kind = found.suggestion.kind
    sides = (("Stable", found.stable), ("Candidate", found.candidate))
    return RolloutView(
        model=found.model,
        title=_TITLES[kind],
        tone=_TONES[kind],
        reasons=[_sentence(reason) for reason in found.suggestion.reasons],
        sides=[(name, _link(found.model, side), _facts(side)) for name, side in sides],
        span=_span(found.window),
        measures=[_row(one) for one in found.suggestion.evidence],
        agreement=[] if found.pairs is None else _agreement(found.pairs),
        drift=_drift(read),
        drift_state=read.drift.state,
        send="" if found.candidate.labelled and found.stable.labelled else _send(found.model),
        swap=Link(text="Swap the two", href=swap),
    )


def _link(model: str, side: Side) -> Link:
    return Link(text=side.version, href=path_of("models", model, "versions", side.version))


def _facts(side: Side) -> list[tuple[str, str]]:
    failed = sum(one.failed for one in side.calls)
    return [
        ("Calls", f"{side.all_calls:,}"),
        ("Failed", f"{failed:,}"),
        ("Predictions", f"{side.predictions:,}"),
        ("Labelled", f"{side.labelled:,}"),
    ]


def _span(window: TimeWindow) -> str:
    return time_span(window.start_ns, window.end_ns)


def _sentence(reason: str) -> str:
    return f"{reason[:1].upper()}{reason[1:]}."


def _row(found: Evidence) -> MeasureRow:
    tone, word = _STANDINGS[found.standing]
    least, gain, most = found.gain
    known = found.told.is_told
    basis = (
        f"{found.candidate_rows:,} rows of both"
        if found.is_paired
        else f"{found.stable_rows:,} and {found.candidate_rows:,}"
    )
    return MeasureRow(
        name=_NAMES.get(found.name) or metric_name(found.name),
        tone=tone,
        stable=_value(found.name, found.stable),
        candidate=_value(found.name, found.candidate),
        gain=_value(found.name, gain),
        limits=f"{_value(found.name, least)} to {_value(found.name, most)}" if known else "",
        standing=word,
        basis=basis,
        strip=_strip(found) if known else None,
    )


def _value(name: str, value: float) -> str:
    """Return a figure; shares of failed calls and seconds are small."""
    return f"{value:.4f}" if name in _NAMES else number(value)


def _strip(found: Evidence) -> Strip:
    """Place the gain and its limits on a line on which none is the tick, and the margin a band."""
    least, gain, most = found.gain
    low, high = min(least, -found.margin), max(most, 0.0)
    width = (high - low) or 1.0

    def place(value: float) -> float:
        return STRIP_MARGIN + (1 - 2 * STRIP_MARGIN) * (value - low) / width

    return Strip(
        reference=place(0.0),
        reference_low=place(-found.margin),
        reference_high=place(0.0),
        value=place(gain),
        low=place(least),
        high=place(most),
        description=f"gain {gain:.3g}, from {least:.3g} to {most:.3g}; margin {found.margin:.3g}",
    )


def _agreement(pairs: PairSummary) -> list[str]:
    told = [f"{pairs.rows:,} predictions were made by both under the same id."]
    if pairs.predicted:
        share = pairs.agreed / pairs.predicted
        told.append(f"Both predict the same class in {share:.1%} of them.")
    if pairs.labelled:
        both, only_stable = int(pairs.correct[1, 1]), int(pairs.correct[1, 0])
        told.append(
            f"Of {pairs.labelled:,} with a label, both are right in {both:,}, only the stable "
            f"version in {only_stable:,}, only the candidate in {int(pairs.correct[0, 1]):,}."
        )
    for name in pairs.value_names:
        difference = pairs.value_difference(name)
        if difference.rows:
            what = "Predictions" if pairs.task == "regression" else f"Scores of {name}"
            told.append(
                f"{what} differ by {pairs.mean_absolute_difference(name):.3g} on average, those of "
                f"the candidate being {abs(difference.mean):.3g} "
                f"{'higher' if difference.mean >= 0 else 'lower'}."
            )
    return told


def _drift(read: ReadRollout) -> list[str]:
    report = read.drift.report
    if report is None:
        return []
    worst = [one for one in report.ranked() if one.severity in ("drift", "warning")]
    return [_drifted(one) for one in worst[:MOST_FEATURES]]


def _drifted(found: FeatureDrift) -> str:
    word = "differs" if found.severity == "drift" else "differs somewhat"
    cause = f": {found.diagnosis}" if found.diagnosis else ""
    return f"{found.name} {word}{cause}"


def _send(model: str) -> str:
    return f"modelwatch labels push labels.csv --model {shlex.quote(model)}"
