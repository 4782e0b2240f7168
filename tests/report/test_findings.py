from __future__ import annotations

from dataclasses import asdict

from modelwatch.report.findings import FeatureDrift

KNOWN = {"name": "age", "role": "input", "kind": "numeric", "rows": 9, "psi": 0.5}


def test_a_finding_made_fast_is_one_like_any_other() -> None:
    """Fields, defaults, equality and what is written are those of the constructor."""
    like = FeatureDrift(name="age", role="input", kind="numeric", rows=9, psi=0.5)
    made = FeatureDrift.of(KNOWN)
    assert made == like
    assert list(asdict(made).items()) == list(asdict(like).items())
    assert list(made.to_dict().items()) == list(like.to_dict().items())
    assert FeatureDrift.from_dict(asdict(made)) == like


def test_findings_share_nothing() -> None:
    """What is noted of one feature is not noted of another."""
    first, second = FeatureDrift.of(KNOWN), FeatureDrift.of(KNOWN)
    assert first.tests is not second.tests
    assert first.intervals is not second.intervals
