from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, NamedTuple, TypedDict

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pydantic import BaseModel

from modelwatch.capture.arguments import find_feature_argument
from modelwatch.errors import ConfigurationError


class House(BaseModel):
    """A row as a pydantic model."""

    area: float


class Typed(TypedDict):
    """A row as a typed dict."""

    area: float


@dataclasses.dataclass
class Plain:
    """A row as a dataclass."""

    area: float


class Tupled(NamedTuple):
    """A row as a named tuple."""

    area: float


class Tensor:
    """A tensor, told by the name of its class."""


class Functions:
    """Functions with one parameter that is clearly the row."""

    @staticmethod
    def _by_mapping(client: object, row: Mapping[str, float]) -> None: ...

    @staticmethod
    def _by_dict(client: object, row: dict[str, Any] | None) -> None: ...

    @staticmethod
    def _by_pydantic(row: House, client: object) -> None: ...

    @staticmethod
    def _by_typed_dict(row: Typed, client: str) -> None: ...

    @staticmethod
    def _by_dataclass(client: str, *, row: Plain) -> None: ...

    @staticmethod
    def _by_frame(row: pd.DataFrame, client: object) -> None: ...

    @staticmethod
    def _by_array(client: object, row: np.ndarray[Any, Any]) -> None: ...

    @staticmethod
    def _by_named_tuple(client: object, row: Tupled) -> None: ...

    @staticmethod
    def _by_annotated(client: object, row: Annotated[House, "body"]) -> None: ...

    @staticmethod
    def _by_optional_rows(client: object, row: list[Typed] | None) -> None: ...

    @staticmethod
    def _by_values(client: object, row: list[list[float]]) -> None: ...

    @staticmethod
    def _by_polars(row: pl.DataFrame, client: object) -> None: ...

    @staticmethod
    def _by_arrow(row: pa.Table, client: object) -> None: ...

    @staticmethod
    def _by_tensor(row: Tensor, client: object) -> None: ...

    @staticmethod
    def _by_rows(client: object, row: list[House]) -> None: ...

    @staticmethod
    def _by_sequence(client: object, row: Sequence[Mapping[str, float]]) -> None: ...

    @staticmethod
    def _by_being_required(row: Any, client: Any = None, limit: Any = 0.5) -> None: ...

    @staticmethod
    def _by_being_alone(row: object) -> None: ...


CLEAR = {name: found for name, found in vars(Functions).items() if name.startswith("_by_")}


@pytest.mark.parametrize("name", CLEAR)
def test_a_clear_parameter_is_found(name: str) -> None:
    """The parameter is found by its annotation, by being required, or by being the only one."""
    function: Callable[..., Any] = getattr(Functions, name)
    found = find_feature_argument(function, inputs=None, feature_names=())
    assert found.name == "row"
    positional = list(inspect.signature(function).parameters)
    assert found.position == (None if name == "_by_dataclass" else positional.index("row"))


def test_parameters_that_are_features_are_found() -> None:
    """A function of scalars is read by parameter, with or without a baseline."""

    def predict(area: float, city: str = "Lisbon") -> None: ...
    def untyped(area: Any, city: Any) -> None: ...
    def open_ended(**features: float) -> None: ...

    for function, names in ((predict, ()), (untyped, ("area", "city", "age")), (open_ended, ())):
        found = find_feature_argument(function, inputs=None, feature_names=names)
        assert found.name is None


def test_an_unclear_parameter_is_an_error_with_a_remedy() -> None:
    """The error names the function, its parameters, and what to write."""

    def predict(one: Any, two: Any) -> None: ...

    with pytest.raises(ConfigurationError, match=r"predict\(\).*one, two.*inputs='one'"):
        find_feature_argument(predict, inputs=None, feature_names=())
    with pytest.raises(ConfigurationError, match="inputs='three' is no parameter"):
        find_feature_argument(predict, inputs="three", feature_names=())
    assert find_feature_argument(predict, inputs="two", feature_names=()).position == 1


def test_annotations_that_cannot_be_resolved_do_not_matter() -> None:
    """A name that only a type checker sees is no obstacle."""

    def predict(client: Any, row: Any) -> None: ...

    predict.__annotations__ = {"client": "Unknown", "row": "pd.DataFrame"}
    assert find_feature_argument(predict, inputs=None, feature_names=()).name == "row"


def test_a_callable_without_signature_is_refused() -> None:
    """What cannot be inspected is refused where it is decorated."""
    with pytest.raises(ConfigurationError, match="no readable signature"):
        find_feature_argument(max, inputs=None, feature_names=())
