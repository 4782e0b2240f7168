from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydantic import BaseModel

import modelwatch as mw
from modelwatch.capture.inference_protocol import InferenceTensors, read_tensors
from modelwatch.capture.outputs import OutputReader, frozen
from modelwatch.capture.rows import Batch, Row, RowReader
from modelwatch.errors import DataError
from tests.watched import MakeWatch

DTYPES = {
    "BOOL": "?",
    "INT8": "<i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "UINT8": "<u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
}


def tensor(name: str, shape: list[int], datatype: str, data: Any) -> dict[str, Any]:
    """Return a tensor as JSON has it."""
    return {"name": name, "shape": shape, "datatype": datatype, "data": data}


def request(*tensors: dict[str, Any], **others: Any) -> dict[str, Any]:
    """Return a request of such tensors."""
    return {"id": "42", "inputs": list(tensors), **others}


def binary_body(arrays: dict[str, tuple[str, bytes, list[int]]]) -> tuple[bytes, int]:
    """Return a body of binary tensors, and the length of its JSON."""
    inputs = [
        {
            "name": name,
            "shape": shape,
            "datatype": datatype,
            "parameters": {"binary_data_size": len(content)},
        }
        for name, (datatype, content, shape) in arrays.items()
    ]
    header = json.dumps({"inputs": inputs}).encode()
    return header + b"".join(content for _, content, _ in arrays.values()), len(header)


AGE = tensor("age", [2], "INT64", [30, 40])
CITY = tensor("city", [2, 1], "BYTES", ["Bergen", "Lisbon"])


def test_the_request_of_the_specification_is_read() -> None:
    """Flat data of several dimensions, as the protocol's example has it."""
    body = json.dumps(request(tensor("input0", [2, 2], "UINT32", [1, 2, 3, 4]), AGE))
    found = mw.read_inference_request(body)
    assert {name: np.asarray(array).tolist() for name, array in found.items()} == {
        "input0": [[1, 2], [3, 4]],
        "age": [30, 40],
    }
    assert mw.read_inference_request(body.encode()).keys() == found.keys()


@pytest.mark.parametrize("data", [[1, 2, 3, 4, 5, 6], [[1, 2, 3], [4, 5, 6]]])
@pytest.mark.parametrize("datatype", [*DTYPES, "BF16"])
def test_data_is_flat_or_nested(datatype: str, data: list[Any]) -> None:
    """Both mean the same, in every datatype."""
    if datatype == "BOOL":
        data = json.loads(json.dumps(data), parse_int=lambda digits: int(digits) % 2 == 0)
    found = read_tensors(request(tensor("x", [2, 3], datatype, data)), "inputs")["x"]
    assert isinstance(found, np.ndarray)
    assert found.shape == (2, 3)
    assert found.ravel().tolist() == np.ravel(data).tolist()


@given(st.data())
def test_binary_tensors_are_read_as_they_were_written(data: st.DataObject) -> None:
    """Every datatype and shape, one tensor after another."""
    arrays = {}
    for name in data.draw(st.lists(st.sampled_from("abcd"), min_size=1, unique=True)):
        datatype = data.draw(st.sampled_from(sorted(DTYPES)))
        shape = data.draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
        arrays[name] = (datatype, data.draw(hnp.arrays(DTYPES[datatype], shape)))
    body, length = binary_body(
        {name: (kind, array.tobytes(), list(array.shape)) for name, (kind, array) in arrays.items()}
    )
    found = mw.read_inference_request(body, length)
    for name, (_, array) in arrays.items():
        np.testing.assert_array_equal(np.asarray(found[name]), array)


def test_binary_texts_and_half_precision_are_read() -> None:
    """Texts come with their lengths, as bytes where they are no UTF-8; BF16 is widened."""
    texts = [b"Bergen", "Málaga".encode(), b"", b"\xff"]
    content = b"".join(struct.pack("<I", len(text)) + text for text in texts)
    halves = (np.array([1.5, -2.0], dtype="<f4").view("<u4") >> 16).astype("<u2").tobytes()
    body, length = binary_body({"city": ("BYTES", content, [4]), "x": ("BF16", halves, [2])})
    found = mw.read_inference_request(body, length)
    assert found["city"] == ["Bergen", "Málaga", "", b"\xff"]
    assert np.asarray(found["x"]).tolist() == [1.5, -2.0]


def test_binary_and_json_tensors_may_be_mixed() -> None:
    """A tensor without a size of its own has its data in the JSON."""
    binary = {"name": "b", "shape": [2], "datatype": "UINT8", "parameters": {"binary_data_size": 2}}
    header = json.dumps(request(AGE, binary)).encode()
    found = mw.read_inference_request(bytearray(header + b"\x01\x02"), len(header))
    assert np.asarray(found["b"]).tolist() == [1, 2]
    assert np.asarray(found["age"]).tolist() == [30, 40]


