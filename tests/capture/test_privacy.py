"""Every byte that leaves is searched for what was planted in the rows."""

from __future__ import annotations

import re
import struct
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

import modelwatch as mw
from modelwatch.errors import ConfigurationError
from modelwatch.sketches import Categories
from modelwatch.sketches.categories import hashed_name
from tests.watched import FakeTransport, MakeWatch, Watched

SECRETS: dict[str, str | float] = {
    "a text beside the vocabulary": "Zzyzx-Planted-City",
    "a text in an error": "Planted-Message-4711",
    "a key that nobody knows": "planted.key@example.org",
    "a value of that key": "Planted-Extra-Value",
    "a text where a number is due": "Planted-Wrong-Type",
    "a text in an output": "Planted-Output-Label",
    "a number in the bulk": 103.03125917,
    "the greatest number": 918273645.0625,
    "a whole number in the bulk": 104.04871125,
    "a number without a baseline": -77.70131513,
}
NAMES = frozenset({"a text beside the vocabulary", "a value of that key", "a text in an output"})
"""What leaves by default as the names of categories."""

EXTREMES = frozenset({"the greatest number"})
"""What leaves by default as a minimum or maximum."""

KEYS = frozenset({"a key that nobody knows"})
"""What leaves by default as the name of a feature that the baseline lacks."""


def found(transport: FakeTransport) -> set[str]:
    """Return which secrets are in the bytes that were sent, uncompressed, in any of their forms."""
    sent = b"".join(body for _, body in transport.sent)
    assert sent
    return {what for what, secret in SECRETS.items() if any(form in sent for form in forms(secret))}


def forms(secret: str | float) -> list[bytes]:
    """Return the bytes that a secret can be told by."""
    if isinstance(secret, str):
        return [secret.encode(), secret.lower().encode(), secret.encode("utf-16-le")]
    numbers = [struct.pack(code, secret) for code in ("<d", ">d", "<f")]
    return [*numbers, repr(secret).encode(), f"{secret:.4f}".encode()]


def plant(watch: mw.Watch) -> None:
    """Make predictions of 300 rows, some of which hold secrets."""

    @watch
    def predict(features: dict[str, Any]) -> Any:
        if features["city"] == "fails":
            raise ValueError(SECRETS["a text in an error"])
        return {"score": 0.25, "late": SECRETS["a text in an output"]}

    random = np.random.default_rng(1)
    rows: list[dict[str, Any]] = [
        {"amount": float(random.normal(100, 10)), "count": 4, "city": "Lisbon"} for _ in range(300)
    ]
    for row in rows:
        row["other"] = float(random.normal(0, 100))
    rows[5]["amount"] = SECRETS["a number in the bulk"]
    rows[6]["amount"] = SECRETS["the greatest number"]
    rows[7]["count"] = SECRETS["a whole number in the bulk"]
    rows[8]["count"] = SECRETS["a text where a number is due"]
    rows[9]["city"] = SECRETS["a text beside the vocabulary"]
    rows[10][str(SECRETS["a key that nobody knows"])] = SECRETS["a value of that key"]
    rows[11]["other"] = SECRETS["a number without a baseline"]
    rows[12]["count"] = 1_000.0
    rows[13]["city"] = "fails"
    for row in rows:
        with suppress(ValueError):
            predict(row)
    assert watch.flush(timeout_seconds=30)


