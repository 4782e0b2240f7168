from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from modelwatch.skew import FeatureSkew, audit

ROWS = 600
RNG = np.random.default_rng(11)
AMOUNTS = np.round(RNG.lognormal(3, 1, ROWS), 3)
SIGNED = RNG.normal(0, 10, ROWS)
CITIES = RNG.choice(["New York", "São Paulo", "Köln"], ROWS)
MILES, NORMALISED = AMOUNTS / 1.609344, (AMOUNTS - AMOUNTS.mean()) / AMOUNTS.std()
IMPUTED = np.where(AMOUNTS > 30, AMOUNTS.mean(), AMOUNTS)
PLAIN = np.char.replace(np.char.replace(CITIES, "ã", "a"), "ö", "o")
MARKED, SHORT = np.char.add(CITIES, "?"), np.where(CITIES == "New York", "NYC", CITIES)
HOURS, DAYS = np.timedelta64(2, "h"), np.timedelta64(3, "D")
SWEDISH, MISREAD = ["örebro", "Malmö"] * 300, ["Ã¶rebro", "MalmÃ¶"] * 300
EPOCH = np.full(ROWS, np.datetime64(0, "us"))
TIMES = np.datetime64("2026-03-01T00:00", "us") + RNG.integers(0, 10**13, ROWS).astype("m8[us]")


def compared(served: Any, recomputed: Any) -> FeatureSkew:
    """Compare one feature."""
    ids = {"id": range(len(served))}
    return audit(ids | {"x": served}, ids | {"x": recomputed}).features["x"]


def named(served: Any, recomputed: Any) -> list[tuple[str, int]]:
    """Return the kinds named, and the percent of unequal rows that each explains."""
    kinds = compared(served, recomputed).kinds
    return [(kind.name, round(100 * kind.explained)) for kind in kinds]


def sentence(served: Any, recomputed: Any) -> str:
    """Return what is said first."""
    return compared(served, recomputed).kinds[0].sentence


def text(sentence: str, served: Any, recomputed: Any) -> Any:
    """Return a case of `test_words`."""
    return pytest.param(sentence, served, recomputed, id=sentence[:40])


@pytest.mark.parametrize(
    ("words", "served", "recomputed"),
    [
        text("served is 1000 times recomputed (thousands?)", AMOUNTS * 1000, AMOUNTS),
        text("served is 0.621371 times recomputed (kilometres and miles?)", MILES, AMOUNTS),
        text("served is recomputed +273.15", AMOUNTS + 273.15, AMOUNTS),
        text("served is 1.8 times recomputed +32 (Celsius in training", SIGNED * 1.8 + 32, SIGNED),
        text("(normalised in serving alone?)", NORMALISED, AMOUNTS),
        text("(normalised in training alone?)", AMOUNTS, NORMALISED),
        text("sign flipped", -SIGNED, SIGNED),
        text("sign lost: served is the absolute value", abs(SIGNED), SIGNED),
        text("sign lost in training", SIGNED, abs(SIGNED)),
        text("rounded to 1 decimal in serving", np.round(AMOUNTS, 1), AMOUNTS),
        text("rounded to 2 decimals in training", SIGNED, np.round(SIGNED, 2)),
        text("cut to whole numbers in serving", np.trunc(SIGNED), SIGNED),
        text("rounded down to whole numbers in serving", np.floor(SIGNED), SIGNED),
        text("rounded to multiples of 10 in serving", np.round(SIGNED, -1), SIGNED),
        text("of half precision (float16)", SIGNED.astype(np.float16), SIGNED),
        text("rounded to 3 significant digits", [float(f"{x:.3g}") for x in SIGNED], SIGNED),
        text("cut off above 12 in serving", np.minimum(SIGNED, 12.0), SIGNED),
        text("cut off below -9 and above 12 in serving", np.clip(SIGNED, -9, 12), SIGNED),
        text("cut off above 12 in training", SIGNED, np.minimum(SIGNED, 12.0)),
        text("-1 in serving in place of", np.full(ROWS, -1.0), AMOUNTS),
        text("and is their mean (imputed?)", IMPUTED, AMOUNTS),
        text("0 in training in place of", AMOUNTS, np.zeros(ROWS)),
        text("in place of 3 other values, as 'other'", ["other"] * ROWS, CITIES),
        text("texts differ in case", np.char.upper(CITIES), CITIES),
        text("texts differ in white space", np.char.add(CITIES, " "), CITIES),
        text("texts differ in accents", PLAIN, CITIES),
        text("texts cut to 4 characters", [city[:4] for city in MARKED], MARKED),
        text("UTF-8 read as Latin-1 in serving", MISREAD, SWEDISH),
        text("1 category under other names, as 'NYC' for 'New York'", SHORT, CITIES),
        text("true and false changed places", SIGNED > 0, SIGNED <= 0),
        text("served is +2 hours off", TIMES + HOURS, TIMES),
        text("served is 3 days earlier", TIMES - DAYS, TIMES),
        text("cut to the day in serving", TIMES.astype("M8[D]"), TIMES),
        text("1970-01-01 00:00:00 in serving in place of", EPOCH, TIMES),
        text("served is a text, recomputed a number", AMOUNTS.astype(str), AMOUNTS),
        text("served is a whole number, recomputed a boolean", [1, 0] * 300, [True, False] * 300),
        text("served is a text, recomputed a time", TIMES.astype(str), TIMES),
        text("in the order of the served rows (joined off by 1?)", np.roll(AMOUNTS, 1), AMOUNTS),
    ],
)  # fmt: skip
def test_words(words: str, served: Any, recomputed: Any) -> None:
    """What was done to the values is said, with the figures and on which side."""
    assert words in sentence(served, recomputed)


