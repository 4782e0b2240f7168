from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch.collector.labels.csv_labels import CsvLabels
from modelwatch.collector.labels.formats import ColumnNames
from modelwatch.collector.labels.json_labels import JsonLabels, NdjsonLabels
from modelwatch.collector.labels.label_chunk import (
    MOST_SHOWN,
    LabelChunk,
    LabelReader,
    Row,
)
from modelwatch.collector.labels.line_buffer import MOST_LINE_BYTES
from modelwatch.collector.labels.row_checks import typed_text
from modelwatch.errors import DataError

MODEL = "churn"

TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=10)
LABELS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXTS,
)
OBJECTS = st.lists(
    st.fixed_dictionaries(
        {"prediction_id": TEXTS, "label": LABELS},
        optional={"model": TEXTS, "time": st.integers(0, 4_000_000_000)},
    ),
    max_size=12,
)
CUTS = st.lists(st.integers(0, 2_000), max_size=6)


def read(reader: LabelReader, body: bytes, cuts: Sequence[int] = ()) -> LabelChunk:
    """Return what a body holds that comes in parts."""
    places = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    whole = LabelChunk()
    parts = [body[a:b] for a, b in pairwise(places)]
    chunks = [*(reader.feed(part) for part in parts), reader.feed(b"", is_last=True)]
    for chunk in chunks:
        whole.rows += chunk.rows
        whole.refused += chunk.refused
        whole.shown += chunk.shown
        whole.unlabelled += chunk.unlabelled
    return whole


def rows_of(objects: Sequence[dict[str, Any]]) -> list[Row]:
    """Return the rows that objects are."""
    return [
        Row(
            line,
            one.get("model", MODEL),
            one["prediction_id"],
            one["label"],
            one.get("time", 0) * 1_000_000_000,
        )
        for line, one in enumerate(objects, start=1)
    ]


def typed(rows: Sequence[Row]) -> list[tuple[type, Row]]:
    """Return rows such that 1, 1.0 and True differ."""
    return [(type(row.label), row) for row in rows]


@given(OBJECTS, CUTS, st.booleans())
def test_lines_are_read_however_they_are_cut(
    objects: list[dict[str, Any]], cuts: list[int], is_ascii: bool
) -> None:
    """NDJSON in any parts gives each object once, by its line."""
    body = "".join(f"{json.dumps(one, ensure_ascii=is_ascii)}\n" for one in objects).encode()
    found = read(NdjsonLabels(model=MODEL), body, cuts)
    assert typed(found.rows) == typed(rows_of(objects))
    assert found.refused == 0


@given(OBJECTS, CUTS)
def test_the_forms_of_json_hold_the_same(objects: list[dict[str, Any]], cuts: list[int]) -> None:
    """A list, and an object of the model and a list, hold what its lines hold."""
    as_list = json.dumps(objects).encode()
    as_object = json.dumps({"model": MODEL, "labels": objects}).encode()
    found = read(JsonLabels(model=MODEL, most_bytes=10**6), as_list, cuts)
    named = read(JsonLabels(model="other", most_bytes=10**6), as_object, cuts)
    assert typed(found.rows) == typed(named.rows) == typed(rows_of(objects))
    if len(objects) == 1:
        alone = read(JsonLabels(model=MODEL, most_bytes=10**6), as_list[1:-1], cuts)
        assert typed(alone.rows) == typed(found.rows)


FIELDS = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=6)