@pytest.fixture(params=[True, False], ids=["baseline", "no baseline"])
def with_baseline(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Options of a watch with and without a baseline."""
    return {} if request.param else {"baseline": None}


def test_by_default_only_names_and_extremes_leave(
    make_watch: MakeWatch, with_baseline: dict[str, Any]
) -> None:
    """Of what is planted, category names, names of features and extremes are in the bytes."""
    watched = make_watch(**with_baseline)
    plant(watched.watch)
    of_wrong_type = {"a text in an output"} if watched.watch.baseline else set()
    assert found(watched.transport) == (NAMES | EXTREMES | KEYS) - of_wrong_type
    assert b"ValueError" in b"".join(body for _, body in watched.transport.sent)


def test_of_a_redacted_feature_nothing_leaves(
    make_watch: MakeWatch, with_baseline: dict[str, Any]
) -> None:
    """By name, by wildcard and by pattern; rows and calls are counted all the same."""
    redact = ["amount", "c*", "late", re.compile(r"@[a-z]+\.")]
    watched = make_watch(redact=redact, **with_baseline)
    plant(watched.watch)
    assert found(watched.transport) == set()
    (profile,) = watched.transport.profiles()
    assert (profile.rows, profile.predictions.total()) == (300, 300)
    assert profile.features.keys() == {"score", "other"}
    sent = b"".join(body for _, body in watched.transport.sent)
    for name in (b"amount", b"city", b"count"):
        assert name not in sent


def test_a_function_can_redact_more(make_watch: MakeWatch) -> None:
    """What the watch and what one of its functions holds back is held back of both."""
    watched = make_watch(redact=["amount"])
    predict = watched.watch(redact=["city", "amount"])(half)
    predict({"amount": 1.0, "count": 4, "city": "Lisbon"})
    assert watched.watch.flush(timeout_seconds=30)
    (profile,) = watched.transport.profiles()
    assert profile.features.keys() == {"count", "score"}


def half(features: dict[str, Any]) -> float:
    """Return a score."""
    return 0.5


def test_categories_leave_as_hashes(make_watch: MakeWatch, with_baseline: dict[str, Any]) -> None:
    """No category is in the bytes by its name, of the baseline's or of another."""
    watched = make_watch(hash_categories=True, **with_baseline)
    plant(watched.watch)
    assert found(watched.transport) == EXTREMES | KEYS
    sent = b"".join(body for _, body in watched.transport.sent)
    assert b"Lisbon" not in sent
    assert hashed_name("Lisbon").encode() in sent


def test_categories_are_redacted_by_pattern(make_watch: MakeWatch) -> None:
    """A pattern takes the name from a category, and the category is counted."""
    watched = make_watch(redact=[re.compile("(?i)planted")])
    plant(watched.watch)
    assert found(watched.transport) == EXTREMES
    (profile,) = watched.transport.profiles()
    cities = profile.features["city"].values
    assert isinstance(cities, Categories)
    assert cities.counts["__redacted__"] == 1


def plant_known(watch: mw.Watch) -> None:
    """Make predictions that are known by an id, with secrets in outputs, features and labels."""

    @watch(capture_values=True, segment="region")
    def predict(features: dict[str, Any]) -> dict[str, Any]:
        return {"score": 0.25, "late": features["more"]}

    secret = SECRETS["a text in an output"]
    row = {"amount": 100.0, "count": 4, "city": "Lisbon", "region": "Planted-Region"}
    with mw.prediction_scope("known"):
        predict(row | {"more": secret, "city": SECRETS["a text beside the vocabulary"]})
    watch.record_label("known", secret)
    watch.record_label("number", 42.424242)
    assert watch.flush(timeout_seconds=30)


PLANTED_KNOWN = {
    b"Planted-Output-Label": {"late", "more", "label"},
    b"Zzyzx-Planted-City": {"city"},
    b"Planted-Region": {"region"},
}
"""What is planted, and the names under which it is told."""


def told_of(watched: Watched) -> bytes:
    """Return what was sent beside profiles: events of predictions and labels."""
    logs = [body for signal, body in watched.transport.sent if signal == "logs"]
    return b"".join(body for body in logs if b"modelwatch.prediction" in body or b"label" in body)


def test_of_known_predictions_ids_outputs_and_labels_leave(make_watch: MakeWatch) -> None:
    """And the features where that was asked for."""
    watched = make_watch()
    plant_known(watched.watch)
    told = told_of(watched)
    assert all(planted in told for planted in PLANTED_KNOWN)
    assert b'"ids":["known"]' in told
    assert b"42.424242" in told


def test_of_known_predictions_nothing_redacted_leaves(make_watch: MakeWatch) -> None:
    """Neither as an output, nor as a feature, a segment or a label."""
    redact = ["late", "more", "city", "region"]
    watched = make_watch(redact=redact)
    plant_known(watched.watch)
    sent = b"".join(body for _, body in watched.transport.sent)
    assert not [planted for planted in PLANTED_KNOWN if planted in sent]
    assert b"42.424242" not in sent
    assert b'"score":[0.25]' in told_of(watched)


def test_a_prediction_whose_outputs_are_all_redacted_stays(make_watch: MakeWatch) -> None:
    """There is nothing that a label could be compared with."""
    watched = make_watch(redact=["late", "score"])
    plant_known(watched.watch)
    assert b'"known"' not in told_of(watched)


@pytest.mark.parametrize(
    "options", [{"hash_categories": True}, {"redact": [re.compile("(?i)planted")]}]
)
def test_texts_of_known_predictions_are_held_back_as_categories(
    make_watch: MakeWatch, options: dict[str, Any]
) -> None:
    """As hashes, or under one name; numbers stay, and so do ids, by which all is joined."""
    watched = make_watch(**options)
    plant_known(watched.watch)
    sent = b"".join(body for _, body in watched.transport.sent)
    assert not [planted for planted in PLANTED_KNOWN if planted in sent]
    told = told_of(watched)
    shown = hashed_name("Planted-Output-Label") if "hash_categories" in options else "__redacted__"
    assert told.count(shown.encode()) >= 3
    assert b'"ids":["known"' in told
    assert b"42.424242" in told


@pytest.mark.parametrize("redact", ["ssn", [3], [re.compile(b"x")], None])
def test_a_redaction_that_cannot_work_is_refused(make_watch: MakeWatch, redact: Any) -> None:
    """One text in place of a list would redact each of its letters."""
    with pytest.raises(ConfigurationError, match="redact"):
        make_watch(redact=redact)
    with pytest.raises(ConfigurationError, match="hash_categories"):
        make_watch(hash_categories="yes")