def test_two_kinds_on_two_parts_are_both_told() -> None:
    """What is missing in some rows, and rounded in the others, is both told."""
    served = np.where(np.arange(ROWS) % 20 == 0, np.nan, np.round(AMOUNTS))
    assert named(served, AMOUNTS) == [("rounding", 95), ("missing_in_serving", 5)]


def test_default_values_of_a_part_are_told() -> None:
    """A default value in a third of the rows is told beside another unit in the rest."""
    served = np.where(np.arange(ROWS) % 3 == 0, 0.0, AMOUNTS * 60)
    assert named(served, AMOUNTS) == [("factor", 67), ("default_value", 33)]


def test_the_factor_of_a_part_is_told() -> None:
    """One unit in half of the rows is told, and that nothing explains the rest."""
    served = np.where(np.arange(ROWS) % 2 == 0, AMOUNTS * 60, RNG.permutation(AMOUNTS))
    assert sorted(named(served, AMOUNTS)) == [("factor", 50), ("other", 50)]


def test_swapped_columns_are_told() -> None:
    """Two columns that hold each other's values are named, one by the other."""
    ids = {"id": range(ROWS)}
    other = RNG.permutation(AMOUNTS)
    report = audit(ids | {"a": other, "b": AMOUNTS}, ids | {"a": AMOUNTS, "b": other})
    assert report.features["a"].kinds[0].text == "swapped with 'b'"
    assert report.features["b"].kinds[0].text == "swapped with 'a'"


def test_a_taken_column_is_told() -> None:
    """A column that holds another one's values, while that is as it should be, is told apart."""
    ids = {"id": range(ROWS)}
    report = audit(ids | {"a": SIGNED, "b": SIGNED}, ids | {"a": AMOUNTS, "b": SIGNED})
    assert report.features["a"].kinds[0].text == "served is the value of 'b'"
    assert report.failing() == ("a",)


@pytest.mark.parametrize(("day", "hour"), [(24, 1), (1_440, 60)])
def test_times_of_the_day_are_told_in_hours(day: int, hour: int) -> None:
    """A time of the day in another zone begins again at midnight, in winter and in summer."""
    recomputed = RNG.integers(0, day, ROWS)
    off = np.where(np.arange(ROWS) % 3 == 0, 4 * hour, 5 * hour)
    assert "+4 and +5 hours off (another time zone and its summer time?)" in sentence(
        (recomputed + off) % day, recomputed
    )


@pytest.mark.parametrize("values", [[0.0, 1.0], ["yes", "no"], [True, False]], ids=str)
def test_few_values_are_never_swapped_or_shifted(values: list[Any]) -> None:
    """Where any other row agrees by chance, no place is named that the values came from."""
    served, recomputed, other = (RNG.choice(values, ROWS, p=[0.97, 0.03]) for _ in range(3))
    ids = {"id": range(ROWS)}
    report = audit(ids | {"a": served, "b": other}, ids | {"a": recomputed, "b": other})
    places = {"swapped_columns", "shifted_rows", "stale"}
    assert {kind.name for kind in report.features["a"].kinds} & places == set()


