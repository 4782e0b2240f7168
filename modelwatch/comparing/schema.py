"""Features that come in another form than in training: needs counts alone, and no distribution.

So it is told where values cannot be compared too: where nothing but texts comes for a number, or
where rows are too few to judge any distribution.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modelwatch.baseline import Baseline, BaselineFeature
from modelwatch.diagnosis.missing_values import LEAST_NEW_SHARE, LEAST_ODDS, LEAST_WRONG
from modelwatch.diagnosis.renaming import plain_name, respelled
from modelwatch.feature import FeatureProfile
from modelwatch.model_fingerprint import parts_of_mismatch
from modelwatch.profile import Profile
from modelwatch.report.skew_findings import FingerprintFinding, SchemaFinding, SchemaKind
from modelwatch.report.wording import percent
from modelwatch.sketches import Categories

__all__ = ["fingerprint_findings", "schema_findings"]

LEAST_RESPELLED = 0.01
"""Share of rows with a name spelled otherwise from which it is told."""

SHOWN_NAMES = 3

_ORDER: tuple[SchemaKind, ...] = ("absent", "wrong_type", "spelling", "unexpected")


def schema_findings(baseline: Baseline, current: Profile) -> tuple[SchemaFinding, ...]:
    """Return in what the form of the data differs from the baseline's.

    An output that does not come at all is no finding, since the data may not have any. Takes one
    pass over the features.

    Args:
        baseline: what the model was trained on.
        current: what was observed, with the names of categories as the baseline has them. Its
            features may hold values of other kinds than the baseline's.

    Returns:
        By kind: absent, of another type, spelled otherwise, unexpected; then by share. Nothing
        where there are no rows.
    """
    if not current.rows:
        return ()
    found = [*_known_features(baseline, current), *_unexpected(baseline, current)]
    return tuple(sorted(found, key=lambda one: (_ORDER.index(one.kind), -one.share, one.name)))


def fingerprint_findings(baseline: Baseline, current: Profile) -> tuple[FingerprintFinding, ...]:
    """Return what of the model and its environment differs from the baseline's, by part."""
    expected = baseline.fingerprint
    return tuple(
        FingerprintFinding(
            part=part, expected=expected.version_of(part) if expected else "", actual=actual
        )
        for part, actual in map(parts_of_mismatch, sorted(+current.mismatches))
    )


def _known_features(baseline: Baseline, current: Profile) -> Iterator[SchemaFinding]:
    unknown = sorted(current.features.keys() - baseline.features.keys())
    for name, feature in baseline.features.items():
        now = current.features.get(name)
        if now is None or not now.total:
            if feature.role == "input":
                other = _other_name(name, unknown)
                yield _finding(name, "absent", 1.0, f"never comes{other}")
            continue
        before = baseline.profile.features[name]
        yield from _absent(name, feature, before, now, _other_name(name, unknown))
        yield from _wrong_type(feature, before, now)
        yield from _spelling(feature, before, now)


def _absent(
    name: str, feature: BaselineFeature, before: FeatureProfile, now: FeatureProfile, other: str
) -> Iterator[SchemaFinding]:
    share, was = _share(now, "absent"), _share(before, "absent")
    if feature.role != "input" or not _is_more(was, share, LEAST_NEW_SHARE):
        return
    if share == 1.0:
        yield _finding(name, "absent", share, f"never comes{other}")
    else:
        text = f"not there at all in {percent(share)} of rows (baseline {percent(was)}){other}"
        yield _finding(name, "absent", share, text)


def _other_name(name: str, unknown: Sequence[str]) -> str:
    """Say under which of the names that the baseline does not know an absent feature may come."""
    plain = plain_name(name) if unknown else ""
    alike = [other for other in unknown if plain and plain_name(other) == plain]
    return f"; {alike[0]!r} does: is it the same?" if alike else ""


def _wrong_type(
    feature: BaselineFeature, before: FeatureProfile, now: FeatureProfile
) -> Iterator[SchemaFinding]:
    if isinstance(before.values, Categories) is not isinstance(now.values, Categories):
        share, was = now.observed / now.total, 0.0
        words = _words_of_kind(now)
    else:
        share, was = _share(now, "wrong_type"), _share(before, "wrong_type")
        words = _words_of_type(feature)
    if share and _is_more(was, share, LEAST_WRONG):
        text = f"{words} in {percent(share)} of rows (baseline {percent(was)})"
        yield _finding(feature.name, "wrong_type", share, text)


def _words_of_kind(now: FeatureProfile) -> str:
    """Say what comes where all values are of the other kind."""
    if not isinstance(now.values, Categories):
        return "numbers for categories"
    total = sum(now.values.counts.values())
    numbers = sum(n for name, n in now.values.counts.items() if _is_number(name))
    return "numbers as texts" if total and 2 * numbers > total else "texts for numbers"


def _words_of_type(feature: BaselineFeature) -> str:
    """Say what comes where only the count of values of another type is known."""
    if feature.kind != "categorical":
        return "values that are no numbers (numbers as texts?)"
    return "values that are no texts" if feature.limits.text else "texts for numbers or booleans"


def _is_number(name: str) -> bool:
    try:
        float(name.replace(",", ".", 1))
    except ValueError:
        return False
    return True


def _spelling(
    feature: BaselineFeature, before: FeatureProfile, now: FeatureProfile
) -> Iterator[SchemaFinding]:
    if not isinstance(before.values, Categories) or not isinstance(now.values, Categories):
        return
    known = {*before.values.counts, *feature.rare_categories, *(feature.limits.categories or ())}
    new = [name for name in now.values.counts if name not in known and plain_name(name)]
    pairs = respelled(new, known) if new else {}
    counts = {name: now.values.counts[name] for name in pairs}
    share = sum(counts.values()) / now.total
    if share < LEAST_RESPELLED:
        return
    largest = sorted(counts, key=lambda name: (-counts[name], name))[:SHOWN_NAMES]
    told = ", ".join(f"{name!r} for {pairs[name]!r}" for name in largest)
    yield _finding(
        feature.name, "spelling", share, f"spelled otherwise in {percent(share)} of rows: {told}"
    )


def _unexpected(baseline: Baseline, current: Profile) -> Iterator[SchemaFinding]:
    for name in current.features.keys() - baseline.features.keys():
        feature = current.features[name]
        rows = feature.total - feature.missing.get("absent", 0)
        share = min(rows / current.rows, 1.0)
        if share > 0:
            text = f"not in the baseline, so not judged; in {percent(share)} of rows"
            yield _finding(name, "unexpected", share, text)


def _finding(name: str, kind: SchemaKind, share: float, text: str) -> SchemaFinding:
    return SchemaFinding(name=name, kind=kind, share=share, text=text)


def _share(feature: FeatureProfile, reason: str) -> float:
    missing = feature.missing.get(reason, 0)
    return missing / feature.total if missing else 0.0


def _is_more(before: float, now: float, least: float) -> bool:
    """Tell whether a share rose by enough, of the rows that had none of it and by its odds."""
    if now >= 1.0 or before >= 1.0:
        return now > before
    return (now - before) / (1.0 - before) >= least and (
        now / (1.0 - now) >= LEAST_ODDS * before / (1.0 - before)
    )