@pytest.mark.parametrize(
    ("body", "length", "message"),
    [
        (b"{", None, "no JSON"),
        (b"\xff\xfe\xfd", None, "no JSON"),
        (b"[1]", None, "give an object"),
        (b"[" * 100_000, None, "no JSON"),
        (b"{}", None, "give its tensors"),
        (b'{"inputs": []}', None, "give its tensors"),
        (b'{"inputs": [3]}', None, r"inputs\[0\] is 3"),
        (json.dumps(request(AGE, AGE)), None, "'age'.*name of its own"),
        (json.dumps(request(AGE | {"name": ""})), None, "name of its own"),
        (json.dumps(request(AGE | {"shape": [-1]})), None, "whole numbers"),
        (json.dumps(request(AGE | {"shape": "2"})), None, "whole numbers"),
        (json.dumps(request(AGE | {"shape": [True]})), None, "whole numbers"),
        (json.dumps(request(AGE | {"shape": [3]})), None, r"2 items .* \[3\] has 3"),
        (json.dumps(request(AGE | {"shape": [0, 10**30], "data": []})), None, "too large"),
        (json.dumps(request(AGE | {"datatype": "INT4"})), None, "one of BOOL"),
        (json.dumps(request(AGE | {"datatype": ["INT8"]})), None, "one of BOOL"),
        (json.dumps(request(AGE | {"data": [1, 2.5]})), None, "INT64 holds a float"),
        (json.dumps(request(AGE | {"data": ["1", "2"]})), None, "holds a str"),
        (json.dumps(request(AGE | {"data": [1, 2**70]})), None, "out of the range of INT64"),
        (json.dumps(request(AGE | {"data": {"a": 1}})), None, "give a list"),
        (json.dumps(request(AGE | {"data": [[1, 2], [3]], "shape": [2, 2]})), None, "items"),
        (json.dumps(request(AGE | {"data": None})), None, "neither data nor"),
        (json.dumps(request(AGE | {"parameters": {"binary_data_size": 2}})), None, "follow"),
        (json.dumps(request(AGE | {"parameters": {"binary_data_size": "2"}})), None, "follow"),
        (b"{}", 3, "of the 2 bytes"),
        (b"{}", -1, "header_length is -1"),
        (b"{}", "2", "header_length is '2'"),
        (json.dumps(request(AGE)) + "abc", len(json.dumps(request(AGE))), "3 bytes .* no tensor"),
        (*binary_body({"x": ("FP32", b"1234", [2])}), "has 4 bytes: it takes 8"),
        (*binary_body({"x": ("BYTES", b"\x09\0\0\0abc", [1])}), "not 1 texts"),
        (*binary_body({"x": ("BYTES", b"\x01\0\0\0abc", [1])}), "not 1 texts"),
        (*binary_body({"x": ("BYTES", b"", [1])}), "not 1 texts"),
    ],
)
def test_a_malformed_request_is_refused(body: Any, length: Any, message: str) -> None:
    """The error says what is wrong with which tensor."""
    with pytest.raises(DataError, match=message):
        mw.read_inference_request(body, length)


@given(st.binary(max_size=200), st.none() | st.integers(-1, 210))
def test_any_bytes_are_read_or_refused(body: bytes, length: int | None) -> None:
    """Nothing but our own error comes of junk."""
    with pytest.raises(DataError):
        mw.read_inference_request(body, length)