def grid(users: int = 10, days: int = 60) -> dict[str, Any]:
    """Return an id, a user and a day for each row, the days of a user in a row."""
    day = np.tile(np.arange(days), users)
    return {
        "id": np.arange(users * days),
        "user": np.repeat(np.arange(users), days),
        "day": np.datetime64("2026-01-01", "us") + day.astype("m8[D]"),
    }


def by_history(served: Any, recomputed: Any) -> list[str]:
    """Return what is said of a feature whose users and days are known."""
    keys, order = grid(), RNG.permutation(600)
    ours = {name: values[order] for name, values in (keys | {"x": served}).items()}
    report = audit(ours, keys | {"x": recomputed}, entity="user", time="day")
    return [kind.text for kind in report.features["x"].kinds]


def earlier(values: Any, days: int) -> Any:
    """Return what each user had some days before; the first days as they are."""
    table = values.reshape(10, 60)
    return np.concatenate([table[:, :days], table[:, :-days]], axis=1).reshape(-1)


@pytest.mark.parametrize("days", [1, 7])
def test_stale_values_are_told_by_their_age(days: int) -> None:
    """Values that a user had some days before are told with the days, on either side."""
    values = RNG.normal(size=600)
    plural = "s" if days > 1 else ""
    assert by_history(earlier(values, days), values) == [
        f"served is what recomputed has {days} day{plural} before (stale, or training looks ahead?)"
    ]
    assert by_history(values, earlier(values, days)) == [
        f"recomputed is what served has {days} day{plural} before (stale in training?)"
    ]


@pytest.mark.parametrize(("short", "long", "count"), [(15, 30, 2), (7, 21, 3)])
def test_windows_are_told_by_their_lengths(short: int, long: int, count: int) -> None:
    """A count over 15 days for one over 30 is told with both lengths, by the user's own days."""
    events = RNG.poisson(2, (10, 120))
    sums = np.cumsum(np.pad(events, ((0, 0), (1, 0))), axis=1)
    ends = np.arange(61, 121)
    served, recomputed = (
        (sums[:, ends] - sums[:, ends - days]).reshape(-1) for days in (short, long)
    )
    expected = (
        f"recomputed is the sum of {count} values of served, {short} days apart: served covers "
        f"{short} days, recomputed {count} times that"
    )
    assert by_history(served, recomputed) == [expected]
    assert named(served, recomputed) == [("time_window", 100)]


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values + RNG.normal(0, 1, values.size),
        lambda values: values * RNG.uniform(0.5, 1.5, values.size),
        lambda values: np.sqrt(abs(values)),
        lambda values: np.log1p(abs(values)) / 3,
        lambda values: values**2,
    ],
)
@pytest.mark.parametrize("values", [AMOUNTS, SIGNED], ids=["amounts", "signed"])
def test_other_differences_have_no_kind(change: Callable[[Any], Any], values: Any) -> None:
    """What is none of the kinds is told as skew without one."""
    assert named(change(values), values)[0] == ("other", 100)


def test_few_rows_have_no_kind() -> None:
    """Four rows that agree are not said to be of a kind."""
    found = compared([2.0, 4.0, 6.0, 8.0], [1.0, 2.0, 3.0, 4.0])
    assert [kind.name for kind in found.kinds] == ["other"]
    assert found.kinds[0].text == "4 rows: too few to name a kind"


def test_a_part_of_another_type_is_told() -> None:
    """Where only some values are texts, those rows are of another type, and no others."""
    served = [str(x) if row % 4 == 0 else x for row, x in enumerate(AMOUNTS.tolist())]
    found = compared(served, AMOUNTS)
    assert (found.unequal, [kind.name for kind in found.kinds]) == (ROWS // 4, ["type"])


def test_texts_that_are_no_numbers_are_of_another_type() -> None:
    """A text that cannot be read is counted, and is not called missing."""
    served = ["n/a" if row % 10 == 0 else str(x) for row, x in enumerate(AMOUNTS.tolist())]
    assert "10% cannot be read" in sentence(served, AMOUNTS)


def test_infinities_and_empty_columns_are_compared() -> None:
    """Infinity equals itself alone; a column without any value is missing."""
    assert compared([np.inf, -np.inf, np.nan], [np.inf, np.inf, np.nan]).unequal == 1
    assert named([None] * ROWS, CITIES) == [("missing_in_serving", 100)]
    assert compared([None] * ROWS, [np.nan] * ROWS).unequal == 0
    assert named(np.full(ROWS, np.inf), AMOUNTS) == [("default_value", 100)]
