"""How the findings of an audit are said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelwatch.report.wording import percent, plural
from modelwatch.skew.join import OneSide
from modelwatch.skew.report import FeatureSkew, SkewReport

__all__ = ["headline", "kind_name", "pairing_notes", "report_text", "shown_value"]

MOST_CHARACTERS = 40


def headline(report: SkewReport) -> str:
    """Say what the audit comes to, in a sentence."""
    alone = len(report.only_served) + len(report.only_recomputed)
    unequal = sum(one.unequal > 0 for one in report.features.values())
    beside = f"; {plural(alone, 'column')} on one side only" if alone else ""
    total = plural(len(report.features), "feature")
    if not unequal:
        return f"No skew in {total}{beside}"
    return f"Skew in {unequal} of {total}{beside}"


def pairing_notes(report: SkewReport) -> Iterator[str]:
    """Say what was compared, what was not, and why."""
    yield from report.notes
    key = " and ".join(report.key)
    for words, side in (("served", report.served), ("recomputed", report.recomputed)):
        yield from _side(words, side, key)
    for words, columns in (
        ("served", report.only_served),
        ("recomputed", report.only_recomputed),
    ):
        if columns:
            yield f"Only in {words}: {', '.join(columns)}"


def kind_name(name: str) -> str:
    """Return the name of a kind as words.

    >>> kind_name("default_value")
    'default value'
    """
    return name.replace("_", " ")


def shown_value(value: Any) -> str:
    """Return a value as it is shown in an example: numbers short, long texts cut."""
    if value is None:
        return "missing"
    if isinstance(value, float):
        return f"{value:.9g}"
    if isinstance(value, tuple):
        return ", ".join(map(shown_value, value))
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 3]}..."


def report_text(report: SkewReport) -> str:
    """Return the findings as plain text: a line for each feature, and for each example."""
    lines = [f"{headline(report)} ({plural(report.rows, 'row')} compared)"]
    lines += [f"  {note}" for note in pairing_notes(report)]
    for name, one in report.features.items():
        if one.unequal:
            lines += _feature(name, one)
    return "\n".join(lines)


def _feature(name: str, one: FeatureSkew) -> Iterator[str]:
    yield f"  {name}: {plural(one.unequal, 'row')} unequal ({percent(one.share)})"
    for kind in one.kinds:
        yield f"    {percent(kind.explained)} of them {kind_name(kind.name)}: {kind.sentence}"
    for example in one.examples:
        yield (
            f"    {shown_value(example.key)}: served {shown_value(example.served)}, "
            f"recomputed {shown_value(example.recomputed)}"
        )


def _side(words: str, side: OneSide, key: str) -> Iterator[str]:
    if side.alone:
        yield f"{plural(side.alone, 'key')} ({key}) only in {words}{_as(side.alone_examples)}"
    if side.repeated:
        yield (
            f"{plural(side.repeated, 'key')} more than once in {words}, not compared"
            f"{_as(side.repeated_examples)}"
        )
    if side.without_key:
        yield f"{plural(side.without_key, 'row')} of {words} without a key, not compared"


def _as(examples: tuple[Any, ...]) -> str:
    return f", as {'; '.join(map(shown_value, examples))}" if examples else ""
