from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

import modelwatch as mw
from modelwatch.comparing.schema import fingerprint_findings, schema_findings
from modelwatch.errors import ConfigurationError
from modelwatch.report.drift_report import DriftReport
from modelwatch.report.skew_findings import SchemaFinding


def rows(seed: int, count: int) -> dict[str, list[Any]]:
    """Return rows of numbers, texts and booleans."""
    random = np.random.default_rng(seed)
    return {
        "amount": random.lognormal(3, 1, count).tolist(),
        "country": random.choice(["DE", "FR", "IT"], count, p=[0.5, 0.3, 0.2]).tolist(),
        "member": random.choice([True, False], count).tolist(),
    }


@pytest.fixture(scope="module")
def trained() -> mw.Baseline:
    """What the model was trained on."""
    return mw.Baseline.fit(rows(0, 3_000), model="m", version="1")


def found(baseline: mw.Baseline, columns: Mapping[str, Sequence[Any]]) -> list[SchemaFinding]:
    """Return the schema findings of a table, which `compare` has too."""
    profile = mw.Profile.from_data(dict(columns), baseline=baseline)
    told = schema_findings(baseline, profile)
    assert mw.compare(baseline, dict(columns)).schema == told
    return list(told)


def test_data_as_in_training_has_none(trained: mw.Baseline) -> None:
    """The same form gives no finding, whatever the distributions are."""
    other = rows(1, 400)
    other["amount"] = [900 * value for value in other["amount"]]
    assert found(trained, other) == []


def test_a_feature_that_never_comes_is_absent(trained: mw.Baseline) -> None:
    """It is named with its share, and a name like it that came instead."""
    columns = rows(1, 400)
    columns["Amount "] = columns.pop("amount")
    absent, unexpected = found(trained, columns)
    assert (absent.name, absent.kind, absent.share) == ("amount", "absent", 1.0)
    assert absent.text == "never comes; 'Amount ' does: is it the same?"
    assert (unexpected.name, unexpected.kind, unexpected.share) == ("Amount ", "unexpected", 1.0)


def test_a_feature_absent_in_some_rows_has_their_share(trained: mw.Baseline) -> None:
    """The share is that of the rows that lack it, beside that of the baseline."""
    profile = mw.Profile.empty("m", "1", baseline=trained)
    profile.update({name: values[:300] for name, values in rows(1, 400).items()})
    some = {name: values[300:] for name, values in rows(1, 400).items()}
    absent = mw.Profile.from_data(
        {k: v for k, v in some.items() if k != "amount"}, baseline=trained
    )
    (told,) = schema_findings(trained, profile.merge(absent))
    assert (told.name, told.kind, told.share) == ("amount", "absent", 0.25)
    assert told.text == "not there at all in 25.0% of rows (baseline 0%)"


def test_numbers_as_texts_are_of_another_type(trained: mw.Baseline) -> None:
    """A fifth of the numbers as texts is told with that share."""
    columns = rows(1, 500)
    columns["amount"][:100] = [str(value) for value in columns["amount"][:100]]
    (told,) = found(trained, columns)
    assert (told.name, told.kind, told.share) == ("amount", "wrong_type", 0.2)
    assert (
        told.text == "values that are no numbers (numbers as texts?) in 20.0% of rows (baseline 0%)"
    )


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("amount", [str(n) for n in range(30)], "numbers as texts in 100.0% of rows"),
        ("amount", ["much", "little", "much"], "texts for numbers in 100.0% of rows"),
        ("country", [49.0, 33.0, 39.0], "numbers for categories in 100.0% of rows"),
    ],
)
def test_it_is_told_where_values_cannot_be_compared(
    trained: mw.Baseline, name: str, values: list[Any], words: str
) -> None:
    """Of a sender without a baseline, what comes in place of a feature's type is named."""
    profile = mw.Profile.empty("m", "1")
    profile.update({**{k: v[: len(values)] for k, v in rows(1, 40).items()}, name: values})
    (told,) = schema_findings(trained, profile)
    assert (told.name, told.kind, told.share) == (name, "wrong_type", 1.0)
    assert words in told.text


def test_categories_in_another_spelling_are_named(trained: mw.Baseline) -> None:
    """The share is that of the rows so spelled, the largest pairs are named; new ones are not."""
    columns = rows(1, 400)
    columns["country"] = ["de"] * 100 + ["fr "] * 20 + ["AT"] * 80 + ["DE"] * 200
    (told,) = found(trained, columns)
    assert (told.name, told.kind, told.share) == ("country", "spelling", 0.3)
    assert told.text == "spelled otherwise in 30.0% of rows: 'de' for 'DE', 'fr ' for 'FR'"


def test_an_output_that_does_not_come_is_no_finding() -> None:
    """A table of inputs alone lacks predictions by nature."""
    table = {**rows(0, 3_000), "score": np.random.default_rng(2).random(3_000)}
    baseline = mw.Baseline.fit(table, model="m", version="1", score="score")
    assert found(baseline, rows(1, 400)) == []


def test_no_rows_have_no_schema(trained: mw.Baseline) -> None:
    """Where nothing came, nothing is said to be absent."""
    assert schema_findings(trained, mw.Profile.empty("m", "1", baseline=trained)) == ()


def test_a_report_keeps_them(trained: mw.Baseline) -> None:
    """They survive JSON, are in the HTML, and the report in the terminal names them."""
    columns = rows(1, 400)
    del columns["amount"]
    report = mw.compare(trained, columns)
    again = DriftReport.from_dict(json.loads(json.dumps(report.to_dict())))
    assert again.schema == report.schema != ()
    assert "<h2>Training-serving skew</h2>" in report.to_html()
    assert "<strong>amount</strong> never comes" in report.to_html()


def test_another_environment_is_told_with_both_versions() -> None:
    """Of each part that differs there is what the baseline was made with, and what is served."""
    taken = mw.fingerprint([1.0, 2.0], libraries=["numpy"])
    baseline = mw.Baseline.fit(rows(0, 500), model="m", version="1", fingerprint=taken)
    profile = mw.Profile.from_data(rows(1, 100), baseline=baseline)
    profile.mismatches.update({"numpy=1.0.0": 2, "model.hash=0123456789ab": 2, "python": 0})
    binary, library = fingerprint_findings(baseline, profile)
    assert (binary.part, binary.expected, binary.actual) == (
        "model.hash", taken.model_hash[:12], "0123456789ab"
    )  # fmt: skip
    assert (library.part, library.expected, library.actual) == (
        "numpy", np.__version__, "1.0.0"
    )  # fmt: skip
    assert mw.compare(baseline, profile).fingerprint == (binary, library)


def test_a_comparison_may_be_told_where_findings_come_from(trained: mw.Baseline) -> None:
    """Offline nobody knows of deployments; who does can say so, and nothing else is taken."""
    columns = rows(1, 400)
    columns["amount"] = [100 * value for value in columns["amount"]]
    assert mw.compare(trained, columns).features["amount"].origin is None
    report = mw.compare(trained, columns, origin="skew")
    assert report.features["amount"].origin == "skew"
    assert report.features["country"].origin is None
    assert "differs from training since the first window after deployment" in report.to_html()
    wrong: Any = "serving"
    with pytest.raises(ConfigurationError, match=r"origin is .*give 'skew', 'drift' or None"):
        mw.compare(trained, columns, origin=wrong)