@given(st.lists(st.tuples(FIELDS, FIELDS), max_size=12), CUTS, st.sampled_from(["\n", "\r\n"]))
def test_records_are_read_however_they_are_cut(
    records: list[tuple[str, str]], cuts: list[int], end: str
) -> None:
    """CSV in any parts is what `csv` reads of it as a whole, line ends within quotes included."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=end)
    writer.writerows([("label", "prediction_id"), *records])
    found = read(CsvLabels(model=MODEL), text.getvalue().encode(), cuts)
    whole = csv.reader(io.StringIO(text.getvalue(), newline=""), strict=True)
    known = [(typed_text(label), one) for label, one in list(whole)[1:]]
    told = [(label, one) for label, one in known if label is not None and one]
    assert [(row.label, row.prediction_id) for row in found.rows] == told
    assert found.unlabelled == sum(label is None for label, _ in known)
    assert found.refused + found.unlabelled + len(found.rows) == len(records)


def test_bad_lines_keep_no_other_line_back() -> None:
    """Each is told by its line, with what is wrong and the remedy."""
    lines = [
        b'{"prediction_id": "a", "label": true}',
        b'{"prediction_id": "b", "label": tru}',
        b"",
        b'{"prediction_id": "c"}',
        b"[1]",
        b'{"prediction_id": "d", "label": "\\ud800"}',
        b'{"prediction_id": "e", "label": "\xff"}',
        b'{"prediction_id": "f", "label": NaN}',
        b'{"prediction_id": "g", "label": 1, "time": "soon"}',
        b'{"prediction_id": "h", "label": ' + b"[" * 100_000,
        b'{"prediction_id": "i", "label": ' + b"9" * 5_000 + b"}",
        b'{"prediction_id": "z", "label": 0}',
    ]
    found = read(NdjsonLabels(model=MODEL), b"\n".join(lines))
    assert [(row.line, row.prediction_id) for row in found.rows] == [(1, "a"), (12, "z")]
    assert sorted(row.line for row in found.shown) == [2, 4, 5, 6, 7, 8, 9, 10, 11]
    assert all(row.problem and row.remedy for row in found.shown)


def test_bad_records_keep_no_other_record_back() -> None:
    """Too few values, stray quotes, bytes that are no UTF-8 and a quote that is not closed."""
    body = (
        b'\xef\xbb\xbfprediction_id,label,note,time\na,1,"x\ny",5\nb\nc,"1"2,,\n\nd,\xff,,\n'
        b'e,NA,,\nf,1,,1700000000000\ng,0,,\n"h,1\n'
    )
    found = read(CsvLabels(model=MODEL), body)
    assert [(row.line, row.prediction_id, row.label) for row in found.rows] == [
        (2, "a", 1),
        (10, "g", 0),
    ]
    assert sorted(row.line for row in found.shown) == [4, 5, 7, 9, 11]
    assert (found.refused, found.unlabelled) == (5, 1)


@pytest.mark.parametrize(
    ("header", "named"),
    [
        (b"id,label\n", "no column 'prediction_id'"),
        (b"prediction_id\n", "no column 'label'"),
        (b"prediction_id,label,label\n", "2 columns are named 'label'"),
        (b"", "no CSV header"),
        (b"\n\n", "no CSV header"),
    ],
)
def test_a_header_names_the_columns(header: bytes, named: str) -> None:
    """What lacks a column cannot be read at all, and the columns that there are are named."""
    with pytest.raises(DataError, match=named):
        read(CsvLabels(model=MODEL), header)


def test_columns_may_have_other_names() -> None:
    """The names that are given are looked for; a column of times by such a name must be there."""
    names = ColumnNames(id="order", label="churned", time="known")
    found = read(CsvLabels(names, model=MODEL), b"known,order,churned\n7,a,true\n")
    assert found.rows == [Row(2, MODEL, "a", True, 7_000_000_000)]
    line = b'{"order": "a", "churned": true, "known": 7}'
    assert read(NdjsonLabels(names, model=MODEL), line).rows[0][1:] == found.rows[0][1:]
    timeless = ColumnNames(time="")
    found = read(CsvLabels(timeless, model=MODEL), b"prediction_id,label,time\na,1,noon\n")
    assert found.rows == [Row(2, MODEL, "a", 1, 0)]
    line = b'{"prediction_id": "a", "label": 1, "time": "noon", "": "noon"}'
    assert read(NdjsonLabels(timeless, model=MODEL), line).rows == [Row(1, MODEL, "a", 1, 0)]
    with pytest.raises(DataError, match="no column 'known'"):
        read(CsvLabels(names, model=MODEL), b"order,churned\na,true\n")


@pytest.mark.parametrize("make", [CsvLabels, NdjsonLabels])
def test_a_line_without_end_is_refused(make: Callable[..., LabelReader]) -> None:
    """No more than a bounded line is held."""
    reader = make(model=MODEL)
    reader.feed(b"prediction_id,label\n")
    for _ in range(MOST_LINE_BYTES // 65_536):
        reader.feed(b"x" * 65_536)
    with pytest.raises(DataError, match="line 2 is longer"):
        reader.feed(b"x")


def test_a_quote_without_end_holds_no_memory() -> None:
    """A field longer than any is given up, and what follows it is read again."""
    reader = CsvLabels(model=MODEL)
    reader.feed(b'prediction_id,label\n"a,1\n')
    chunks = [reader.feed(b"b,1\n" * 10_000) for _ in range(10)]
    assert sum(chunk.refused for chunk in chunks) == 1
    assert sum(len(chunk.rows) for chunk in chunks) > 50_000


def test_json_as_a_whole_is_bounded() -> None:
    """A text that is too long is not held to its end, and the error names what may be longer."""
    reader = JsonLabels(model=MODEL, most_bytes=100)
    with pytest.raises(DataError, match="application/x-ndjson"):
        reader.feed(b"[" * 101)


@pytest.mark.parametrize(
    ("body", "named"), [(b"", "no JSON"), (b"{}\n{}", "one object a line"), (b"\xff", "no JSON")]
)
def test_what_is_no_json_is_said(body: bytes, named: str) -> None:
    """The error says where it ends to be JSON; of two objects, how they are sent."""
    with pytest.raises(DataError, match=named):
        read(JsonLabels(model=MODEL, most_bytes=1_000), body)


@given(st.binary(max_size=200), CUTS)
def test_no_bytes_fail_in_another_way(body: bytes, cuts: list[int]) -> None:
    """Whatever is sent is rows, refused rows or a DataError."""
    for reader in (
        CsvLabels(model=MODEL),
        NdjsonLabels(model=MODEL),
        JsonLabels(model=MODEL, most_bytes=150),
    ):
        try:
            found = read(reader, body, cuts)
        except DataError:
            continue
        assert found.refused >= len(found.shown)


def test_only_the_first_refused_rows_are_told() -> None:
    """However many there are, a bounded number is shown."""
    found = NdjsonLabels(model=MODEL).feed(b"x\n" * 500)
    assert (found.refused, len(found.shown)) == (500, MOST_SHOWN)


def test_batches_are_columns_of_each_model() -> None:
    """Rows come in their order, so many at a time, those of a model together."""
    chunk = LabelChunk()
    for place in range(7):
        chunk.add(place, "ab"[place % 2], str(place), place, None)
    (first, second), (third,) = ([*batch] for batch in chunk.batches(6))
    assert (first.model, first.ids, second.ids) == ("a", ["0", "2", "4"], ["1", "3", "5"])
    assert (third.model, third.labels, third.times_ns) == ("a", [6], [0])