@given(st.data())
def test_a_request_cut_anywhere_is_read_or_refused(data: st.DataObject) -> None:
    """Nothing but our own error comes of a body that was damaged on its way."""
    content = b"\x03\0\0\0abc\0\0\0\0"
    whole, length = binary_body({"a": ("FP32", b"12345678", [2]), "b": ("BYTES", content, [2])})
    body = bytearray(whole)
    for _ in range(data.draw(st.integers(0, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = mw.read_inference_request(
            bytes(body[: data.draw(st.integers(0, len(body)))]), length
        )
    except DataError:
        return
    assert isinstance(found, InferenceTensors)


class Tensor(BaseModel):
    """A tensor as a server's model has it."""

    name: str
    shape: list[int]
    datatype: str
    parameters: None = None
    data: list[Any]


class Request(BaseModel):
    """A request as a server's model has it."""

    id: str
    inputs: list[Tensor]


def test_named_tensors_are_features() -> None:
    """One column a tensor of shape [n] or [n, 1]; as JSON, model or read from a body."""
    reader = RowReader(["city", "age"])
    json_request = request(AGE, CITY)
    for value in (
        json_request,
        Request.model_validate(json_request),
        mw.read_inference_request(json.dumps(json_request)),
    ):
        found = reader.read(value)
        assert isinstance(found, Batch)
        assert found.rows == 2
        assert list(found.columns["city"]) == ["Bergen", "Lisbon"]
        assert list(found.columns["age"]) == [30, 40]


def test_a_single_tensor_holds_the_features_in_order() -> None:
    """Its columns are the configured names; one row of them may have one dimension."""
    reader = RowReader(["a", "b", "c"])
    found = reader.read(request(tensor("input-0", [2, 3], "FP32", [1, 2, 3, 4, 5, 6])))
    assert isinstance(found, Batch)
    assert {name: list(column) for name, column in found.columns.items()} == {
        "a": [1, 4],
        "b": [2, 5],
        "c": [3, 6],
    }
    for one in ([1, 3], [3]):
        found = reader.read(request(tensor("input-0", one, "FP64", [1.0, 2.0, 3.0])))
        assert found == Row((1.0, 2.0, 3.0))


def test_one_row_is_a_row() -> None:
    """Tensors of one item are a row of values."""
    found = RowReader(["age"]).read(request(tensor("age", [1, 1], "FP32", [[3.5]])))
    assert found == Row((3.5,))


def test_a_feature_called_inputs_is_a_feature() -> None:
    """A model that has such a feature is never taken for one of the protocol."""
    found = RowReader(["inputs"]).read({"inputs": 3.0})
    assert found == Row((3.0,))
    assert RowReader(["a"]).read({"a": 1.0, "inputs": 3.0}) == Row((1.0,), {"inputs": 3.0})


def test_tensors_that_are_no_columns_are_refused() -> None:
    """Several tensors, one of which has several values a row: the error says what to give."""
    wide = tensor("image", [2, 2, 2], "FP32", list(range(8)))
    with pytest.raises(DataError, match=r"'image' has shape \[2, 2, 2\]"):
        RowReader(["age", "image"]).read(request(AGE, wide))


@pytest.mark.parametrize(
    ("tensors", "expected"),
    [
        ([tensor("score", [2], "FP32", [0.5, 0.25])], {"score": [0.5, 0.25]}),
        ([tensor("output0", [2, 1], "FP32", [0.5, 0.25])], {"score": [0.5, 0.25]}),
        ([tensor("output0", [2, 2], "FP64", [0.5, 0.5, 0.75, 0.25])], {"score": [0.5, 0.25]}),
        (
            [
                tensor("score", [2, 1], "FP32", [0.5, 0.25]),
                tensor("late", [2], "BOOL", [True, False]),
            ],
            {"score": [0.5, 0.25], "late": [True, False]},
        ),
    ],
)
def test_a_response_is_mapped_on_the_outputs(
    baseline: mw.Baseline, tensors: list[dict[str, Any]], expected: dict[str, list[Any]]
) -> None:
    """By name; a single tensor of another name is the score."""
    reader = OutputReader(baseline)
    found = reader.batch_columns(frozen({"model_name": "m", "outputs": tensors}), 2)
    assert {
        name: np.ravel(np.asarray(column)).tolist() for name, column in found.items()
    } == expected


def test_a_malformed_response_is_no_fault(baseline: mw.Baseline) -> None:
    """What looks like a response and is none is a result like any other."""
    output = frozen({"outputs": [tensor("score", [3], "FP32", [0.5])]})
    assert OutputReader(baseline).columns([output]).keys() == {"late", "score"}


def test_a_watch_takes_requests_and_responses(make_watch: MakeWatch) -> None:
    """A function of the protocol is watched without a word about it, with or without a baseline."""
    inputs = [
        tensor("amount", [2], "FP64", [100.0, 101.0]),
        tensor("count", [2], "INT64", [4, 5]),
        tensor("city", [2], "BYTES", ["Lisbon", "Bergen"]),
    ]
    answer = {"model_name": "m", "outputs": [tensor("score", [2], "FP32", [0.5, 0.25])]}
    for options in ({}, {"baseline": None}):
        watched = make_watch(**options)

        @watched.watch
        def infer(payload: dict[str, Any]) -> dict[str, Any]:
            return answer

        for _ in range(3):
            assert infer(request(*inputs)) is answer
        profile = watched.profile()
        assert profile.rows == 6
        assert {name: feature.observed for name, feature in profile.features.items()} == {
            "amount": 6,
            "count": 6,
            "city": 6,
            "score": 6,
        }
