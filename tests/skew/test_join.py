from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch.errors import DataError, SchemaError
from modelwatch.skew import audit
from modelwatch.skew.join import Join, join
from modelwatch.skew.shelf import open_shelf

DAYS = np.array(["2026-01-01", "2026-01-02", "2026-01-03"], dtype="M8[us]")
KEYS = st.one_of(st.none(), st.integers(0, 6))
SIDES = st.lists(st.tuples(KEYS, st.sampled_from(["a", "b", None])), min_size=1, max_size=12)


def joined(served: Any, recomputed: Any, *key: str) -> Join:
    """Join two tables."""
    with open_shelf(served, _untold) as ours, open_shelf(recomputed, _untold) as theirs:
        return join(ours, theirs, key)


def _untold(share: float) -> None:
    """Take no notice."""


def frame_of(rows: list[tuple[int | None, str | None]]) -> pd.DataFrame:
    """Return rows with two columns of a key, and their own places."""
    return pd.DataFrame(
        {
            "user": pd.array([user for user, _ in rows], dtype="Int64"),
            "part": pd.array([part for _, part in rows], dtype="string"),
            "place": range(len(rows)),
        }
    )


def once(frame: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """Return rows with a whole key that comes once."""
    whole = frame.dropna(subset=key)
    return whole[~whole.duplicated(key, keep=False)]


@pytest.mark.parametrize("key", [["user"], ["part"], ["user", "part"]], ids=" ".join)
@given(served=SIDES, recomputed=SIDES)
def test_pairs_are_those_of_pandas(key: list[str], served: Any, recomputed: Any) -> None:
    """The pairs are those that pandas merges, of keys that come once on each side."""
    ours, theirs = frame_of(served), frame_of(recomputed)
    expected = once(ours, key).merge(once(theirs, key), on=key, suffixes=("_s", "_r"))
    expected = expected.sort_values("place_s")
    if expected.empty:
        with pytest.raises(DataError):
            joined(ours, theirs, *key)
        return
    found = joined(ours, theirs, *key)
    assert found.served_rows.tolist() == expected["place_s"].tolist()
    assert found.recomputed_rows.tolist() == expected["place_r"].tolist()


@given(served=SIDES, recomputed=SIDES)
def test_what_has_no_partner_is_counted(served: Any, recomputed: Any) -> None:
    """Keys of one side only, repeated keys and rows without a key are counted on each side."""
    try:
        found = joined(frame_of(served), frame_of(recomputed), "user", "part")
    except DataError:
        return
    keys = [Counter(row for row in rows if None not in row) for rows in (served, recomputed)]
    for side, own, other, rows in (
        (found.served, keys[0], keys[1], served),
        (found.recomputed, keys[1], keys[0], recomputed),
    ):
        assert side.rows == len(rows)
        assert side.alone == len(own.keys() - other.keys())
        assert side.repeated == sum(count > 1 for count in own.values())
        assert side.without_key == sum(None in row for row in rows)
        assert set(side.alone_examples) <= own.keys() - other.keys()
        assert len(side.alone_examples) == min(side.alone, 3)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ([1, 2, 3], ["1", "2", "4"]),
        ([1.0, 2.0, 3.0], ["1", "2", "4"]),
        ([1, 2, 3], [1.0, 2.0, 4.0]),
        (DAYS, ["2026-01-01T00:00:00", "2026-01-02", "x"]),
        ([True, False, None], ["true", "false", "maybe"]),
    ],
)  # fmt: skip
def test_keys_of_two_types_match(ours: Any, theirs: Any) -> None:
    """A key that is a number on one side and its text on the other matches, and that is said."""
    found = joined({"id": ours}, {"id": theirs}, "id")
    assert found.served_rows.tolist() == [0, 1]
    assert found.recomputed_rows.tolist() == [0, 1]
    same_kind = not isinstance(theirs[0], str)
    assert bool(found.notes) != same_kind


def test_large_whole_numbers_are_told_apart() -> None:
    """Ids that are the same as floats are two ids."""
    found = joined({"id": [2**53, 2**53 + 1]}, {"id": [2**53 + 1, 2**53]}, "id")
    assert found.recomputed_rows.tolist() == [1, 0]


def test_many_key_columns_do_not_overflow() -> None:
    """Keys of many columns with many values each are matched one by one."""
    rng = np.random.default_rng(1)
    table = {f"k{i}": rng.permutation(5_000) * 10**12 for i in range(8)}
    found = joined(table, table, *table)
    assert found.rows == 5_000
    assert (found.served_rows == found.recomputed_rows).all()


def test_unknown_key_names_the_nearest() -> None:
    """A key that is no column is answered with the nearest one, and with the side that lacks it."""
    table = {"prediction_id": [1]}
    with pytest.raises(SchemaError, match=r"served rows: did you mean 'prediction_id'\?"):
        audit(table, table, "predicton_id")
    with pytest.raises(SchemaError, match="no key column 'id' in the recomputed rows: it has x"):
        audit({"id": [1]}, {"x": [1]})


def test_no_common_key_shows_both_sides() -> None:
    """Where no id is in both, ids of both sides show why."""
    with pytest.raises(DataError, match=r"no 'id' is in both: served has 'u1', 'u2', recomputed"):
        audit({"id": ["u1", "u2"]}, {"id": ["1", "2"]})


def test_keys_that_all_repeat_ask_for_another_column() -> None:
    """Where each common key comes more than once, a further key column is asked for."""
    with pytest.raises(DataError, match="name a further key column"):
        audit({"id": [1, 1]}, {"id": [1]})
