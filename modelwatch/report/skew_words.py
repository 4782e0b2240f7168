"""How training-serving skew is said: since the deployment, with the probable cause first. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from modelwatch.report.drift_report import DriftReport, FeatureDrift
from modelwatch.report.remarks import Remark
from modelwatch.report.skew_findings import SchemaFinding

__all__ = ["moment", "origin_words", "short_cause", "skew_remarks"]

SINCE_DEPLOYMENT = "differs from training since the first window after deployment"

MOST_LINES = 12
"""Of skew that are shown; the rest is counted."""

NANOSECONDS = 1_000_000_000


def skew_remarks(report: DriftReport) -> list[Remark]:
    """Return what of a report is training-serving skew, a sentence each; nothing where none is.

    First the features whose values differ since the deployment, worst first; then what comes in
    another form; then what of the model and its environment is other than in training. Of more than
    `MOST_LINES`, the rest is counted.
    """
    forms = {one.name: one for one in report.schema}
    found = []
    for feature in report.ranked():
        if feature.origin == "skew":
            form = forms.pop(feature.name, None)
            found.append(Remark(subject=feature.name, text=_since_deployment(feature, form)))
    found += [Remark(subject=one.name, text=one.text) for one in forms.values()]
    found += [Remark(subject=one.part, text=one.text) for one in report.fingerprint]
    if len(found) > MOST_LINES:
        rest = Remark(subject=f"{len(found) - MOST_LINES + 1} more", text="in the report as JSON")
        return [*found[: MOST_LINES - 1], rest]
    return found


def short_cause(feature: FeatureDrift) -> str:
    """Return what happened to a feature, and whether it is skew, for alerts and events.

    >>> from modelwatch.report.findings import FeatureDrift
    >>> short_cause(FeatureDrift(name="age", role="input", kind="numeric", rows=9, origin="skew",
    ...                          diagnosis="multiplied by 100 (unit change?)"))
    'training-serving skew since the deployment: multiplied by 100 (unit change?)'
    """
    told = feature.diagnosis or ""
    if feature.origin != "skew":
        return told
    return f"training-serving skew since the deployment: {told or _CHANGED}"


def origin_words(feature: FeatureDrift) -> str:
    """Say where a finding comes from and since when; empty where that is not known."""
    if feature.origin is None:
        return ""
    since = "" if feature.since_ns is None else f", since {moment(feature.since_ns)}"
    return f"{'training-serving skew' if feature.origin == 'skew' else 'drift'}{since}"


def moment(time_ns: int) -> str:
    """Return a time in words, UTC.

    >>> moment(3_600_000_000_000)
    '1970-01-01 01:00 UTC'
    """
    at = datetime.fromtimestamp(time_ns // NANOSECONDS, tz=UTC)
    return f"{at:%Y-%m-%d %H:%M}{f':{at:%S}' if at.second else ''} UTC"


_CHANGED = "the distribution is another"


def _since_deployment(feature: FeatureDrift, form: SchemaFinding | None) -> str:
    """Say what happened; where a feature comes in another form, that says it best."""
    since = "" if feature.since_ns is None else f" ({moment(feature.since_ns)})"
    told = feature.diagnosis or _CHANGED
    if form is not None and form.kind != "spelling":
        told = form.text
    return f"{SINCE_DEPLOYMENT}{since}: {told}"
